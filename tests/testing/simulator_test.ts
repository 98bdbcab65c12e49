import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { sleep } from "../../src/events/waiting.ts";
import type { CallScript } from "../../src/testing/simulator/script.ts";
import { simulateCall, SimulationError } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike, tone } from "../../src/testing/sounds.ts";

/** An agent that says back what it hears. */
const echo: CallScript["agent"] = (simulation) => ({
  audioMode: "live",
  onAudio: ({ pcm }) => simulation.agent.audio.write(pcm),
});
const listener: CallScript["agent"] = () => ({ publishAudio: false });

const hello = tone(1000);

function lossy(seed: number): CallScript {
  return {
    seed,
    people: [
      { userId: "anna", says: [{ atMs: 500, pcm: speechLike(3000, { seed: 5 }) }] },
      {
        userId: "bert",
        joinsAtMs: 1000,
        leavesAtMs: 5500,
        says: [{ atMs: 2000, pcm: hello }],
        network: { delayMs: 40, jitterMs: 70, loss: 0.05, burst: 3, reordering: 0.1 },
      },
    ],
    agent: echo,
    stalls: [{ atMs: 2200, forMs: 300, backlog: "permuted" }],
    endsAtMs: 6000,
  };
}

Deno.test("simulateCall gives the same log for the same seed, and another for another", async () => {
  const [one, again, other] = [
    await simulateCall(lossy(3)),
    await simulateCall(lossy(3)),
    await simulateCall(lossy(4)),
  ];
  assertEquals(one.log, again.log);
  assertEquals(one.svg(), again.svg());
  assert(one.log !== other.log);
});

Deno.test("simulateCall over a good network loses and delays nothing", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: 500, pcm: hello }, { atMs: 3000, pcm: hello }] }],
    agent: echo,
    endsAtMs: 5000,
  });
  assertEquals(record.heard.get("anna")!.list, [
    { fromMs: 520, untilMs: 1520 },
    { fromMs: 3020, untilMs: 4020 },
  ]);
  assertEquals(record.gaps("anna"), []);
  assertAlmostEquals(record.heardBy.get("anna")!.totalMs, 2000, 40);
  assertEquals([record.worstLatenessMs, record.droppedSlots, record.errors], [0, 0, []]);
  assertEquals([record.state, record.reason], ["closed", "call-ended"]);
});

Deno.test("simulateCall counts what a network loses, delays and cuts off", async () => {
  const say = (pcm = tone(10_000)) => [{ atMs: 1000, pcm }];
  const record = await simulateCall({
    seed: 11,
    people: [
      { userId: "lossy", says: say(), network: { loss: 0.1 } },
      { userId: "bursty", says: say(), network: { loss: 0.1, burst: 5 } },
      { userId: "jittery", says: say(), network: { jitterMs: 100, bufferMs: 80 } },
      { userId: "cut", says: say(), network: { cuts: [[4000, 6000]] } },
      { userId: "far", says: say(), network: { delayMs: 200 } },
      {
        userId: "fine",
        says: say(),
        network: { jitterMs: 20, duplication: 0.3, reordering: 0.2, bufferMs: 80 },
      },
    ],
    agent: listener,
    endsAtMs: 14_000,
  });
  assertAlmostEquals(record.heardMs("lossy"), 9000, 400);
  assertAlmostEquals(record.heardMs("bursty"), 9000, 800);
  const longest = (id: string) =>
    Math.max(...record.gaps(id, { toleratedMs: 0 }).map((gap) => gap.untilMs - gap.fromMs));
  assert(longest("bursty") > 2 * longest("lossy"));
  assertAlmostEquals(record.heardMs("jittery"), 8000, 500);
  assert(record.network.jittery!.late > 50);
  assertEquals(record.gaps("cut"), [{ fromMs: 4000, untilMs: 6000 }]);
  assertEquals(record.heard.get("far")!.list, [{ fromMs: 1220, untilMs: 11_220 }]);
  assertEquals(record.gaps("fine"), []);
  assert(record.network.fine!.duplicated > 100);
});

Deno.test("simulateCall loses nothing in a stall, in any order of the backlog", async () => {
  for (const backlog of ["rows", "sinks", "permuted"] as const) {
    const rows: number[] = [];
    const people = ["anna", "bert", "carl"].map((userId) => ({
      userId,
      says: [{ atMs: 500, pcm: tone(4000) }],
    }));
    const record = await simulateCall({
      seed: 2,
      people,
      agent: () => ({ onAudio: ({ row }) => void rows.push(row) }),
      stalls: [{ atMs: 1000, forMs: 1500, backlog }],
      endsAtMs: 6000,
    });
    for (const { userId } of people) assertEquals(record.gaps(userId), [], backlog);
    assertEquals(record.droppedSlots, 0);
    assertAlmostEquals(record.worstLatenessMs, 1500, 40);
    // However they come, the first rows of the backlog apart, speakers are heard row by row.
    const disorder = rows.filter((row, index) => index > 0 && row < rows[index - 1]!).length;
    assert(backlog === "sinks" ? disorder <= 60 : disorder === 0, `${backlog}: ${disorder}`);
  }
});

Deno.test("speech written ahead continues while the agent stalls", async () => {
  const record = await simulateCall({
    seed: 2,
    people: [{ userId: "anna" }],
    agent: () => ({}),
    onJoined: async ({ agent }) => {
      await agent.audio.write(tone(4000), { final: true });
    },
    stalls: [{ atMs: 1000, forMs: 300 }, { atMs: 2000, forMs: 300 }],
    endsAtMs: 6000,
  });
  assertEquals(record.heardBy.get("anna")!.list.length, 1);
  assertAlmostEquals(record.heardBy.get("anna")!.totalMs, 4000, 20);
});

Deno.test("simulateCall plays a track that is published late, or never", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [
      { userId: "late", trackDelayMs: 800, says: [{ atMs: 100, pcm: hello }] },
      { userId: "never", trackDelayMs: Infinity, says: [{ atMs: 100, pcm: hello }] },
    ],
    agent: listener,
    endsAtMs: 2000,
  });
  assertEquals([record.gaps("late"), record.gaps("never")], [[], []]);
  assert(record.log.includes("     800 event: track"));
  assertEquals(record.log.match(/event: track .* added/g)!.length, 1);
});

Deno.test("simulateCall follows mutes, leaving, rate changes and reconnects of the script", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [
      { userId: "muted", says: [{ atMs: 500, pcm: tone(3000) }], mutes: [[1000, 2000]] },
      { userId: "leaver", says: [{ atMs: 500, pcm: tone(3000) }], leavesAtMs: 1500 },
      {
        userId: "changer",
        says: [
          { atMs: 500, pcm: tone(1000, { sampleRate: 48_000 }) },
          { atMs: 1500, pcm: tone(1000, { sampleRate: 44_100, channels: 2 }) },
        ],
      },
    ],
    agent: listener,
    reconnects: [[4000, 5000]],
    endsAtMs: 6000,
    ends: "kicked",
  });
  assertEquals(record.heard.get("muted")!.list, [
    { fromMs: 520, untilMs: 1000 },
    { fromMs: 2000, untilMs: 3520 },
  ]);
  assertAlmostEquals(record.heardMs("leaver"), 1000, 20);
  assertAlmostEquals(record.heardMs("changer"), 2000, 40);
  assert(record.log.includes("    4000 event: active -> active, reconnecting"));
  assertEquals(record.reason, "kicked");
});

Deno.test("bargeInToSilenceMs measures where the person listens", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [{
      userId: "anna",
      says: [{ atMs: 2000, pcm: hello }],
      network: { delayMs: 60 },
    }],
    agent: (simulation) => ({
      onAudio: () => void simulation.agent.audio.flush(),
    }),
    onJoined: async ({ agent }) => {
      await agent.audio.write(tone(10_000), { final: true });
    },
    endsAtMs: 4000,
  });
  const [silenceMs] = record.bargeInToSilenceMs("anna");
  assertAlmostEquals(silenceMs!, 140, 30);
  assert(record.said.totalMs < 2200);
});

Deno.test("simulateCall plays two devices of one person, and an agent that joins last and leaves by itself", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [
      { userId: "anna", id: "laptop", says: [{ atMs: 1500, pcm: tone(500) }], leavesAtMs: 2500 },
      { userId: "anna", id: "phone", says: [{ atMs: 3000, pcm: tone(500) }] },
    ],
    agent: listener,
    agentJoinsAtMs: 1000,
    endsAtMs: 4000,
    ends: "left",
  });
  assertEquals([record.heardMs("laptop"), record.heardMs("phone")], [500, 500]);
  assertEquals(record.reason, "left");
});

Deno.test("droppedSlotsByParticipant counts what a slow processor misses", async () => {
  const record = await simulateCall({
    seed: 1,
    people: [
      { userId: "talker", says: [{ atMs: 100, pcm: tone(20_000) }] },
      { userId: "brief", says: [{ atMs: 100, pcm: tone(2000) }] },
    ],
    agent: ({ clock }) => ({ onAudio: () => sleep(40, { clock }) }),
    endsAtMs: 22_000,
  });
  assertEquals(Object.keys(record.droppedSlotsByParticipant), ["talker"]);
  assertEquals(record.droppedSlotsByParticipant.talker, record.droppedSlots);
  assert(record.droppedSlots > 50);
  assert(record.errors.length >= 1 && record.errors.length <= 12);
});

Deno.test("SimulationError shows the seed, a timeline and the log", async () => {
  const error = await assertRejects(
    () =>
      simulateCall({ ...lossy(77), endsAtMs: 4000 }, (record) => {
        assertEquals(record.heardMs("anna"), 99_000);
      }),
    SimulationError,
  );
  assert(error.message.includes("seed 77, 4.0 s, closed: call-ended"));
  assert(/anna speaks +\| +\.?=+ +\|/.test(error.message), error.message);
  assert(error.message.includes("bert says 1000 ms"));
  assert(error.record.svg().startsWith("<svg "));
});

Deno.test("simulateCall fails when the agent cannot join", async () => {
  const error = await assertRejects(
    () =>
      simulateCall({
        seed: 1,
        people: [],
        agent: () => ({
          processors: [{ name: "broken", start: () => Promise.reject(new Error("no model")) }],
        }),
        endsAtMs: 1000,
      }),
    SimulationError,
    "no model",
  );
  assertEquals(error.record.state, "establishing");
});
