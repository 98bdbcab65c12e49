import { assertEquals } from "@std/assert";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { Restarts, type Suspect } from "../../src/media/parent/restarts.ts";

const KITCHEN = { type: "default", id: "kitchen" };
const CELLAR = { type: "default", id: "cellar" };

Deno.test("Restarts ends it at the third loss within a minute", async () => {
  const clock = new VirtualClock();
  const restarts = new Restarts(clock);
  const again = () => restarts.lost(undefined).again;
  assertEquals([again(), again()], [true, true]);
  await clock.advance(59_999);
  assertEquals(again(), false);
  await clock.advance(60_000);
  assertEquals([again(), again(), again()], [true, true, false]);
});

Deno.test("Restarts refuses the call whose message came last before two losses in a row", () => {
  const clock = new VirtualClock();
  const refusedAfter = (...suspects: (typeof KITCHEN | undefined)[]) => {
    const restarts = new Restarts(clock);
    return suspects.map((suspect) => restarts.lost(suspect).refused).at(-1);
  };
  assertEquals(refusedAfter(KITCHEN), undefined);
  assertEquals(refusedAfter(KITCHEN, { ...KITCHEN }), KITCHEN);
  assertEquals(refusedAfter(KITCHEN, CELLAR), undefined);
  assertEquals(refusedAfter(KITCHEN, undefined, KITCHEN), undefined);
  assertEquals(refusedAfter(undefined, undefined), undefined);
});

Deno.test("Restarts refuses a user whose message came last twice, and the call of two such users", () => {
  const clock = new VirtualClock();
  const ann = { ...KITCHEN, userId: "ann" };
  const refusedAfter = (...suspects: Suspect[]) => {
    const restarts = new Restarts(clock);
    return suspects.map((suspect) => restarts.lost(suspect).refused).at(-1);
  };
  assertEquals(refusedAfter(ann, ann), ann);
  assertEquals(refusedAfter(ann, { ...KITCHEN, userId: "bob" }), KITCHEN);
  assertEquals(refusedAfter(KITCHEN, ann), KITCHEN);
  assertEquals(refusedAfter({ ...CELLAR, userId: "ann" }, ann), undefined);
});

Deno.test("Restarts forgets the suspect of a loss after a minute", async () => {
  const clock = new VirtualClock();
  const restarts = new Restarts(clock);
  restarts.lost(KITCHEN);
  await clock.advance(60_000);
  assertEquals(restarts.lost(KITCHEN).refused, undefined);
  await clock.advance(59_999);
  assertEquals(restarts.lost(KITCHEN).refused, KITCHEN);
});
