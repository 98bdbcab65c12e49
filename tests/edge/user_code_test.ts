/** Every function that the author of an edge writes, and every slip that one can make in it. */
import { assert, assertEquals } from "@std/assert";
import type { AudioRow, EdgeAgent } from "../../src/edge/edge_agent.ts";
import type { Conversation } from "../../src/edge/conversation.ts";
import type { PlayoutSink, PlayoutSource } from "../../src/edge/audio_track.ts";
import type { MemoryConnection } from "../../src/testing/memory_connection.ts";
import { Agent } from "../../src/agent/agent.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { CustomEventReceivedEvent, ErrorEvent } from "../../src/edge/events.ts";
import { LatestVideoTrack } from "../../src/edge/toolkit/latest_video_track.ts";
import { PacedPlayout } from "../../src/edge/toolkit/paced_playout.ts";
import { QueuedAudioTrack } from "../../src/edge/toolkit/queued_audio_track.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { sound } from "../inference/_fixture.ts";
import {
  failures,
  type MethodsOf,
  type SlipName,
  slipNames,
  slips,
  transferAway,
  UnhandledRejections,
} from "../fixtures/slips.ts";

type Slip = () => never;

interface Case {
  /** Brings the slip into the edge. */
  make: (edge: MemoryEdge, slip: Slip) => void;
  /** The slips that make creating the call or joining it reject. Default: none. */
  refused?: readonly SlipName[];
  /** The slips that are reported as an event. Default: those that are failures whatever it is for. */
  reported?: readonly SlipName[];
}

const failing: readonly SlipName[] = [...failures, "never settles"];
const set = (target: object, name: PropertyKey, value: unknown) =>
  Object.defineProperty(target, name, { value, configurable: true });

/** What an edge's author writes in the edge, or may. */
const ofEdge: Record<string, Case> = Object.fromEntries(
  Object.entries({
    authenticate: { refused: failing, reported: [] },
    createCall: { refused: slipNames, reported: [] },
    join: { refused: slipNames, reported: ["never settles"] as SlipName[] },
    createConversation: { refused: slipNames, reported: [] },
    createAudioTrack: { refused: slipNames, reported: [] },
    publishTracks: { refused: failing, reported: [] },
    addTrackSubscriber: { reported: slipNames },
    release: { reported: failing },
  }).map(([name, one]) => [
    `EdgeTransport.${name}`,
    { ...one, make: (edge: MemoryEdge, slip: Slip) => set(edge, name, slip) },
  ]),
);

/** What an edge's author writes in the connection. */
const ofConnection: Record<string, Case> = Object.fromEntries(
  Object.entries({
    publishTracks: { refused: failing, reported: [] },
    addTrackSubscriber: { reported: slipNames },
    // Here it carries the figures of the conversation.
    deliverCustomEvent: { reported: failures },
    disconnect: { reported: failing },
  }).map(([name, one]) => [
    `Connection.${name}`,
    {
      ...one,
      make: (edge: MemoryEdge, slip: Slip) => {
        const join = edge.join.bind(edge);
        edge.join = async (...joining) => {
          const connection = await join(...joining);
          set(connection, name, slip);
          return connection;
        };
      },
    },
  ]),
);

const conversations = {
  append: { reported: slipNames },
  update: { reported: slipNames },
  remove: { reported: failures },
  flush: { reported: failing },
} satisfies Record<MethodsOf<Conversation>, Omit<Case, "make">>;

const ofConversation: Record<string, Case> = Object.fromEntries(
  Object.entries(conversations).map(([name, one]) => [
    `Conversation.${name}`,
    {
      ...one,
      make: (edge: MemoryEdge, slip: Slip) => {
        const create = edge.createConversation.bind(edge);
        edge.createConversation = async (...creating) => {
          const conversation = await create(...creating);
          return set(conversation, name, slip) as Conversation;
        };
      },
    },
  ]),
);

for (const [name, one] of Object.entries({ ...ofEdge, ...ofConnection, ...ofConversation })) {
  Deno.test(`${name} may be anything: it is reported, and the agent goes on and ends`, async () => {
    using unhandled = new UnhandledRejections();
    const { refused = [], reported = failures, make } = one;
    for (const slipName of slipNames) {
      const what = `${name} ${slipName}`;
      const clock = new VirtualClock();
      const edge = new MemoryEdge({ clock, logger: silentLogger });
      const errors: string[] = [];
      edge.events.subscribe(ErrorEvent, ({ context, error }) => {
        errors.push(`${context}: ${error}`);
      });
      make(edge, slips[slipName] as Slip);
      let heard = 0;
      const tts = new FakeTTS(clock);
      const agent = new Agent({
        edge,
        agentUser: { id: "agent", name: "Agent" },
        llm: new FakeLLM(clock),
        stt: new FakeSTT(clock, ["Hello?"]),
        tts,
        vad: new FakeVAD(),
        broadcastMetrics: true,
        processors: [{
          name: "witness",
          processAudio: () => void heard++,
          processVideo: () => {},
        }],
      });
      const join = async () => {
        const call = await agent.createCall("default", "kitchen");
        await agent.join(call, { participantWaitTimeoutMs: 0, timeoutMs: 3000 });
        const anna = edge.enter(call, { userId: "anna" });
        anna.publishVideo();
        anna.speak(sound(600));
        await anna.speak(sound(4000, 0));
        void agent.say("Nothing of this is heard.");
        await agent.interrupt();
      };
      const refusal = await clock.until(join().then(() => undefined, (error: unknown) => error));
      const from = clock.now();
      await clock.until(agent.close());
      assert(clock.now() - from <= 6000, `${what}: closing took ${clock.now() - from} ms`);
      await clock.until(edge.close());
      assert(clock.now() - from <= 22_000, `${what}: closing took ${clock.now() - from} ms`);
      await unhandled.assertNone(what);
      assertEquals(clock.pending, 0, `${what}: timers are left`);
      assertEquals(refusal !== undefined, refused.includes(slipName), `${what}: ${refusal}`);
      assertEquals(errors.length > 0, reported.includes(slipName), `${what}: ${errors.join("\n")}`);
      assert(errors.length <= 10, `${what}: ${errors.length} errors`);
      if (refusal !== undefined) continue;
      assert(heard > 200, `${what}: heard ${heard}`);
      assert(tts.sentences.length > 0, `${what}: not answered`);
    }
  });
}

Deno.test("an agent of one's own may do anything with a row: it is reported, and rows go on", async () => {
  const cases = { receiveRow: slips } satisfies Record<MethodsOf<EdgeAgent>, typeof slips>;
  using unhandled = new UnhandledRejections();
  for (const slipName of slipNames) {
    const clock = new VirtualClock();
    const edge = new MemoryEdge({ clock, logger: silentLogger });
    let errors = 0;
    edge.events.subscribe(ErrorEvent, () => void errors++);
    let rows = 0;
    const agent: EdgeAgent = {
      user: { id: "agent", name: "Agent" },
      audioSubscription: { sampleRate: 16_000, agents: false },
      receiveRow: (_row: AudioRow) => {
        rows++;
        return cases.receiveRow[slipName]() as void;
      },
    };
    const call = await edge.createCall("kitchen");
    const connection = await clock.until(edge.join(agent, call));
    await clock.until(edge.enter(call, { userId: "anna" }).speak(sound(1500)));
    assertEquals(rows, 75, slipName);
    assertEquals(errors, failures.includes(slipName) ? 2 : 0, slipName);
    await clock.until(connection.close());
    await clock.until(edge.close());
    await unhandled.assertNone(slipName);
  }
});

function readAll(source: PlayoutSource): void {
  while (source.read());
}

const ports = {
  onReady: failures,
  // What is known of it is taken for its answer.
  flush: slipNames,
  pause: failures,
  resume: failures,
} satisfies Record<MethodsOf<PlayoutSink>, readonly SlipName[]>;

for (const [name, reported] of Object.entries(ports)) {
  Deno.test(`PlayoutSink.${name} may be anything: it is reported, and the track goes on`, async () => {
    using unhandled = new UnhandledRejections();
    for (const slipName of slipNames) {
      const what = `${name} ${slipName}`;
      const clock = new VirtualClock();
      let errors = 0;
      const track = new QueuedAudioTrack({ clock, onError: () => void errors++ });
      const port = {
        sampleRate: 48_000,
        onReady: readAll,
        flush: () => Promise.resolve({ playedMs: 0, discardedMs: 0 }),
        pause: () => {},
        resume: () => {},
        [name]: slips[slipName],
      } as PlayoutSink;
      using _binding = track.bind(port);
      await track.write(new PcmChunk(new Int16Array(4800), { sampleRate: 48_000 }));
      track.pause();
      track.resume();
      const flushed = await clock.until(track.flush());
      assertEquals(flushed.playedMs, 0, what);
      await track.write(new PcmChunk(new Int16Array(4800), { sampleRate: 48_000 }));
      track.close();
      await clock.advance(5000);
      await unhandled.assertNone(what);
      assertEquals(errors > 0, reported.includes(slipName), what);
      assertEquals(clock.pending, 0, what);
    }
  });
}

Deno.test("what takes 10 ms of an agent's voice may do anything: it is reported, and the rest comes", async () => {
  using unhandled = new UnhandledRejections();
  for (const slipName of slipNames) {
    const clock = new VirtualClock();
    let [errors, frames] = [0, 0];
    const track = new QueuedAudioTrack({ clock });
    using _playout = new PacedPlayout(track, {
      clock,
      onFrame: () => {
        frames++;
        return slips[slipName]() as void;
      },
      onError: () => void errors++,
    });
    await track.write(new PcmChunk(new Int16Array(24_000), { sampleRate: 48_000 }));
    await clock.advance(1000);
    assertEquals(frames, 50, slipName);
    assertEquals(errors, failures.includes(slipName) ? 1 : 0, slipName);
    track.close();
    await unhandled.assertNone(slipName);
  }
});

Deno.test("a reader of an agent's voice may transfer its memory: the rest comes", async () => {
  const clock = new VirtualClock();
  let [errors, samples, frames] = [0, 0, 0];
  const onError = () => void errors++;
  const track = new QueuedAudioTrack({ clock, onError });
  const voice = new PcmChunk(new Int16Array(24_000).fill(7), { sampleRate: 48_000 });
  const port: PlayoutSink = {
    sampleRate: 48_000,
    onReady: (source) => {
      for (let chunk = source.read(); chunk; chunk = source.read()) {
        samples += chunk.samples.filter((sample) => sample === 7).length;
        transferAway(chunk.samples);
      }
    },
    flush: () => Promise.resolve({ playedMs: 0, discardedMs: 0 }),
    pause: () => {},
    resume: () => {},
  };
  const binding = track.bind(port);
  await track.write(voice);
  binding.report({ epoch: 0, playedMs: 400, trimmedMs: 0, bufferedMs: 0, heardDelayMs: 0 });
  assertEquals([samples, errors], [24_000, 0]);
  track.close();
  const paced = new QueuedAudioTrack({ clock });
  using _playout = new PacedPlayout(paced, {
    clock,
    onFrame: (frame) => {
      if (frame.length === 480 && frame.every((sample) => sample === 7)) frames++;
      transferAway(frame);
    },
    onError,
  });
  await paced.write(voice);
  await clock.advance(1000);
  assertEquals([frames, errors], [50, 0]);
  paced.close();
});

Deno.test("what is reported of a video track's end may do anything", async () => {
  using unhandled = new UnhandledRejections();
  const { error } = console;
  console.error = () => {};
  try {
    for (const slipName of slipNames) {
      const track = new LatestVideoTrack({ onClose: slips[slipName] as () => void });
      track.close();
      assert(track.isClosed);
      await unhandled.assertNone(slipName);
    }
  } finally {
    console.error = error;
  }
});

Deno.test("a subscriber may do anything: it is reported, and the others are called", async () => {
  using unhandled = new UnhandledRejections();
  for (const slipName of slipNames) {
    const clock = new VirtualClock();
    const edge = new MemoryEdge({ clock, logger: silentLogger });
    let [errors, others] = [0, 0];
    edge.events.subscribe(ErrorEvent, () => void errors++);
    edge.events.subscribe(CustomEventReceivedEvent, slips[slipName] as Slip);
    edge.events.subscribe(CustomEventReceivedEvent, () => void others++);
    const connection = {} as MemoryConnection;
    for (let n = 0; n < 3; n++) {
      edge.events.emit(new CustomEventReceivedEvent({ connection, data: n }));
    }
    await clock.advance(10);
    assertEquals(others, 3, slipName);
    assertEquals(errors, failures.includes(slipName) ? 3 : 0, slipName);
    await clock.until(edge.close());
    await unhandled.assertNone(slipName);
  }
});

Deno.test("a subscriber of errors, and a logger, may fail too: nothing goes round and round", async () => {
  using unhandled = new UnhandledRejections();
  const { error } = console;
  let lines = 0;
  console.error = () => void lines++;
  try {
    for (const slipName of failures) {
      const slip = slips[slipName] as Slip;
      const logger = { debug: slip, info: slip, warn: slip, error: slip };
      const edge = new MemoryEdge({ clock: new VirtualClock(), logger });
      edge.events.emit(new ErrorEvent({ error: new Error("one"), context: "a test" }));
      edge.events.subscribe(ErrorEvent, slip);
      edge.events.emit(new ErrorEvent({ error: new Error("two"), context: "a test" }));
      await unhandled.assertNone(slipName);
      await edge.close();
    }
    assertEquals(lines, 2 * failures.length);
  } finally {
    console.error = error;
  }
});
