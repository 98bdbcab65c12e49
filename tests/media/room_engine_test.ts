import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { typescriptKernel } from "../../src/audio/typescript_kernel.ts";
import { RowQueue, type RowWriter } from "../../src/media/room/row_queue.ts";
import type { RtcAudioData } from "../../src/media/webrtc/rtc_types.ts";
import { DirectedPlayouts } from "../../src/media/room/directed_playouts.ts";
import { Playout } from "../../src/media/room/playout.ts";
import { RoomEngine } from "../../src/media/room/room_engine.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

/** A room without WebRTC whose sinks tick in virtual time. */
class TestRoom {
  readonly clock = new VirtualClock();
  readonly engine = new RoomEngine({ clock: this.clock, kernel: typescriptKernel() });
  readonly heard = new Map<string, Int16Array[]>();
  readonly #sinks = new Map<string, { deliver: (data: RtcAudioData) => void; level: number }>();

  person(id: string, level: number): void {
    const deliver = this.engine.addSource({
      memberId: id,
      trackId: `${id}-track`,
      participantId: id,
      muted: false,
    });
    this.#sinks.set(id, { deliver, level });
    this.listen(id);
  }

  /** This person shares a screen, with a sound that never changes. */
  screen(id: string, level: number): void {
    const deliver = this.engine.addSource({
      memberId: id,
      trackId: `${id}-screen`,
      participantId: id,
      muted: false,
      isScreen: true,
    });
    this.#sinks.set(`${id}-screen`, { deliver, level });
  }

  listen(id: string, hears?: (memberId: string) => boolean): void {
    const frames: Int16Array[] = [];
    this.heard.set(id, frames);
    this.engine.addListener(id, {
      ...(hears ? { hears } : {}),
      send: (frame) => frames.push(frame.slice()),
    });
  }

  agent(id: string, { agents = false, sampleRate = 16_000 } = {}) {
    const introduced: string[] = [];
    const rowQueue = new RowQueue({
      sampleRate,
      clock: this.clock,
      onSource: (source, participantId) => introduced[source] = participantId,
      onReady: () => {},
    });
    const playout = new Playout();
    playout.bind(1, "speech", 0);
    const directed = new DirectedPlayouts({ clock: this.clock });
    const options = { memberId: id, trackId: `${id}-track`, participantId: id };
    this.engine.addAgent({ playout, directed, rowQueue, audioSubscription: { agents } }, options);
    return { playout, directed, rowQueue, rows: () => readRows(rowQueue, introduced) };
  }

  setLevel(id: string, level: number): void {
    this.#sinks.get(id)!.level = level;
  }

  gone(id: string): void {
    this.#sinks.delete(id);
    this.engine.removeSource(`${id}-track`);
    this.engine.removeListener(id);
  }

  /** One frame of one person, and no time. */
  deliver(id: string): void {
    const { deliver, level } = this.#sinks.get(id)!;
    deliver(constant(level));
  }

  /** So many ticks; the sinks in the order given, each with `frames` frames together. */
  async tick(ticks: number, { order = [...this.#sinks.keys()], frames = 1 } = {}): Promise<void> {
    for (let tick = 0; tick < ticks; tick++) {
      for (const id of order) {
        const { deliver, level } = this.#sinks.get(id)!;
        for (let frame = 0; frame < frames; frame++) deliver(constant(level));
      }
      await this.clock.advance(10);
    }
  }

  /** The last sample that a member has heard. */
  last(id: string): number {
    return this.heard.get(id)!.at(-1)!.at(-1)!;
  }
}

function constant(level: number): RtcAudioData {
  return { samples: new Int16Array(480).fill(level), sampleRate: 48_000, channelCount: 1 };
}

/** All complete rows, each participant with the last sample of their slot. */
function readRows(rowQueue: RowQueue, names: string[]) {
  const rows: { number: number; [participant: string]: number }[] = [];
  const writer: RowWriter = {
    begin({ number, count, slotSamples }) {
      const row: { number: number; [participant: string]: number } = { number };
      const samples = new Int16Array(count * slotSamples);
      const sources: number[] = [];
      rows.push(row);
      pending.push(() => {
        sources.forEach((source, entry) => {
          row[names[source]!] = samples[(entry + 1) * slotSamples - 1]!;
        });
      });
      return { setSource: (entry, source) => sources[entry] = source, samples, offset: 0 };
    },
  };
  const pending: (() => void)[] = [];
  while (rowQueue.writeRow(writer)) pending.pop()!();
  return rows;
}

Deno.test("all people hear the others and the agent, and not themselves", async () => {
  const room = new TestRoom();
  room.person("ann", 1000);
  room.person("bob", 200);
  room.person("cid", 0);
  const { playout } = room.agent("agent");
  playout.push(new Int16Array(48_000).fill(30), { stream: 1, epoch: 0 });
  await room.tick(20);
  assertEquals(room.last("ann"), 230);
  assertEquals(room.last("bob"), 1030);
  assertEquals(room.last("cid"), 1230);
  assertEquals(room.heard.get("cid")!.length, 20);
  room.engine.close();
  assertEquals(room.clock.pending, 0);
});

Deno.test("the agent gets all people unmixed, in rows on one grid", async () => {
  const room = new TestRoom();
  const { rows } = room.agent("agent");
  room.person("ann", 1000);
  room.person("bob", -200);
  await room.tick(40);
  const got = rows();
  assert(got.length >= 18);
  for (const [index, row] of got.slice(3).entries()) {
    assertEquals(row, { number: got[3]!.number + index, ann: 1000, bob: -200 });
  }
  room.engine.close();
});

Deno.test("rows do not depend on the order in which backlogs arrive after a stall", async () => {
  const results = [];
  for (const order of [["ann", "bob"], ["bob", "ann"]]) {
    const room = new TestRoom();
    const { rows } = room.agent("agent");
    room.person("ann", 1000);
    room.person("bob", 500);
    await room.tick(10);
    await room.clock.stall(300);
    await room.tick(1, { order, frames: 30 });
    await room.tick(10);
    const got = rows();
    assertEquals(new Set(got.slice(2).map(({ ann, bob }) => `${ann} ${bob}`)).size, 1);
    results.push(got);
    // What was not mixed in time is mixed late, but no more than 100 ms of it.
    const heard = room.heard.get("ann")!;
    const voiced = heard.filter((frame) => frame[0] === 500).length;
    assert(voiced >= 27 && voiced <= 33, `${voiced} frames`);
    // The rest is sent as silence: a listener whose time stood still would be late from then on.
    assertEquals(heard.length, 50);
    assertEquals(heard.slice(-20).map((frame) => frame[0]), Array(20).fill(500));
    room.engine.close();
  }
  assertEquals(results[0], results[1]);
});

Deno.test("time goes on for those who only listen, also through a stall", async () => {
  const room = new TestRoom();
  const { playout } = room.agent("agent");
  room.listen("ann");
  await room.clock.advance(200);
  playout.push(new Int16Array(48_000).fill(30), { stream: 1, epoch: 0 });
  await room.clock.stall(500);
  await room.clock.advance(200);
  const heard = room.heard.get("ann")!;
  assert(heard.length >= 89 && heard.length <= 90, `${heard.length} frames`);
  // What the agent says waits for them.
  const said = heard.filter((frame) => frame[0] === 30).length;
  assert(said >= 20 && said <= 24, `${said} frames`);
  // A machine that slept for an hour is no reason to send an hour.
  await room.clock.stall(3_600_000);
  assert(heard.length < 300, `${heard.length} frames`);
  room.engine.close();
});

Deno.test("who only listens misses no time when the last microphone goes", async () => {
  const room = new TestRoom();
  room.agent("agent");
  room.person("bob", 500);
  room.listen("ann");
  await room.tick(50);
  await room.clock.advance(3);
  room.gone("bob");
  await room.clock.advance(497);
  const heard = room.heard.get("ann")!.length;
  assert(heard >= 99 && heard <= 101, `${heard} frames in a second`);
  room.engine.close();
  assertEquals(room.clock.pending, 0);
});

Deno.test("a person who is late for half a slot loses that half, and the others nothing", async () => {
  const room = new TestRoom();
  const { rows, rowQueue } = room.agent("agent");
  room.person("ann", 1000);
  room.person("bob", 500);
  await room.tick(20);
  rows();
  // Bob's next frame but one is too late for its tick.
  room.deliver("ann");
  room.deliver("bob");
  await room.clock.advance(10);
  room.deliver("ann");
  await room.clock.advance(5);
  room.deliver("bob");
  await room.clock.advance(5);
  await room.tick(10);
  assertEquals(rowQueue.dropped, 0);
  const got = rows();
  assertEquals(got.map(({ number }) => number - got[0]!.number), got.map((_, index) => index));
  assertEquals(got.filter(({ ann }) => ann !== 1000), []);
  assertEquals(got.filter(({ bob }) => bob !== 500).length, 1);
  assertEquals(room.engine.stats().lateTicks, 1);
  room.engine.close();
});

Deno.test("muting fills the open slot with silence, and then there is no slot at all", async () => {
  const room = new TestRoom();
  const { rows } = room.agent("agent");
  room.person("ann", 1000);
  room.person("bob", 500);
  await room.tick(11);
  room.engine.setMuted("ann-track", true);
  await room.tick(9);
  const got = rows();
  const withAnn = got.filter((row) => "ann" in row);
  const at = got.indexOf(withAnn.at(-1)!);
  assertEquals(withAnn.at(-1)!.ann, 0);
  assertEquals(got.slice(at + 1).every((row) => !("ann" in row) && row.bob === 500), true);
  assertEquals(room.last("bob"), 0);
  room.engine.setMuted("ann-track", false);
  await room.tick(10);
  assertEquals(rows().at(-1)!.ann, 1000);
  assertEquals(room.last("bob"), 1000);
  room.engine.close();
});

Deno.test("a person who mutes is not heard by what was waiting to be mixed", async () => {
  const room = new TestRoom();
  room.person("ann", 1000);
  room.person("bob", 0);
  await room.tick(10);
  assertEquals(room.last("bob"), 1000);
  // Ann's frame waits for Bob's, and Ann mutes in between.
  room.deliver("ann");
  room.engine.setMuted("ann-track", true);
  const before = room.heard.get("bob")!.length;
  room.deliver("bob");
  assertEquals(room.heard.get("bob")!.length, before + 1);
  assertEquals(room.last("bob"), 0);
  room.engine.close();
});

Deno.test("a leaver's open slot is closed, and the others go on without waiting", async () => {
  const room = new TestRoom();
  const { rows } = room.agent("agent");
  room.person("ann", 1000);
  room.person("bob", 500);
  await room.tick(11);
  room.gone("ann");
  await room.tick(9);
  const got = rows();
  const at = got.findLastIndex((row) => "ann" in row);
  assertEquals(got[at]!.ann, 0);
  assertEquals(got.slice(at + 1).every((row) => row.bob === 500), true);
  const numbers = got.map(({ number }) => number);
  assertEquals(numbers, numbers.map((_, index) => numbers[0]! + index));
  room.engine.close();
});

Deno.test("a sink whose rate and channels change is heard on at the same level", async () => {
  const room = new TestRoom();
  const { rows } = room.agent("agent");
  room.listen("listener");
  const deliver = room.engine.addSource({
    memberId: "ann",
    trackId: "t",
    participantId: "ann",
    muted: false,
  });
  const formats = [[16_000, 1], [48_000, 1], [48_000, 2], [44_100, 1], [48_000, 1]] as const;
  for (const [sampleRate, channelCount] of formats) {
    for (let tick = 0; tick < 10; tick++) {
      const samples = new Int16Array(sampleRate / 100 * channelCount).fill(5000);
      deliver({ samples, sampleRate, channelCount });
      await room.clock.advance(10);
    }
    assertAlmostEquals(room.last("listener"), 5000, 5);
  }
  for (const { ann } of rows().slice(3)) assertAlmostEquals(ann!, 5000, 60);
  room.engine.close();
});

Deno.test("agents hear agents only when they ask to", async () => {
  const room = new TestRoom();
  const curious = room.agent("curious", { agents: true, sampleRate: 48_000 });
  const other = room.agent("other");
  room.person("ann", 100);
  other.playout.push(new Int16Array(48_000).fill(7), { stream: 1, epoch: 0 });
  curious.playout.push(new Int16Array(48_000).fill(9), { stream: 1, epoch: 0 });
  await room.tick(20);
  const last = curious.rows().at(-1)!;
  assertEquals([last.ann, last.other, last.curious], [100, 7, undefined]);
  assertEquals(Object.keys(other.rows().at(-1)!).sort(), ["ann", "number"]);
  room.engine.close();
});

Deno.test("a listener may choose whom it hears", async () => {
  const room = new TestRoom();
  room.person("ann", 100);
  room.person("bob", 20);
  room.listen("half", (memberId) => memberId === "bob");
  await room.tick(20);
  assertEquals(room.last("half"), 20);
  room.engine.close();
});

Deno.test("six who begin to speak are all mixed, and the agent hears each of them", async () => {
  const room = new TestRoom();
  const { rows } = room.agent("agent");
  room.listen("listener");
  for (const [index, level] of [1000, 2000, 3000, 4000, 500, 600].entries()) {
    room.person(`p${index}`, level);
  }
  await room.tick(40);
  assertEquals(room.last("listener"), 11_100);
  const { number: _, ...heard } = rows().at(-1)!;
  assertEquals(Object.values(heard).sort((a, b) => a - b), [500, 600, 1000, 2000, 3000, 4000]);
  room.engine.close();
});

Deno.test("an agent alone is played out and heard on the timer's clock", async () => {
  const room = new TestRoom();
  room.listen("listener");
  const { playout } = room.agent("agent");
  playout.push(new Int16Array(4800).fill(50), { stream: 1, epoch: 0, final: true });
  await room.clock.advance(300);
  const played = room.heard.get("listener")!.filter((frame) => frame[0] === 50);
  assertEquals(played.length, 10);
  assertEquals(room.heard.get("listener")!.length, 30);
  room.engine.close();
  assertEquals(room.clock.pending, 0);
});

Deno.test("levels tell who is loud and who speaks, agents included", async () => {
  const room = new TestRoom();
  room.person("ann", 16_384);
  room.person("bob", 0);
  const { playout } = room.agent("agent");
  playout.push(new Int16Array(48_000).fill(8192), { stream: 1, epoch: 0 });
  await room.tick(5);
  assertEquals(
    room.engine.levels().map(({ memberId, level, speaking }) => [memberId, level, speaking]),
    [["ann", 0.5, true], ["bob", 0, false], ["agent", 0.25, true]],
  );
  assertEquals(room.engine.levels()[0]!.level, 0);
  room.engine.close();
});

Deno.test("the sound of a screen is mixed in a crowd too, for all but the one who shares it", async () => {
  const room = new TestRoom();
  const { rows } = room.agent("agent");
  // More open microphones than are mixed as they are, all with a steady noise.
  for (const id of ["a", "b", "c", "d", "e"]) room.person(id, 20);
  room.screen("a", 60);
  await room.tick(400);
  const last = (id: string) => room.heard.get(id)!.at(-1)![100]!;
  assertEquals([last("b"), last("e"), last("a")], [60, 60, 0]);
  const screens = room.engine.levels().filter(({ isScreen }) => isScreen);
  assertEquals(screens.map(({ memberId, trackId }) => [memberId, trackId]), [["a", "a-screen"]]);
  assert(rows().length > 0);
});

/** Publishes tracks of an agent to one member each, and fills each with samples of a level. */
function speakTo(
  directed: DirectedPlayouts,
  ...tracks: { to: string; level: number; othersGain?: number }[]
): void {
  directed.publish(tracks.map(({ to, othersGain = 1 }, index) => ({
    stream: index + 2,
    mode: "speech",
    epoch: 0,
    paused: false,
    to,
    othersGain,
  })));
  tracks.forEach(({ level }, index) => {
    const stream = index + 2;
    directed.find(stream)!.push(new Int16Array(4800).fill(level), { stream, epoch: 0 });
  });
}

Deno.test("RoomEngine plays what is for one member to them alone, beside what all hear", async () => {
  const room = new TestRoom();
  room.person("ann", 0);
  room.person("bert", 0);
  room.person("carl", 1000);
  const agent = room.agent("agent");
  const other = room.agent("other", { agents: true });
  await room.tick(10);
  speakTo(agent.directed, { to: "ann", level: 300 }, { to: "bert", level: 40 });
  agent.playout.push(new Int16Array(4800).fill(5), { stream: 1, epoch: 0 });
  await room.tick(6);
  assertEquals(["ann", "bert", "carl"].map((id) => room.last(id)), [1305, 1045, 5]);
  const rows = other.rows();
  // The sound of a whole slot, at its end.
  assertEquals(rows.at(-1)!.agent, 5);
  assertEquals([...agent.directed.all].map(({ playout }) => playout.totalMs), [60, 60]);
  // One that is published no longer is heard no longer.
  agent.directed.publish([]);
  await room.tick(2);
  assertEquals([room.last("ann"), room.last("bert")], [1005, 1005]);
  room.engine.close();
});

Deno.test("RoomEngine lowers other people, and no agent, for who hears a track with othersGain", async () => {
  const room = new TestRoom();
  room.person("ann", 1000);
  room.person("bert", 0);
  room.person("carl", 0);
  const agent = room.agent("agent");
  await room.tick(10);
  speakTo(
    agent.directed,
    { to: "bert", level: 0, othersGain: 0.5 },
    { to: "bert", level: 7, othersGain: 0.2 },
  );
  await room.tick(1);
  const [first] = room.heard.get("bert")!.slice(-1);
  // In a straight line over one frame: no click.
  assertAlmostEquals(first![239]!, 1000 * 0.6 + 7, 3);
  for (let n = 1; n < 480; n++) assert(Math.abs(first![n]! - first![n - 1]!) <= 9, `step at ${n}`);
  agent.playout.push(new Int16Array(4800).fill(50), { stream: 1, epoch: 0 });
  await room.tick(3);
  assertEquals(["bert", "carl"].map((id) => room.last(id)), [257, 1050]);
  agent.directed.publish([]);
  await room.tick(2);
  assertEquals(["bert", "carl"].map((id) => room.last(id)), [1050, 1050]);
  room.engine.close();
});

Deno.test("RoomEngine limits the mix of one who hears a track of their own", async () => {
  const room = new TestRoom();
  room.person("ann", 30_000);
  room.person("bert", 0);
  const agent = room.agent("agent");
  await room.tick(10);
  speakTo(agent.directed, { to: "bert", level: 30_000 });
  await room.tick(5);
  assertAlmostEquals(room.last("bert"), 30_900, 2);
  room.engine.close();
});
