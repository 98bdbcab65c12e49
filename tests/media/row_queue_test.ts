import { assertEquals } from "@std/assert";
import { RowQueue } from "../../src/media/room/row_queue.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

function setUp() {
  const clock = new VirtualClock();
  const introduced: string[] = [];
  const told: number[] = [];
  const rowQueue = new RowQueue({
    sampleRate: 16_000,
    clock,
    onSource: (source, participantId, trackId) =>
      introduced.push(`${source} ${participantId} ${trackId}`),
    onReady: () => {},
    onDropped: (dropped) => told.push(dropped),
  });
  const write = (trackId: string, number: number) =>
    rowQueue.write(trackId, new Int16Array(320).fill(number), number);
  /** Takes one row: its number, and its sources with the value of their samples. */
  const take = () => {
    const row: Record<string, number> = {};
    const sources: number[] = [];
    const samples = new Int16Array(320 * 8);
    const had = rowQueue.writeRow({
      begin({ number, playedMs }) {
        row.number = number;
        if (!Number.isNaN(playedMs)) row.playedMs = playedMs;
        return { setSource: (entry, source) => sources[entry] = source, samples, offset: 0 };
      },
    });
    sources.forEach((source, entry) => row[source] = samples[entry * 320 + 319]!);
    return had ? row : undefined;
  };
  return { rowQueue, clock, introduced, told, write, take };
}

Deno.test("a row goes out when it is complete, with those who were heard in it", () => {
  const { rowQueue, introduced, write, take } = setUp();
  rowQueue.addSource("a", "ann");
  rowQueue.addSource("b", "bob");
  assertEquals(introduced, ["1 ann a", "2 bob b"]);
  write("a", 5);
  assertEquals(rowQueue.hasRow, false);
  write("b", 5);
  write("b", 6);
  rowQueue.complete(5);
  assertEquals(take(), { number: 5, 1: 5, 2: 5 });
  assertEquals(take(), undefined);
  rowQueue.complete(6);
  assertEquals(take(), { number: 6, 2: 6 });
});

Deno.test("an agent that does not read loses the oldest slots, counted and told once a second", async () => {
  const { rowQueue, clock, told, write, take } = setUp();
  rowQueue.addSource("a", "ann");
  for (let number = 0; number < 450; number++) {
    write("a", number);
    rowQueue.complete(number);
    await clock.advance(20);
  }
  assertEquals(rowQueue.dropped, 50);
  assertEquals(told, [1]);
  assertEquals(take(), { number: 50, 1: 50 });
  for (let number = 51; number < 450; number++) assertEquals(take()?.number, number);
  assertEquals(take(), undefined);
});

Deno.test("a track that ends is read to its end, and one that comes again is another", () => {
  const { rowQueue, introduced, write, take } = setUp();
  rowQueue.addSource("a", "ann");
  write("a", 1);
  write("a", 2);
  rowQueue.removeSource("a");
  write("a", 3);
  rowQueue.addSource("a", "ann");
  write("a", 3);
  rowQueue.complete(3);
  assertEquals([take(), take(), take(), take()], [
    { number: 1, 1: 1 },
    { number: 2, 1: 2 },
    { number: 3, 2: 3 },
    undefined,
  ]);
  assertEquals(introduced.length, 2);
});

Deno.test("a slot of a row that has gone out is counted as lost, never sent out of order", () => {
  const { rowQueue, write, take } = setUp();
  rowQueue.addSource("a", "ann");
  rowQueue.complete(10);
  write("a", 9);
  assertEquals(rowQueue.dropped, 1);
  assertEquals(take(), undefined);
});

Deno.test("a row that waits says what had been played when it was heard", () => {
  const { rowQueue, write, take } = setUp();
  rowQueue.addSource("a", "ann");
  for (const number of [1, 2]) {
    write("a", number);
    rowQueue.complete(number, 20 * number);
  }
  assertEquals(take(), { number: 1, 1: 1, playedMs: 20 });
  rowQueue.forgetPlayed();
  assertEquals(take(), { number: 2, 1: 2 });
});

Deno.test("a writer without room gets the same row again", () => {
  const { rowQueue, write, take } = setUp();
  rowQueue.addSource("a", "ann");
  write("a", 1);
  rowQueue.complete(1);
  assertEquals(rowQueue.writeRow({ begin: () => undefined }), false);
  assertEquals(take(), { number: 1, 1: 1 });
});
