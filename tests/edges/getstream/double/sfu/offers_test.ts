import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Offers } from "./offers.ts";
import { Refused } from "./refused.ts";

Deno.test("an offer is answered once", async () => {
  const offers = new Offers();
  const { negotiationId, answer } = offers.open();
  offers.answer(negotiationId, "sdp");
  assertEquals([negotiationId, await answer], [1, "sdp"]);
  assertThrows(() => offers.answer(1, "sdp"), Refused, "answered already");
  offers.open();
  assertThrows(() => offers.answer(1, "sdp"), Refused, "answered already");
});

Deno.test("what was never offered cannot be answered", () => {
  const offers = new Offers();
  assertThrows(() => offers.answer(1, "sdp"), Refused, "never opened");
  offers.open();
  for (const number of [0, 2]) {
    assertThrows(() => offers.answer(number, "sdp"), Refused, "never opened");
  }
});

Deno.test("an offer that was taken back may be answered yet, once and to no effect", async () => {
  const offers = new Offers();
  const first = offers.open();
  offers.withdraw("the socket is gone");
  await assertRejects(() => first.answer, Refused, "the socket is gone");
  const second = offers.open();
  offers.answer(1, "late");
  assertThrows(() => offers.answer(1, "later"), Refused, "answered already");
  offers.answer(2, "sdp");
  assertEquals(await second.answer, "sdp");
});
