/** Calls every export with nothing, with wrong arguments, and with too few. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { AgentOptions } from "../src/agent/agent_options.ts";
import { Agent } from "../src/agent/agent.ts";
import { allowList } from "../src/inference/speakers/allow_list.ts";
import { MemoryConversation } from "../src/edge/conversation.ts";
import { GetStreamEdge } from "../src/edges/getstream/mod.ts";
import { LiveKitEdge } from "../src/edges/livekit/mod.ts";
import { LatestVideoTrack } from "../src/edge/toolkit/latest_video_track.ts";
import { LocalEdge } from "../src/edges/local/mod.ts";
import { QueuedAudioTrack } from "../src/edge/toolkit/queued_audio_track.ts";
import { EventManager } from "../src/events/event_manager.ts";
import { silentLogger } from "../src/events/logger.ts";
import { FakeLLM } from "../src/testing/fake_llm.ts";
import { FakeSTT } from "../src/testing/fake_stt.ts";
import { FakeTTS } from "../src/testing/fake_tts.ts";
import { MemoryEdge } from "../src/testing/memory_edge.ts";
import { VirtualClock } from "../src/testing/virtual_clock.ts";

const root = new URL("../", import.meta.url);

/** What starts something, ends the program, or is made by others and only comes out of a call. */
const LEFT_OUT = new Set([
  "shutdownSignal",
  "edgeConformance",
  "AgentSession",
  "CallRecord",
  "FakeRealtimeSession",
  "MemoryParticipant",
  "MemoryVideo",
  "MediaConnection",
  // Checks that say what was wrong with what their caller names.
  "checkDuration",
  "checkMethods",
  "checkObject",
  "checkOptions",
  "checkUser",
]);

/** What says nothing to the author of the mistake. */
const MEANINGLESS =
  /^Cannot |is not (a function|iterable|a constructor)|^Invalid |^undefined|reading '/;

const inputs: readonly (readonly unknown[])[] = [[], [undefined], [null], [{}], [5], ["text"], [
  [],
], [Promise.resolve()]];

/** What each entry point of each package exports; not of those that must not be imported here. */
async function exports(): Promise<[string, unknown][]> {
  const { workspace } = await readConfig(root);
  const found: [string, unknown][] = [];
  for (const folder of [root, ...workspace!.map((path) => new URL(`${path}/`, root))]) {
    const { name, exports } = await readConfig(folder);
    const entries = typeof exports === "string" ? { ".": exports } : exports;
    for (const [entry, path] of Object.entries(entries)) {
      // A command, what only a media process may load, and what runs in a browser.
      if (["./install", "./media/child", "./local/client"].includes(entry)) continue;
      const module = await import(new URL(path, folder).href);
      const prefix = name + entry.slice(1);
      for (const [key, value] of Object.entries(module)) found.push([`${prefix} ${key}`, value]);
    }
  }
  return found;
}

interface Config {
  name: string;
  exports: string | Record<string, string>;
  workspace?: string[];
}

async function readConfig(folder: URL): Promise<Config> {
  return JSON.parse(await Deno.readTextFile(new URL("deno.json", folder)));
}

Deno.test("everything that can be called with the wrong thing says what it expected", async () => {
  const { warn } = console;
  console.warn = () => {};
  const wrong: string[] = [];
  let called = 0;
  try {
    for (const [name, value] of await exports()) {
      if (typeof value !== "function" || LEFT_OUT.has(name.split(" ")[1]!)) continue;
      const isClass = Function.prototype.toString.call(value).startsWith("class");
      for (const input of inputs) {
        called++;
        try {
          await (isClass ? Reflect.construct(value, [...input]) : value(...input));
        } catch (error) {
          const isClear = error instanceof Error && !MEANINGLESS.test(error.message);
          if (!isClear) wrong.push(`${name}(${String(input[0])}): ${error}`);
        }
      }
    }
  } finally {
    console.warn = warn;
  }
  assertEquals(wrong, []);
  assert(called > 500, `${called} calls`);
});

const clock = new VirtualClock();
const edge = new MemoryEdge({ clock, logger: silentLogger });
const agentUser = { id: "agent", name: "Agent" };
const llm = new FakeLLM(clock);
const stt = new FakeSTT(clock);
const tts = new FakeTTS(clock);

/** Options of an agent that make no sense, and what is said of them. */
const wrongAgents: readonly (readonly [options: unknown, says: string])[] = [
  [undefined, "options: expected an object like { edge, agentUser }, got undefined"],
  [null, "options: expected an object like { edge, agentUser }, got null"],
  [5, "options: expected an object like { edge, agentUser }, got 5"],
  [
    {},
    'an agent needs edge (the network it joins calls over, e.g. new LocalEdge()) and agentUser (the user it joins as, e.g. { id: "helper", name: "Helper" })',
  ],
  [{ agentUser }, "an agent needs edge (the network it joins calls over, e.g. new LocalEdge())"],
  [
    { edge },
    'an agent needs agentUser (the user it joins as, e.g. { id: "helper", name: "Helper" })',
  ],
  [
    { edge: {}, agentUser: {} },
    "edge: expected an EdgeTransport, e.g. new LocalEdge(), got an object without a method authenticate",
  ],
  [{ edge: MemoryEdge, agentUser }, "edge: expected an EdgeTransport"],
  [{ edge: Promise.resolve(edge), agentUser }, "edge: expected an EdgeTransport"],
  [
    { edge: "local", agentUser },
    'edge: expected an EdgeTransport, e.g. new LocalEdge(), got "local"',
  ],
  [{ edge, agentUser: {} }, "agentUser.id: expected a text"],
  [{ edge, agentUser: "helper" }, "agentUser: expected a user with an id and a name"],
  [{ edge, agentUser: { id: "helper" } }, "agentUser.name: expected a text"],
  [{ edge, agentUser, onAudio: "echo" }, 'onAudio: expected a function, got "echo"'],
  [{ edge, agentUser, instructions: ["Be kind."] }, "instructions: expected a text, got an array"],
  [{ edge, agentUser, speakerFilter: () => true }, "speakerFilter: expected a speaker filter"],
  [{ edge, agentUser, speakerFilter: ["anna"] }, "speakerFilter: expected a speaker filter"],
  [
    { edge, agentUser, speakerFilter: { passes: () => true, participantLeft: 3 } },
    "got an object whose participantLeft is 3",
  ],
  [
    { edge, agentUser, speakerFilter: { passes: () => true, trackUpdated: "yes" } },
    'got an object whose trackUpdated is "yes"',
  ],
  [{ edge: null, agentUser: null }, "an agent needs edge ("],
  [{ edge: null, agentUser: null }, " and agentUser ("],
  [{ edge, agentUser: "bob" }, 'got "bob"'],
  [{ edge, agentUser, processors: [() => {}] }, "processors[0]: expected a processor with a name"],
  [
    { edge, agentUser, processors: Object.create(null) },
    "processors: expected an array, got an object",
  ],
  [
    { edge, agentUser, processors: [{ name: "v", videoTrack: 5 }] },
    "processors[0].videoTrack: expected a VideoTrack, got 5",
  ],
  [
    { edge, agentUser, processors: [{ name: "v", videoLimitMs: -1 }] },
    "processors[0].videoLimitMs: expected a number of milliseconds >= 0, got -1",
  ],
  [
    { edge, agentUser, publishVideo: {} },
    "publishVideo: expected a VideoTrack, or false, got an object without a method close",
  ],
  [
    { edge, agentUser, publishVideo: { close: () => {} } },
    "publishVideo: expected a VideoTrack, or false, got an object without an async iterator",
  ],
  [
    { edge, agentUser, publishVideo: true },
    "publishVideo: expected a VideoTrack, or false, got true",
  ],
  [{ edge, agentUser, audioMode: "music" }, 'audioMode: expected "speech" or "live", got "music"'],
  [{ edge, agentUser, sampleRate: 8000 }, "sampleRate: expected 16000, 24000 or 48000, got 8000"],
  [{ edge, agentUser, hearsAgents: "yes" }, 'hearsAgents: expected true or false, got "yes"'],
  [
    { edge, agentUser, kernel: {} },
    "kernel: expected an AudioKernel, got an object without a method createResampler",
  ],
  [
    { edge, agentUser, logger: {} },
    "logger: expected a logger, e.g. console, got an object without a method debug",
  ],
  [
    { edge, agentUser, clock: Date },
    "clock: expected a clock, e.g. systemClock, got a function without a method epochMs",
  ],
  [{ edge, agentUser, processors: {} }, "processors: expected an array, got"],
  [
    { edge, agentUser, processors: [{ name: "a", processAudio: 5 }] },
    "processors[0].processAudio: expected a function, got 5",
  ],
  [{ edge, agentUser, llm }, "an agent with an llm needs a voice: pass tts too"],
  [{ edge, agentUser, llm: "gpt", stt, tts }, 'llm: expected an LLM or a RealtimeLLM, got "gpt"'],
  [
    { edge, agentUser, llm: {}, stt, tts },
    "llm: expected an LLM or a RealtimeLLM, got an object without a method generate",
  ],
  [
    { edge, agentUser, llm, stt: {}, tts },
    "stt: expected an STT, e.g. sttFromTranscriber({ ... }), got an object without a method open",
  ],
  [
    { edge, agentUser, llm, stt, tts: () => {} },
    "tts: expected a TTS, e.g. ttsFromSentences({ ... }), got a function without a method open",
  ],
  [{ edge, agentUser, llm, stt, tts, vad: {} }, "vad: expected a VAD"],
  [
    { edge, agentUser, llm, stt, tts, turnHandling: { turnDetection: 5 } },
    "turnHandling.turnDetection: expected a TurnDetector",
  ],
  [{ edge, agentUser, llm, stt, tts, tools: {} }, "tools: expected an array, got an object"],
  [{ edge, agentUser, llm, stt, tts, tools: [{}] }, "tools[0]: expected a tool"],
  [{ edge, agentUser, llm, stt, tts, vision: true }, "vision: expected an object, got true"],
  [
    { edge, agentUser, llm, stt, tts, vision: { encoder: {} } },
    "vision.encoder: expected an ImageEncoder, got an object without a method encode",
  ],
  [
    { edge, agentUser, llm, stt, tts, broadcastMetrics: "yes" },
    "broadcastMetrics: expected true, false or { everyMs }",
  ],
];

for (const [options, says] of wrongAgents) {
  Deno.test(`new Agent() says: ${says}`, () => {
    const error = assertThrows(() => new Agent(options as AgentOptions), Error, says);
    assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
  });
}

Deno.test("a list of allowed people is a list of ids, not the letters of one", () => {
  assertThrows(() => allowList("anna" as unknown as string[]), TypeError, 'e.g. ["anna"]');
  assertThrows(() => allowList([undefined] as unknown as string[]), TypeError, "got undefined");
});

Deno.test("an agent says and answers texts only", async () => {
  const agent = new Agent({ edge, agentUser, llm, stt, tts });
  for (const wrong of [undefined, null, 5, {}, ["Hello."], Promise.resolve("Hello.")]) {
    for (const method of ["say", "generateReply", "text"] as const) {
      await assertRejects(
        () => agent[method](wrong as string),
        TypeError,
        `${method}: expected a text, got`,
      );
    }
  }
});

/** What people call on what they have made, and authors on what they are given. */
const made: Record<string, { make: () => object; methods: readonly string[] }> = {
  MemoryEdge: {
    make: () => new MemoryEdge({ clock, logger: silentLogger }),
    methods: [
      ...["authenticate", "createCall", "join", "publishTracks", "addTrackSubscriber"],
      ...["sendCustomEvent", "createConversation", "createAudioTrack", "openDemo"],
      ...["enter", "endCall", "dial", "end", "dropNetwork"],
    ],
  },
  LocalEdge: {
    make: () => new LocalEdge({ logger: silentLogger }),
    methods: [
      ...["authenticate", "createCall", "join", "publishTracks", "addTrackSubscriber"],
      ...["sendCustomEvent", "createConversation", "callLink", "serve", "endCall", "dial"],
    ],
  },
  GetStreamEdge: {
    make: () =>
      new GetStreamEdge({
        apiKey: "key",
        apiSecret: "secret",
        // Where no listener is.
        basePath: "http://127.0.0.1:1",
        requestTimeoutMs: 10,
        logger: silentLogger,
      }),
    methods: ["join", "publishTracks", "addTrackSubscriber", "sendCustomEvent", "reconnect"],
  },
  LiveKitEdge: {
    make: () =>
      new LiveKitEdge({
        apiKey: "key",
        apiSecret: "secret",
        // Where no server is.
        url: "ws://127.0.0.1:1",
        requestTimeoutMs: 10,
        logger: silentLogger,
      }),
    methods: [
      ...["authenticate", "createCall", "join", "publishTracks", "addTrackSubscriber"],
      ...["sendCustomEvent", "sendText", "setAttributes", "createToken", "createConversation"],
      ...["openDemo", "endCall", "reconnect"],
    ],
  },
  EventManager: {
    make: () => new EventManager(),
    methods: ["register", "subscribe", "send", "has"],
  },
  EdgeEvents: { make: () => edge.events, methods: ["register", "subscribe", "send"] },
  QueuedAudioTrack: {
    make: () => new QueuedAudioTrack({ clock }),
    methods: ["write", "bind", "drain"],
  },
  LatestVideoTrack: { make: () => new LatestVideoTrack(), methods: ["push"] },
  MemoryConversation: {
    make: () => new MemoryConversation({ id: "kitchen" }),
    methods: ["append", "update"],
  },
  Agent: {
    make: () => new Agent({ edge, agentUser, llm, stt, tts }),
    methods: [
      "join",
      "say",
      "generateReply",
      "text",
      "sendCustomEvent",
      "waitForParticipant",
      "finish",
    ],
  },
};

for (const [name, { make, methods }] of Object.entries(made)) {
  Deno.test(`${name} says what it expected wherever it gets something else`, async () => {
    const wrong: string[] = [];
    const several = [...inputs, ["x", null], [{}, null], ["x", {}, null], [{}, {}, null]];
    for (const method of methods) {
      for (const input of several) {
        try {
          await (make() as Record<string, (...input: unknown[]) => unknown>)[method]!(...input);
        } catch (error) {
          const isClear = error instanceof Error && !MEANINGLESS.test(error.message);
          if (!isClear) wrong.push(`${method}(${input.map(String)}): ${error}`);
        }
      }
    }
    assertEquals(wrong, []);
  });
}
