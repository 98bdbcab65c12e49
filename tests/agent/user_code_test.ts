/** Every function that a user gives an agent, and every slip that one can make in it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Processor } from "../../src/agent/processor.ts";
import type { SpeakerFilter } from "../../src/inference/speakers/speaker_filter.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import type { ImageEncoder } from "../../src/inference/contracts/image_encoder.ts";
import type { TurnHandlingOptions } from "../../src/inference/pipelines/turn_handling_options.ts";
import type { Component } from "../../src/inference/contracts/component.ts";
import type { LLM } from "../../src/inference/contracts/llm.ts";
import type { STT, SttSession } from "../../src/inference/contracts/stt.ts";
import type { Tool } from "../../src/inference/contracts/tool.ts";
import type { TTS, TtsSession, TtsStream } from "../../src/inference/contracts/tts.ts";
import type { TurnDetector } from "../../src/inference/contracts/turn_detector.ts";
import type { VAD, VadStream } from "../../src/inference/contracts/vad.ts";
import type { Logger } from "../../src/events/logger.ts";
import type { VideoTrack } from "../../src/edge/video_frame.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { AgentContext } from "../../src/agent/agent_context.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { sleep } from "../../src/events/waiting.ts";
import {
  BargeInEvent,
  ToolCalledEvent,
  TurnEndedEvent,
} from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { fixedEndpointing } from "../../src/inference/contracts/turn_detector.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { sound } from "../inference/_fixture.ts";
import {
  failures as readableFailures,
  type MethodsOf,
  type SlipName,
  slipNames as readableNames,
  slips,
  transferAway,
  UnhandledRejections,
  unreadableNames,
} from "../fixtures/slips.ts";
import { describeError } from "../../src/events/error_text.ts";

type Slip = () => never;

/** A function of a user's, and what is expected when it is not what it should be. */
interface Case {
  /** The agent with the slip in it. */
  agent: (slip: Slip, parts: Parts) => Partial<AgentOptions>;
  /** The slips that are reported as an event. Default: those that are failures whatever it is for. */
  reported?: readonly SlipName[];
  /** The slips that make the join reject. Default: none. */
  refused?: readonly SlipName[];
  /** Whether both turns are answered. Default: the second is, at least. */
  answers?: "both" | "second" | "none";
}

/** Options for an agent in these tests. */
class Parts {
  readonly clock = new VirtualClock();
  readonly vad = new FakeVAD();
  readonly llm = new FakeLLM(this.clock, ["First.", "Second."]);
  readonly stt = new FakeSTT(this.clock, ["One.", "Two.", "Three."]);
  readonly tts = new FakeTTS(this.clock);
  readonly turnDetection = fixedEndpointing(400);
}

const slipNames: readonly SlipName[] = [...readableNames, ...unreadableNames];
const failures: readonly SlipName[] = [...readableFailures, ...unreadableNames];
const all = slipNames;
const failing = [...failures, "never settles"] as const;
/** What gives a stream slips once; the second time it is as it should be. */
const once = <T extends unknown[], R>(slip: Slip, real: (...args: T) => R): (...args: T) => R => {
  let calls = 0;
  return (...args) => calls++ === 0 ? slip() : real(...args);
};
/** A component of a test with one function replaced. */
function broken<T extends object>(part: T, name: PropertyKey, value: unknown): T {
  return new Proxy(part, {
    get: (target, key) => {
      if (key === name) return value;
      const found = Reflect.get(target, key, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
    has: (target, key) => key === name || key in target,
  });
}

/** A voice whose first stream has a slip. */
function withStream(tts: TTS, name: keyof TtsStream, slip: Slip): TTS {
  let streams = 0;
  const open: TTS["open"] = (options) => {
    const session = tts.open(options);
    return broken(session, "speak", () => {
      const stream = session.speak();
      return streams++ === 0 ? broken(stream, name, slip) : stream;
    });
  };
  return broken(tts, "open", open);
}

/** A voice whose session has a slip, once. */
function withSession(tts: TTS, name: keyof TtsSession, slip: Slip): TTS {
  const open: TTS["open"] = (options) => {
    const session = tts.open(options);
    const real = session[name].bind(session) as () => unknown;
    return broken(session, name, once(slip, real));
  };
  return broken(tts, "open", open);
}

const processors = {
  start: { agent: hook("start"), reported: [], refused: failing },
  onEnter: { agent: hook("onEnter") },
  processAudio: { agent: hook("processAudio"), reported: failing },
  processScreenAudio: { agent: hook("processScreenAudio"), reported: failing },
  processVideo: { agent: hook("processVideo"), reported: failing },
  videoSourceChanged: { agent: hook("videoSourceChanged") },
  participantJoined: { agent: hook("participantJoined") },
  participantLeft: { agent: hook("participantLeft") },
  textReceived: { agent: hook("textReceived") },
  trackUpdated: { agent: hook("trackUpdated") },
  trackRemoved: { agent: hook("trackRemoved") },
  close: { agent: hook("close"), reported: failing },
} satisfies Record<MethodsOf<Processor>, Case>;

function hook(name: MethodsOf<Processor>): Case["agent"] {
  // Only who looks is reported of what there is to look at.
  return (slip) => ({ processors: [{ name: "slipping", processVideo: () => {}, [name]: slip }] });
}

const filters = {
  passes: {
    agent: (passes) => ({ speakerFilter: { passes } }),
    reported: all,
    answers: "none",
  },
  passesText: {
    agent: (passesText) => ({ speakerFilter: { passes: () => true, passesText } }),
    reported: all,
  },
  participantLeft: {
    agent: (participantLeft) => ({ speakerFilter: { passes: () => true, participantLeft } }),
  },
  trackUpdated: {
    agent: (trackUpdated) => ({ speakerFilter: { passes: () => true, trackUpdated } }),
  },
} satisfies Record<MethodsOf<SpeakerFilter>, Case>;

const components = {
  start: {
    agent: (start, { llm }) => ({ llm: broken(llm, "start", start) }),
    reported: [],
    refused: failing,
  },
  close: {
    agent: (close, { stt }) => ({ stt: broken(stt, "close", close) }),
    reported: failing,
  },
  metrics: {
    agent: (metrics, { llm }) => ({ llm: broken(llm, "metrics", metrics) }),
    reported: all,
    answers: "both",
  },
} satisfies Record<MethodsOf<Component>, Case>;

type Own<T extends Component> = Exclude<MethodsOf<T>, MethodsOf<Component>>;

const models = {
  "LLM.generate": {
    agent: (slip, { llm }) => ({
      llm: broken(llm, "generate", once(slip, llm.generate.bind(llm))),
    }),
    reported: all,
    answers: "second",
  },
  "STT.open": {
    agent: (slip, { stt }) => ({ stt: broken(stt, "open", once(slip, stt.open.bind(stt))) }),
    reported: all,
    answers: "second",
  },
  "SttSession.sendAudio": inSession("sendAudio", { answers: "both" }),
  // A commit that nothing comes of is given up after a time.
  "SttSession.commit": inSession("commit", { reported: all, answers: "second" }),
  // The speaker stays until the agent leaves.
  "SttSession.end": inSession("end", { reported: [], answers: "both" }),
  "SttSession.asyncIterator": inSession(Symbol.asyncIterator, { reported: all, answers: "both" }),
  "SttSession.asyncDispose": inSession(Symbol.asyncDispose, { reported: failing, answers: "both" }),
  "TTS.open": {
    agent: (slip, { tts }) => ({ tts: broken(tts, "open", once(slip, tts.open.bind(tts))) }),
    reported: all,
    answers: "both",
  },
  "TtsSession.speak": {
    agent: (slip, { tts }) => ({ tts: withSession(tts, "speak", slip) }),
    reported: all,
    answers: "second",
  },
  "TtsSession.asyncDispose": {
    agent: (slip, { tts }) => ({ tts: withSession(tts, Symbol.asyncDispose, slip) }),
    reported: failing,
    answers: "both",
  },
  "TtsStream.sendText": {
    agent: (slip, { tts }) => ({ tts: withStream(tts, "sendText", slip) }),
    reported: all,
    answers: "second",
  },
  "TtsStream.flush": {
    agent: (slip, { tts }) => ({ tts: withStream(tts, "flush", slip) }),
    reported: [],
    answers: "both",
  },
  "TtsStream.end": {
    agent: (slip, { tts }) => ({ tts: withStream(tts, "end", slip) }),
    reported: all,
    answers: "second",
  },
  "TtsStream.cancel": {
    agent: (slip, { tts }) => ({ tts: withStream(tts, "cancel", slip) }),
    reported: [],
    answers: "both",
  },
  "TtsStream.asyncIterator": {
    agent: (slip, { tts }) => ({ tts: withStream(tts, Symbol.asyncIterator, slip) }),
    reported: all,
    answers: "second",
  },
  "VAD.open": {
    agent: (slip, { vad }) => ({ vad: broken(vad, "open", slip) }),
    reported: all,
    answers: "both",
  },
  "VadStream.process": {
    agent: (slip, { vad }) => ({
      vad: broken(vad, "open", () => ({ ...vad.open(), process: slip })),
    }),
    reported: all,
    answers: "both",
  },
  "VadStream.dispose": {
    agent: (slip, { vad }) => ({
      vad: broken(vad, "open", () => ({ ...vad.open(), [Symbol.dispose]: slip })),
    }),
    answers: "both",
  },
  "TurnDetector.endpointingDelayMs": {
    agent: (endpointingDelayMs) => ({
      turnHandling: { ...limits, turnDetection: { name: "slipping", endpointingDelayMs } },
    }),
    reported: failing,
    answers: "both",
  },
} satisfies Record<
  | `LLM.${Own<LLM>}`
  | `STT.${Own<STT>}`
  | `SttSession.${Exclude<MethodsOf<SttSession>, symbol> | "asyncIterator" | "asyncDispose"}`
  | `TTS.${Own<TTS>}`
  | `TtsSession.${Exclude<MethodsOf<TtsSession>, symbol> | "asyncDispose"}`
  | `TtsStream.${Exclude<MethodsOf<TtsStream>, symbol> | "asyncIterator"}`
  | `VAD.${Own<VAD>}`
  | `VadStream.${Exclude<MethodsOf<VadStream>, symbol> | "dispose"}`
  | `TurnDetector.${Own<TurnDetector>}`,
  Case
>;

const others = {
  "onEnter": { agent: (onEnter) => ({ onEnter }) },
  "onAudio": { agent: (onAudio) => ({ onAudio }), reported: failing },
  "turnHandling.shouldReply": {
    agent: (shouldReply) => ({ turnHandling: { ...limits, shouldReply } }),
    reported: all,
    answers: "none",
  },
  "textTransform": {
    agent: (textTransform) => ({ textTransform }),
    reported: all,
    answers: "both",
  },
  "turnHandling.onUserTurnCompleted": {
    agent: (onUserTurnCompleted) => ({ turnHandling: { ...limits, onUserTurnCompleted } }),
    reported: all,
    answers: "both",
  },
  "turnHandling.onHistoryFull": {
    agent: (onHistoryFull) => ({ turnHandling: { ...limits, historyLimit: 2, onHistoryFull } }),
    reported: all.filter((one) => one !== "never settles"),
    answers: "both",
  },
  "ImageEncoder.encode": {
    agent: (encode, { llm }) => {
      llm.acceptsImages = true;
      return { vision: { fps: 100, encoder: { mediaType: "image/png", encode } } };
    },
    reported: all,
    answers: "both",
  },
  "onToolStarted": {
    agent: (onToolStarted, parts) => ({ ...looking(() => {}, parts), onToolStarted }),
    answers: "both",
  },
  "onToolEnded": {
    agent: (onToolEnded, parts) => ({ ...looking(() => {}, parts), onToolEnded }),
    answers: "both",
  },
  "Tool.execute": {
    agent: looking,
    // The model is reported, and may try something else.
    reported: [],
    answers: "both",
  },
  "publishVideo": {
    agent: (slip) => ({
      publishVideo: { id: "own", [Symbol.asyncIterator]: slip, close: slip } as VideoTrack,
    }),
    reported: [],
    answers: "both",
  },
  "Logger.debug": logger("debug"),
  "Logger.info": logger("info"),
  "Logger.warn": logger("warn"),
  "Logger.error": logger("error"),
} satisfies Record<
  | MethodsOf<AgentOptions>
  | `turnHandling.${MethodsOf<TurnHandlingOptions>}`
  | `ImageEncoder.${MethodsOf<ImageEncoder>}`
  | `Tool.${MethodsOf<Tool>}`
  | `Logger.${MethodsOf<Logger>}`
  | "publishVideo",
  Case
>;

/** A recogniser whose first session has a slip. */
function inSession(name: keyof SttSession, expected: Omit<Case, "agent">): Case {
  return {
    agent: (slip, { stt }) => {
      let sessions = 0;
      const open: STT["open"] = (options) => {
        const session = stt.open(options);
        const real = (session[name] as () => unknown).bind(session);
        return sessions++ === 0 ? broken(session, name, once(slip, real)) : session;
      };
      return { stt: broken(stt, "open", open) };
    },
    ...expected,
  };
}

/** An agent whose model calls a tool in its first reply. */
function looking(execute: () => unknown, { clock }: Parts): Partial<AgentOptions> {
  return {
    llm: new FakeLLM(clock, [
      { text: "Let me see.", calls: [{ name: "look", input: {} }] },
      ({ messages }) => messages.at(-1)?.role === "tool" ? "First." : "None.",
      "Second.",
    ]),
    tools: [defineTool({ name: "look", description: "Looks", timeoutMs: 2000, execute })],
  };
}

function logger(level: keyof Logger): Case {
  return {
    agent: (slip, { llm }) => ({
      logger: { ...silentLogger, [level]: slip },
      // Says something at each level.
      llm: broken(llm, "start", ({ logger }: { logger: Logger }) => {
        for (const one of ["debug", "info", "warn", "error"] as const) logger[one]("a line");
      }),
    }),
    reported: [],
    answers: "both",
  };
}

const limits = {
  llmTimeoutMs: 2000,
  ttsTimeoutMs: 2000,
  vad: { sttTimeoutMs: 2000 },
};

const cases: Record<string, Case> = {
  ...named("Processor", processors),
  ...named("SpeakerFilter", filters),
  ...named("Component", components),
  ...models,
  ...others,
};

function named(prefix: string, some: Record<string, Case>): Record<string, Case> {
  return Object.fromEntries(Object.entries(some).map(([name, one]) => [`${prefix}.${name}`, one]));
}

/** A call in which everything happens that an agent may be reported: two turns, video, people, text. */
async function play(of: Case, slip: Slip) {
  const parts = new Parts();
  const { clock } = parts;
  await using edge = new MemoryEdge({ clock, logger: silentLogger });
  const errors: string[] = [];
  edge.events.subscribe(ErrorEvent, ({ context, error }) => {
    errors.push(`${context}: ${describeError(error)}`);
  });
  let witnessed = 0;
  const witness: Processor = { name: "witness", processAudio: () => void witnessed++ };
  const { processors = [], ...made } = of.agent(slip, parts);
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    llm: parts.llm,
    stt: parts.stt,
    tts: parts.tts,
    vad: parts.vad,
    broadcastMetrics: true,
    ...made,
    turnHandling: { turnDetection: parts.turnDetection, ...limits, ...made.turnHandling },
    processors: [...processors, witness],
  });
  const turns: string[] = [];
  const happened: object[] = [];
  agent.events.subscribe([BargeInEvent, ToolCalledEvent], (event) => void happened.push(event));
  agent.events.subscribe(TurnEndedEvent, ({ text }) => void turns.push(text));
  const call = await agent.createCall("default", "kitchen");
  const anna = edge.enter(call, { userId: "anna", id: "anna" });
  const camera = anna.publishVideo();
  const look = () => {
    const data = new Uint8Array(4);
    camera.push({ format: "RGBA", width: 1, height: 1, data, timestampMs: clock.now() });
  };
  const joining = agent.join(call, { participantWaitTimeoutMs: 0, timeoutMs: 3000 });
  const refusal = await clock.until(joining.then(() => undefined, (error: unknown) => ({ error })));
  const answered: number[] = [];
  for (let turn = 0; turn < 2 && refusal === undefined; turn++) {
    const before = parts.tts.sentences.length;
    anna.speak(sound(600));
    anna.speak(sound(2400, 0));
    for (let n = 0; n < 10; n++) {
      await clock.advance(1000);
      look();
      anna.sendScreenAudio(sound(20));
    }
    answered.push(parts.tts.sentences.length - before);
    const bert = edge.enter(call, { userId: "bert", id: "bert" });
    anna.mute();
    anna.unmute();
    await clock.advance(100);
    bert.leave();
    await clock.advance(100);
  }
  anna.sendText("Something written.");
  camera.remove();
  await clock.advance(100);
  const from = clock.now();
  await clock.until(agent.close());
  const closedMs = clock.now() - from;
  await clock.until(edge.close());
  return { errors, witnessed, turns, answered, refusal, closedMs, clock, happened, parts };
}

for (const [name, one] of Object.entries(cases)) {
  Deno.test(`${name} may be anything: it is reported, and the agent hears, answers and ends`, async () => {
    using unhandled = new UnhandledRejections();
    using said = quietConsole();
    const { reported = failures, refused = [], answers = "both" } = one;
    for (const slipName of slipNames) {
      const what = `${name} ${slipName}`;
      const result = await play(one, slips[slipName] as Slip);
      await unhandled.assertNone(what);
      assertEquals(result.clock.pending, 0, `${what}: timers are left`);
      assert(result.closedMs <= 6000, `${what}: closing took ${result.closedMs} ms`);
      const isRefused = (refused as readonly SlipName[]).includes(slipName);
      assertEquals(
        result.refusal !== undefined,
        isRefused,
        `${what}: ${describeError(result.refusal?.error)}`,
      );
      if (isRefused) continue;
      const isTold = (reported as readonly SlipName[]).includes(slipName);
      assertEquals(result.errors.length > 0, isTold, `${what}: ${result.errors.join("\n")}`);
      // About twenty-five seconds: a slip at every 20 ms is reported once in a second.
      assert(result.errors.length <= 40, `${what}: ${result.errors.length} errors`);
      const [first = 0, second = 0] = result.answered;
      if (name === "SpeakerFilter.passes") assertEquals(result.witnessed, 0, what);
      else assert(result.witnessed > 250, `${what}: heard ${result.witnessed}`);
      if (answers === "none") assertEquals([first, second], [0, 0], what);
      else assert(second > 0, `${what}: the second turn was not answered: ${result.errors}`);
      if (answers === "both") assert(first > 0, `${what}: the first turn was not answered`);
    }
    assertEquals(said.lines > 0, name.startsWith("Logger."), "a logger's failure goes there");
  });
}

/** Keeps what goes to the console from it, and counts it. */
function quietConsole(): { lines: number } & Disposable {
  const original = console.error;
  const said = {
    lines: 0,
    [Symbol.dispose]: () => {
      console.error = original;
    },
  };
  console.error = () => void said.lines++;
  return said;
}

for (const when of ["immediately", "after a wait", "long after"]) {
  Deno.test(`a slot's memory may be transferred ${when}: the next is heard`, async () => {
    using unhandled = new UnhandledRejections();
    const clock = new VirtualClock();
    const edge = new MemoryEdge({ clock, logger: silentLogger });
    const errors: string[] = [];
    edge.events.subscribe(ErrorEvent, ({ context, error }) => {
      errors.push(`${context}: ${error}`);
    });
    const tts = new FakeTTS(clock);
    let [taken, heard] = [0, 0];
    const agent = new Agent({
      edge,
      agentUser: { id: "agent", name: "Agent" },
      llm: new FakeLLM(clock),
      stt: new FakeSTT(clock, ["Hello?"]),
      tts,
      vad: new FakeVAD(),
      processors: [{
        name: "taker",
        processAudio: ({ pcm: { samples } }) => {
          const take = () => {
            if (samples.length === 0) return;
            taken++;
            transferAway(samples);
          };
          if (when === "immediately") return take();
          if (when === "after a wait") return sleep(5, { clock }).then(take);
          if (taken < 3) clock.schedule(take, 30);
        },
      }, {
        name: "witness",
        processAudio: ({ pcm }) => {
          assertEquals(pcm.durationMs, 20);
          heard++;
        },
      }],
    });
    const call = await agent.createCall("default", "kitchen");
    await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
    const anna = edge.enter(call, { userId: "anna" });
    anna.speak(sound(600));
    await clock.until(anna.speak(sound(3000, 0)));
    await clock.advance(100);
    await clock.until(agent.close());
    await clock.until(edge.close());
    await unhandled.assertNone(when);
    assertEquals([heard, tts.sentences.length > 0, errors], [180, true, []]);
    assert(taken >= 3, `taken ${taken}`);
    assertEquals(clock.pending, 0);
  });
}

Deno.test("what a hook asks of the agent without awaiting it is reported when it fails", async () => {
  using unhandled = new UnhandledRejections();
  const clock = new VirtualClock();
  await using edge = new MemoryEdge({ clock, logger: silentLogger });
  const errors: string[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(describeError(error)));
  const asks: Record<string, (agent: AgentContext) => unknown> = {
    "sendCustomEvent": (agent) => agent.sendCustomEvent({ n: NaN }),
    "waitForFirstFrame": (agent) => agent.waitForFirstFrame(),
    "latestImage": (agent) => agent.latestImage(),
    "say": (agent) => agent.say(5 as unknown as string),
    "generateReply": (agent) => agent.generateReply(null as unknown as string),
    "interrupt": (agent) => agent.interrupt(),
  };
  for (const [name, ask] of Object.entries(asks)) {
    const agent = new Agent({
      edge,
      agentUser: { id: "agent", name: "Agent" },
      onAudio: (_, agent) => void ask(agent),
    });
    const call = await agent.createCall("default", name);
    await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
    edge.enter(call, { userId: "anna" }).speak(sound(500));
    await clock.advance(700);
    await unhandled.assertNone(name);
    assertEquals(errors.splice(0).length, 1, `${name}: twenty-five slips in half a second`);
    await assertRejects(async () => await ask(agent), Error);
    await clock.until(agent.close());
    await clock.advance(2000);
    void agent.sendCustomEvent("too late");
    await unhandled.assertNone(`${name}, after the end`);
    assertEquals(errors, [], "that it is closed is known");
  }
});
