/** What telemetry is told of the replies of a realtime model. */
import { assertEquals } from "@std/assert";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import { ModelResponseEvent } from "../../../src/inference/contracts/events.ts";
import { Fixture } from "../_fixture.ts";

Deno.test("each reply of a realtime model is told of: whole, cut short, interrupted, lost", async () => {
  await using fixture = await Fixture.set({
    realtime: [
      { heard: "How are you?", reply: "Very well." },
      { heard: "And your house?", reply: "It is", status: "incomplete" },
      { heard: "A story.", reply: "There was a king." },
      { heard: "Another.", reply: "There was a queen." },
    ],
  });
  const { realtime } = fixture;
  const last = () => {
    const { outcome, finishReason, error } = fixture.events(ModelResponseEvent).at(-1)!;
    return [outcome, finishReason, error instanceof InferenceError ? error.code : error];
  };
  await fixture.hear(800, 3000);
  assertEquals(last(), ["complete", "stop", undefined]);
  await fixture.hear(800, 3000);
  assertEquals(last(), ["complete", "other", undefined]);
  realtime.replyMs = 3000;
  await fixture.hear(800, 1000);
  await fixture.hear(800, 1000);
  assertEquals(last(), ["cancelled", undefined, undefined]);
  realtime.sessions[0]!.lose();
  await fixture.clock.advance(10);
  assertEquals(last(), ["failed", undefined, "cut-off"]);
  const all = fixture.events(ModelResponseEvent);
  assertEquals(all.map(({ component }) => component), Array(4).fill(realtime.name));
  assertEquals(all.map(({ ttftMs }) => ttftMs), [0, 0, undefined, undefined]);
});
