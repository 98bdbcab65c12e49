/** What went wrong elsewhere, each as a test of what happens here. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import type { Processor } from "../../src/agent/processor.ts";
import type { SpeakerFilter } from "../../src/inference/speakers/speaker_filter.ts";
import { CallEndedEvent, CustomEventReceivedEvent } from "../../src/edge/events.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { sleep } from "../../src/events/waiting.ts";
import { firstSpeakerWins } from "../../src/inference/speakers/first_speaker_wins.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike, tone } from "../../src/testing/sounds.ts";
import { join, setUp } from "./_call.ts";

Deno.test("defect 1: a CallEnded handler that awaits agent.close() does not deadlock", async () => {
  const { clock, edge, agent, call } = await join();
  const log: string[] = [];
  edge.events.subscribe(CallEndedEvent, async (event) => {
    log.push(`ended: ${event.reason}`);
    await agent.close();
    log.push("closed");
  });
  const finishing = agent.finish();
  edge.endCall(call);
  assertEquals(await clock.until(finishing), "call-ended");
  await clock.advance(10);
  assertEquals(log, ["ended: call-ended", "closed"]);
});

Deno.test("defect 2: a speaker filter that is not warmed up makes the agent deaf until it is, no longer", async () => {
  let warm = false;
  const filter: SpeakerFilter = {
    passes: (audio) => {
      if (!warm) throw new Error("the model is not loaded");
      return audio.participant.id === "bert";
    },
  };
  const record = await simulateCall({
    seed: 1,
    people: [
      { userId: "anna", says: [{ atMs: 500, pcm: tone(4000) }] },
      { userId: "bert", joinsAtMs: 1000, says: [{ atMs: 1500, pcm: tone(3000) }] },
    ],
    agent: () => ({ speakerFilter: filter }),
    onJoined: ({ clock }) => void clock.schedule(() => warm = true, 2990),
    endsAtMs: 6000,
  });
  assertEquals(record.heard.get("anna"), undefined);
  assertEquals(record.heard.get("bert")!.list, [{ fromMs: 3000, untilMs: 4500 }]);
  assert(record.errors[0]!.includes("not loaded"));
});

Deno.test("defect 2: the first speaker is heard also while the detector is not warmed up", async () => {
  let warm = false;
  const detector = new FakeVAD();
  const said: string[] = [];
  const record = await simulateCall({
    seed: 1,
    people: [
      { userId: "anna", says: [{ atMs: 500, pcm: speechLike(4000) }] },
      { userId: "bert", joinsAtMs: 1000, says: [{ atMs: 1500, pcm: speechLike(1000) }] },
    ],
    agent: ({ clock }) => ({
      speakerFilter: firstSpeakerWins({
        clock,
        logger: { ...silentLogger, warn: (line) => void said.push(line) },
        vad: {
          name: "cold",
          open: () => {
            const stream = detector.open();
            return {
              ...stream,
              process: (pcm) => {
                if (!warm) throw new Error("the model is not loaded");
                return stream.process(pcm);
              },
            };
          },
        },
      }),
    }),
    onJoined: ({ clock }) => void clock.schedule(() => warm = true, 2990),
    endsAtMs: 6000,
  });
  assertEquals(record.gaps("anna"), []);
  assertEquals(record.heard.get("bert"), undefined);
  assert(said[0]!.includes("not loaded"), said[0]);
  assertAlmostEquals(said.length, 3, 1, "reported at most once a second");
});

Deno.test("defect 3: an error in the block after closing is the error that is seen", async () => {
  const { clock, agent, call } = await setUp();
  const block = (async () => {
    await using session = await agent.join(call, { participantWaitTimeoutMs: 0 });
    await agent.close();
    await session.connection.sendCustomEvent("too late");
  })();
  await assertRejects(() => clock.until(block), Error, "the connection is closed");
});

Deno.test("defect 4: queues count samples per channel, and rates are not spliced", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [{
      userId: "anna",
      says: [
        { atMs: 500, pcm: tone(1000, { channels: 2 }) },
        { atMs: 1500, pcm: tone(1000, { sampleRate: 48_000 }) },
        { atMs: 2500, pcm: tone(1000, { sampleRate: 24_000, channels: 2 }) },
      ],
    }],
    agent: (call) => ({ onAudio: ({ pcm }) => call.agent.audio.write(pcm) }),
    stalls: [{ atMs: 700, forMs: 900 }],
    endsAtMs: 5000,
  });
  assertAlmostEquals(record.heardMs("anna"), 3000, 20);
  assertAlmostEquals(record.said.totalMs, 3000, 40);
});

Deno.test("defect 5: one user's phone is not their laptop, whose track's removal is reported", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [
      { userId: "anna", id: "laptop", says: [{ atMs: 500, pcm: tone(800) }], leavesAtMs: 1400 },
      { userId: "anna", id: "phone", says: [{ atMs: 1000, pcm: tone(800) }] },
    ],
    agent: () => ({}),
    endsAtMs: 3000,
  });
  assertEquals([record.gaps("laptop"), record.gaps("phone")], [[], []]);
  assert(/1400 event: track \S+ of laptop removed/.test(record.log));
  assert(!/track \S+ of phone removed/.test(record.log));
});

Deno.test("defect 6: 20, 25 and 10 frames a second of a 30 Hz source are 20, 25 and 10", async () => {
  const counts = [20, 25, 10].map((videoFps) => ({ videoFps, frames: 0 }));
  const processors = counts.map((count): Processor => ({
    name: `${count.videoFps} fps`,
    videoFps: count.videoFps,
    processVideo: () => void count.frames++,
  }));
  const { clock, edge, agent, call } = await join({ processors });
  const camera = edge.enter(call, { userId: "anna" }).publishVideo();
  const data = new Uint8Array(4);
  for (let n = 0; n < 300; n++) {
    camera.push({ format: "RGBA", width: 1, height: 1, data, timestampMs: n * 1000 / 30 });
    await clock.advance(1000 / 30);
  }
  for (const { videoFps, frames } of counts) assertAlmostEquals(frames / 10, videoFps, 0.2);
  await clock.until(agent.close());
});

Deno.test("defect 7: waiting for a participant waits again after all participants have left", async () => {
  const { clock, edge, agent, call } = await join();
  const anna = edge.enter(call, { userId: "anna" });
  await agent.waitForParticipant();
  anna.leave();
  const waiting = agent.waitForParticipant({ timeoutMs: 1000 });
  await clock.advance(600);
  edge.enter(call, { userId: "bert" });
  assertEquals((await waiting).userId, "bert");
  await clock.until(agent.close());
});

Deno.test("defect 7: a slow event handler keeps no other waiting, and no audio", async () => {
  let quick = 0;
  const record = await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: 500, pcm: tone(2000) }] }],
    agent: (call) => {
      call.edge.events.subscribe(
        CustomEventReceivedEvent,
        () => sleep(60_000, { clock: call.clock }),
      );
      call.edge.events.subscribe(CustomEventReceivedEvent, () => void quick++);
      return {};
    },
    onJoined: ({ clock, edge }) => {
      const [connection] = edge.connections;
      for (let n = 0; n < 50; n++) {
        clock.schedule(() => {
          edge.events.send(new CustomEventReceivedEvent({ connection: connection!, data: n }));
        }, 100 + n * 20);
      }
    },
    endsAtMs: 4000,
  });
  assertEquals([quick, record.gaps("anna"), record.worstLatenessMs], [50, [], 0]);
});

Deno.test("defect 7: a processor's exception costs the others nothing", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: 500, pcm: tone(2000) }] }],
    agent: (call) => ({
      processors: [{
        name: "broken",
        processAudio: () => {
          throw new Error("out of tune");
        },
      }],
      onAudio: ({ pcm }) => call.agent.audio.write(pcm),
    }),
    endsAtMs: 4000,
  });
  assertEquals(record.gaps("anna"), []);
  assertAlmostEquals(record.said.totalMs, 2000, 20);
  assertEquals(record.errors.length, 2, "reported at most once a second");
});

Deno.test("defect 7: the second close() waits for the first, and the edge stays open", async () => {
  const gate = Promise.withResolvers<void>();
  const { clock, edge, agent } = await join({
    processors: [{ name: "slow", close: () => gate.promise }],
  });
  const order: string[] = [];
  const first = agent.close().then(() => order.push("first"));
  const second = agent.close().then(() => order.push("second"));
  await clock.advance(100);
  assertEquals(order, []);
  gate.resolve();
  await clock.until(Promise.all([first, second]));
  assertEquals(order, ["first", "second"]);
  assert(!edge.isClosed);
  await edge.createCall("another");
});

Deno.test("defect 7: what was said is over when it was played, not when it was queued", async () => {
  const { clock, edge, agent, call } = await join();
  const anna = edge.enter(call, { userId: "anna" });
  await agent.audio.write(tone(900), { final: true });
  assertEquals(anna.heardMs, 0);
  const begun = clock.now();
  await clock.until(agent.audio.drain());
  assertAlmostEquals(clock.now() - begun, 900, 20);
  assertAlmostEquals(anna.heardMs, 900, 20);
  await clock.until(agent.close());
});

Deno.test("defect 8: a call without participants is idle from the start", async () => {
  const { clock, agent, session } = await join();
  await clock.advance(60_000);
  assertEquals([agent.idleForMs(), session.connection.state], [60_000, "waiting"]);
  await clock.until(agent.close());
});

Deno.test("users: bursts after a stall lose nothing and are worked off immediately", async () => {
  const record = await simulateCall({
    seed: 5,
    people: ["anna", "bert"].map((userId) => ({
      userId,
      says: [{ atMs: 500, pcm: speechLike(10_000, { seed: userId.length }) }],
    })),
    agent: () => ({}),
    stalls: Array.from({ length: 5 }, (_, n) => ({ atMs: 1000 + 2000 * n, forMs: 200 })),
    endsAtMs: 12_000,
  });
  assertEquals([record.gaps("anna"), record.gaps("bert"), record.droppedSlots], [[], [], 0]);
  assert(record.worstLatenessMs <= 220);
});

Deno.test("users: an answer that was interrupted does not go on, and the next is heard", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: 2000, pcm: tone(400) }] }],
    agent: (call) => {
      let interrupted = false;
      return {
        onAudio: async () => {
          if (interrupted) return;
          interrupted = true;
          const { discardedMs } = await call.agent.audio.flush();
          call.note(`discarded ${Math.round(discardedMs / 100) * 100} ms`);
          call.clock.schedule(() => void call.agent.audio.write(tone(500)), 1000);
        },
      };
    },
    // The model goes on writing: what it had under way belongs to the answer that was cut off.
    onJoined: ({ agent }) => void agent.audio.write(tone(20_000)),
    endsAtMs: 8000,
  });
  const [first, second, ...more] = record.said.list;
  assertAlmostEquals(first!.untilMs, 2020, 20);
  assertAlmostEquals(second!.fromMs, 3020, 20);
  assertAlmostEquals(second!.untilMs - second!.fromMs, 500, 20);
  assertEquals(more, []);
  assert(record.log.includes("discarded 18000 ms"));
});

Deno.test("users: a second participant disturbs no other stream", async () => {
  const record = await simulateCall({
    seed: 9,
    people: [
      { userId: "anna", says: [{ atMs: 500, pcm: tone(5000) }] },
      {
        userId: "bert",
        joinsAtMs: 1500,
        leavesAtMs: 4000,
        says: [{ atMs: 2000, pcm: tone(3000, { sampleRate: 48_000 }) }],
        network: { jitterMs: 50, delayMs: 80 },
      },
    ],
    agent: () => ({}),
    endsAtMs: 7000,
  });
  assertEquals(record.gaps("anna"), []);
  assertAlmostEquals(record.heardMs("bert"), 1860, 60);
});

Deno.test("users: a leaver with an open turn leaves no turn open", async () => {
  const log: string[] = [];
  await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: 500, pcm: tone(5000) }], leavesAtMs: 1510 }],
    agent: () => {
      let slots = 0;
      return {
        processors: [{
          name: "turns",
          processAudio: () => void (slots++ === 0 && log.push("turn begins")),
          trackRemoved: () => void log.push(`track removed after ${slots * 20} ms`),
          participantLeft: (participant) => void log.push(`${participant.id} left`),
        }],
      };
    },
    endsAtMs: 3000,
  });
  assertEquals(log, ["turn begins", "track removed after 1000 ms", "anna left"]);
});

Deno.test("users: video that comes before, with or long after its event is seen", async () => {
  for (const lateMs of [0, 100, 5000]) {
    let frames = 0;
    const { clock, edge, agent, call } = await join({
      processors: [{ name: "eyes", processVideo: () => void frames++ }],
    });
    const subscribe = edge.addTrackSubscriber.bind(edge);
    const from = clock.now() + lateMs;
    edge.addTrackSubscriber = (id, options) =>
      clock.now() < from ? undefined : subscribe(id, options);
    const camera = edge.enter(call, { userId: "anna" }).publishVideo();
    for (let n = 0; n < 60; n++) {
      const data = new Uint8Array(4);
      camera.push({ format: "RGBA", width: 1, height: 1, data, timestampMs: clock.now() });
      await clock.advance(100);
    }
    assertAlmostEquals(frames, 60 - lateMs / 100, 4);
    await clock.until(agent.close());
  }
});
