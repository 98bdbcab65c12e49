import { delay } from "@std/async/delay";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  TrackRemovedEvent,
} from "../../../src/edge/events.ts";
import { StreamDouble } from "./double/stream_double.ts";
import { LatestVideoTrack } from "../../../src/edge/toolkit/latest_video_track.ts";
import { TrackType } from "../../../src/edge/types.ts";
import { CID, gapsDuring, keepsSound, TestCall } from "./_fixture.ts";
import { medianFrequency, tone } from "./listener.ts";
import { until } from "../../fixtures/until.ts";

/** Targets are the benchmark's business: here, on whatever machine, twice as much is right. */
const SLACK = 2;

const FAST = 2, REJOIN = 3, MIGRATE = 4;

/** Does something that makes a call reconnect; returns when it is back. */
async function reconnects(test: TestCall, trigger: () => Promise<void>) {
  const count = test.reconnected.length;
  await trigger();
  return await until("reconnecting", () => test.reconnected[count], 25_000);
}

/** What one reconnection did to the sound, both ways. */
async function gapsOf(test: TestCall, trigger: () => Promise<void>) {
  let back = 0;
  let strategy = "";
  const from = performance.now();
  const { hears, isHeard, to } = await gapsDuring(test, async () => {
    ({ strategy } = await reconnects(test, trigger));
    back = performance.now() - from;
  }, 1500);
  const heard = await test.heard();
  return {
    strategy,
    back,
    hears,
    isHeard,
    pitch: medianFrequency(test.slots.filter(({ at }) => at > to - 500)),
    itsPitch: medianFrequency(heard.filter(({ at }) => at > to - 500)),
  };
}

Deno.test("Reconnector replaces a lost socket while media goes on (FAST)", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const times = await keepsSound(test, 300 * SLACK, async () => {
    assertEquals((await reconnects(test, () => test.command("dropSocket"))).strategy, "fast");
  });
  const { joins, faults, calls } = await double.report();
  assertEquals(joins.map(({ strategy }) => strategy), [0, ...Array(times).fill(FAST)]);
  assertEquals(calls.SetPublisher, 1 + times, "the address may have changed: ICE is restarted");
  assertEquals(new Set(joins.map(({ sessionId }) => sessionId)).size, 1);
  assertEquals(faults, []);
});

Deno.test("Reconnector joins again when the SFU orders it (REJOIN)", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => test.command("error", { strategy: REJOIN }));
  assertEquals(gaps.strategy, "rejoin");
  assert(gaps.hears <= 1500 * SLACK && gaps.isHeard <= 1500 * SLACK, JSON.stringify(gaps));
  const { joins, faults } = await double.report();
  assertEquals(joins.map(({ strategy }) => strategy), [0, REJOIN]);
  assertEquals(joins[1]!.previousSessionId, joins[0]!.sessionId);
  assertEquals(faults, []);
});

Deno.test("Reconnector changes to another SFU without a gap (MIGRATE)", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  await keepsSound(test, 100 * SLACK, async () => {
    assertEquals((await reconnects(test, () => test.command("goAway"))).strategy, "migrate");
  });
  const { joins, faults } = await double.report();
  assertEquals(joins.slice(0, 2).map(({ strategy, edge }) => [strategy, edge]), [
    [0, "sfu-1"],
    [MIGRATE, "sfu-2"],
  ]);
  assertEquals(joins[1]!.sessionId, joins[0]!.sessionId);
  assertEquals(joins[1]!.fromSfuId, "sfu-1");
  assertEquals(faults, []);
});

Deno.test("Reconnector follows orders to migrate, from one SFU to the next and back", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const edges = async () => {
    const members = await double.sfu.command<{ userId: string; edges: string[] }[]>("members", {
      cid: CID,
    });
    return members.find(({ userId }) => userId === "bot")!.edges;
  };
  for (let time = 1; time <= 3; time++) {
    await keepsSound(test, 200, async () => {
      const [before] = await edges();
      const trigger = () => test.command("error", { strategy: MIGRATE });
      assertEquals((await reconnects(test, trigger)).strategy, "migrate");
      const other = before === "sfu-1" ? "sfu-2" : "sfu-1";
      await until("being on the other one only", async () => `${await edges()}` === other);
    });
  }
  assertEquals((await double.report()).faults, []);
});

Deno.test("Reconnector joins again when the SFU session has expired", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => test.command("forget"));
  assertEquals(gaps.strategy, "rejoin");
  assert(gaps.hears <= 1500 * SLACK && gaps.isHeard <= 1500 * SLACK, JSON.stringify(gaps));
  assert(Math.abs(gaps.pitch - 440) <= 50 && Math.abs(gaps.itsPitch - 660) <= 50);
  assertEquals((await double.report()).faults, []);
});

Deno.test("Reconnector changes to another SFU within 5 s when one dies", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => double.sfu.command("killEdge", { edge: "sfu-1" }));
  assertEquals(gaps.strategy, "rejoin");
  assert(gaps.back <= 5000 * SLACK, `${gaps.back} ms`);
  const { joins, faults } = await double.report();
  assertEquals(joins.at(-1)!.edge, "sfu-2");
  assertEquals(faults, []);
});

Deno.test("Reconnector replaces a socket that falls silent", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silenceTimeoutMs: 1500 });
  const gaps = await gapsOf(test, () => test.command("silence"));
  assertEquals(gaps.strategy, "fast");
  // Long before the 12 s that it would take by itself.
  assert(gaps.back <= 4000 * SLACK, `${gaps.back} ms`);
  assert(gaps.hears <= 1200 && gaps.isHeard <= 1200, JSON.stringify(gaps));
  assertEquals((await double.report()).faults, []);
});

Deno.test("Reconnector restarts a failed media connection, or joins again", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const gaps = await gapsOf(test, () => test.command("closePeers"));
  assert(gaps.back <= 12_000 * SLACK, `${gaps.back} ms`);
  assertEquals(gaps.strategy, "rejoin");
  assertEquals((await double.report()).faults, []);
});

Deno.test("Reconnector joins again after an outage longer than the SFU waits", async () => {
  await using double = await StreamDouble.start();
  await double.sfu.command("set", { fastDeadlineSeconds: 1 });
  await using test = await TestCall.start(double);
  await test.command("offline", { on: true });
  await until("reconnecting", () => test.connection.isReconnecting);
  await delay(1500);
  assertEquals(test.reconnected.length, 0);
  const from = performance.now();
  await test.command("offline", { on: false });
  const { strategy } = await until("being back", () => test.reconnected[0]);
  assertEquals(strategy, "rejoin");
  const ms = performance.now() - from;
  assert(ms <= 5000 * SLACK, `it took ${ms} ms once the network was back`);
  await until("hearing", () => test.slots.some(({ at, rms }) => at > from + ms && rms > 0.1));
  assertEquals(test.states, ["reconnecting", "active"]);
});

Deno.test("Reconnector restores publications and subscriptions with each strategy, and leaves no member behind", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const { connection, participantSession: sessionId } = test;
  await double.sfu.command("show", { cid: CID, sessionId, type: TrackType.VIDEO, luma: 120 });
  const info = await until(
    "the track",
    () => [...connection.tracks.values()].find(({ type }) => type === TrackType.VIDEO),
  );
  const pictures = connection.addTrackSubscriber(info.id)!;
  let count = 0;
  const looking = (async () => {
    for await (const _ of pictures) count++;
  })();
  const steps: [string, string, Record<string, unknown>][] = [
    ["rejoin", "error", { strategy: REJOIN }],
    ["fast", "dropSocket", {}],
    ["migrate", "goAway", {}],
    ["rejoin", "error", { strategy: REJOIN }],
    ["migrate", "goAway", {}],
    ["fast", "dropSocket", {}],
  ];
  for (const [index, [strategy, command, params]] of steps.entries()) {
    await test.command(command, params);
    const event = await until(strategy, () => test.reconnected[index]);
    assertEquals(event.strategy, strategy);
    const [seen, from] = [count, performance.now()];
    await until("pictures", () => count > seen + 2);
    await until("hearing", () => test.slots.some(({ at, rms }) => at > from && rms > 0.1));
    await until("being heard", async () => {
      return (await test.heard()).some(({ at, rms }) => at > from && rms > 0.1);
    });
    await until("no member is left over", async () => {
      const members = await double.sfu.command<{ edges: string[] }[]>("members", { cid: CID });
      return members.length === 2 && members.flatMap(({ edges }) => edges).length === 1;
    });
    assertEquals([...connection.participants.keys()], [sessionId]);
    assertEquals(connection.tracks.size, 2);
  }
  pictures.close();
  await looking;
  assertEquals((await double.report()).faults, []);
});

Deno.test("Reconnector emits afterwards which participants came and went meanwhile", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  await test.command("offline", { on: true });
  await until("reconnecting", () => test.connection.isReconnecting);
  await double.sfu.command("removePerson", { cid: CID, sessionId: test.participantSession });
  const sessionId = await double.addPerson(CID, "bert");
  await double.sfu.command("speak", { cid: CID, sessionId, frequency: 300 });
  await test.command("offline", { on: false });
  await until("being back", () => test.reconnected.length === 1);
  await until("bert", () => test.connection.participants.has(sessionId));
  assertEquals([...test.connection.participants.keys()], [sessionId]);
  await until("hearing", () => test.slots.some((one) => one.participantId === sessionId));
});

Deno.test("Reconnector gives a call up that cannot be reconnected, with a reason and an error", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { reconnectTimeoutMs: 2000 });
  const from = performance.now();
  await double.sfu.kill();
  assertEquals(await test.connection.closed, "network");
  const ms = performance.now() - from;
  assert(ms >= 1500 && ms < 9000 * SLACK, `it took ${ms} ms`);
  assert(test.errors.some((line) => /not reconnected within 2000 ms/.test(line)), `${test.errors}`);
  await until("no process", () => test.edge.mediaProcessId === undefined);
});

Deno.test("Reconnector gives a call up immediately after a final refusal", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  double.fail({ path: /\/join$/, status: 403, times: 9 });
  double.requests.length = 0;
  await test.command("error", { strategy: REJOIN });
  assertEquals(await test.connection.closed, "network");
  assertEquals(double.requests.filter(({ path }) => path.endsWith("/join")).length, 1);
  assert(test.errors.some((line) => /forbidden|failed on command/.test(line)), `${test.errors}`);
});

Deno.test("an agent leaves immediately while its call reconnects", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  await test.command("offline", { on: true });
  await until("reconnecting", () => test.connection.isReconnecting);
  const from = performance.now();
  await test.connection.close();
  // It does not wait for the reconnection, which would try for a minute.
  assert(performance.now() - from < 2500 * SLACK);
  assertEquals(await test.connection.closed, "left");
});

Deno.test("a lost media process is replaced, and its GetStream calls rejoin with the same people", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const { edge, connection, participantSession } = test;
  const people: string[] = [];
  edge.events.subscribe(
    ParticipantLeftEvent,
    ({ participant }) => void people.push(participant.id),
  );
  edge.events.subscribe(ParticipantJoinedEvent, ({ participant }) => {
    people.push(participant.id);
  });
  edge.events.subscribe(TrackRemovedEvent, ({ track }) => void people.push(track.id));
  const pid = edge.mediaProcessId!;
  Deno.kill(pid, "SIGKILL");
  const from = performance.now();
  await until("reconnecting", () => connection.isReconnecting);
  await until("being back", () => !connection.isReconnecting);
  assertNotEquals(edge.mediaProcessId, pid);
  await until("hearing", () => test.slots.some(({ at, rms }) => at > from && rms > 0.1));
  await until("being heard", async () => {
    return (await test.heard()).some(({ at, rms }) => at > from && rms > 0.1);
  });
  assert(performance.now() - from < 10_000 * SLACK, `it took ${performance.now() - from} ms`);
  assertEquals([...connection.participants.keys()], [participantSession]);
  assertEquals([test.states, people], [["reconnecting", "active"], []]);
  await until("no member is left over", async () => {
    const members = await double.sfu.command<{ userId: string }[]>("members", { cid: CID });
    return members.filter(({ userId }) => userId === "bot").length === 1;
  });
  assertEquals(test.errors, []);
});

Deno.test("a GetStream call that cannot be rejoined closes as media-process-lost, and the next join works", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  double.fail({ path: /\/join$/, status: 403, times: 1 });
  Deno.kill(test.edge.mediaProcessId!, "SIGKILL");
  assertEquals(await test.connection.closed, "media-process-lost");
  await using next = await test.edge.join(test.agent, test.call);
  assertEquals(next.state, "active");
});

Deno.test("a lost media process is replaced while Stream's service and its SFUs fail for a while", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  // A join asks three times, and tries three SFUs.
  double.fail({ path: /\/join$/, status: 503, times: 4 });
  await double.sfu.command("joinBehaviour", { code: 700, times: 4 });
  Deno.kill(test.edge.mediaProcessId!, "SIGKILL");
  await until("being back", () => `${test.states}` === "reconnecting,active");
  await test.talk();
  assertEquals(test.errors, []);
});

Deno.test("an agent that unpublishes while its socket is replaced is silent afterwards", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  await test.command("offline", { on: true });
  await until("reconnecting", () => test.connection.isReconnecting);
  await test.connection.publishTracks({});
  await test.command("offline", { on: false });
  assertEquals((await until("being back", () => test.reconnected[0])).strategy, "fast");
  await until("silence", async () => {
    const last = (await test.heard()).slice(-30);
    return last.length > 0 && last.every(({ rms }) => rms < 0.05);
  });
  const members = await double.sfu.command<{ userId: string; muted: number[] }[]>("members", {
    cid: CID,
  });
  assertEquals(members.find(({ userId }) => userId === "bot")!.muted, [TrackType.AUDIO]);
});

Deno.test("tracks that are published while the call reconnects are published afterwards", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  await test.command("offline", { on: true });
  await until("reconnecting", () => test.connection.isReconnecting);
  const { edge, connection } = test;
  const second = edge.createAudioTrack();
  await connection.publishTracks({ audio: second });
  await test.command("offline", { on: false });
  await until("being back", () => test.reconnected.length === 1);
  const from = performance.now();
  await second.write(tone({ frequency: 990, ms: 1000 }), { final: true });
  const heard = await until("being heard", async () => {
    const loud = (await test.heard()).filter(({ at, rms }) => at > from && rms > 0.1);
    return loud.length > 50 ? loud : undefined;
  });
  assert(Math.abs(medianFrequency(heard) - 990) <= 50, `${medianFrequency(heard)}`);
});

Deno.test("a publication in the middle of which the call is lost succeeds once the call is back", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double, { silent: true });
  const video = new LatestVideoTrack();
  const [width, height] = [160, 90];
  const data = new Uint8Array(width * height * 3 / 2).fill(128);
  const timer = setInterval(() => {
    video.push({ format: "I420", width, height, data, timestampMs: performance.now() });
  }, 50);
  try {
    await double.sfu.command("set", { twirpStatus: 503 });
    const before = (await double.report()).calls.SetPublisher!;
    const publishing = test.connection.publishTracks({ audio: test.track, video });
    await until("the first try", async () => {
      return (await double.report()).calls.SetPublisher! > before;
    });
    await test.command("error", { strategy: REJOIN });
    await publishing;
    await double.sfu.command("set", { twirpStatus: 0 });
    await until("being back", () => test.reconnected.length === 1);
    await until("pictures", async () => {
      const seen = await double.sfu.command<{ frames: number }>("seen", {
        cid: CID,
        userId: "bot",
      });
      return seen.frames > 3;
    });
    assertEquals([test.connection.state, test.errors], ["active", []]);
  } finally {
    clearInterval(timer);
  }
});

Deno.test({
  name: "Reconnector reconnects to an SFU that stalled for 8 s",
  ignore: Deno.build.os === "windows", // which cannot stop a process
  fn: standsStill,
});

async function standsStill(): Promise<void> {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  Deno.kill(double.sfu.pid, "SIGSTOP");
  await delay(8000);
  Deno.kill(double.sfu.pid, "SIGCONT");
  const from = performance.now();
  await until("hearing", () => test.slots.some(({ at, rms }) => at > from && rms > 0.1));
  await until("being heard", async () => {
    return (await test.heard()).some(({ at, rms }) => at > from && rms > 0.1);
  });
  const ms = performance.now() - from;
  assert(ms < 10_000 * SLACK, `it took ${ms} ms`);
  await until("being whole", () => !test.connection.isReconnecting);
  assertEquals(test.connection.state, "active");
  await until("no member is left over", async () => {
    const members = await double.sfu.command<{ userId: string }[]>("members", { cid: CID });
    return members.filter(({ userId }) => userId === "bot").length === 1;
  });
}

Deno.test("a signal server that fails during a reconnection costs attempts, not the call", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  await double.sfu.command("set", { twirpStatus: 500 });
  await test.command("error", { strategy: REJOIN });
  await until("reconnecting", () => test.connection.isReconnecting);
  await delay(1500);
  assertEquals(test.reconnected.length, 0);
  await double.sfu.command("set", { twirpStatus: 0 });
  const { attempts } = await until("being back", () => test.reconnected[0]);
  assert(attempts >= 2, `${attempts} tries`);
  const from = performance.now();
  await until("hearing", () => test.slots.some(({ at, rms }) => at > from && rms > 0.1));
  await until("no member is left over", async () => {
    const members = await double.sfu.command<{ userId: string }[]>("members", { cid: CID });
    return members.filter(({ userId }) => userId === "bot").length === 1;
  });
});

for (
  const { name, overtake } of [
    {
      name: "an answer that is overtaken by the loss of its socket does no harm",
      overtake: async (test: TestCall) => {
        await test.command("dropSocket");
        await until("being back", () => test.reconnected.length === 1);
      },
    },
    {
      name: "an answer that is overtaken by its agent's leaving does no harm",
      overtake: (test: TestCall) => test.connection.close(),
    },
  ]
) {
  Deno.test(name, async () => {
    await using double = await StreamDouble.start();
    await using test = await TestCall.start(double, { silent: true });
    await double.sfu.command("holdAnswers", { on: true });
    const { participantSession: sessionId } = test;
    await double.sfu.command("speak", { cid: CID, sessionId, frequency: 440 });
    await until("the answer", async () => (await double.report()).calls.SendAnswer === 1);
    await overtake(test);
    await double.sfu.command("holdAnswers", { on: false });
    if (test.connection.state === "active") {
      await until("hearing", () => test.slots.some(({ rms }) => rms > 0.1));
    }
    const { calls, faults } = await double.report();
    assertEquals([calls.SendAnswer, faults], [test.reconnected.length + 1, []]);
  });
}
