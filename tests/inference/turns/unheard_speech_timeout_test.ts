/** How long speech waits for its text. */
import { assertEquals } from "@std/assert";
import { UnheardSpeechTimeout } from "../../../src/inference/turns/unheard_speech_timeout.ts";
import { userTurn } from "./_user_turn.ts";

Deno.test("UnheardSpeechTimeout waits 10 s for a recogniser that returns text at the end only", () => {
  const timeout = new UnheardSpeechTimeout();
  const turn = userTurn("ann", { firstSoundMs: 1000 });
  assertEquals([1000, 4000, 11_000, 20_000].map((now) => timeout.remainingMs(turn, now)), [
    10_000,
    7000,
    0,
    0,
  ]);
});

Deno.test("UnheardSpeechTimeout waits 3 s once the recogniser has returned text during speech", () => {
  const timeout = new UnheardSpeechTimeout();
  timeout.textChanged(userTurn("ann", { text: "Hello" }));
  assertEquals(timeout.remainingMs(userTurn("bob"), 0), 10_000, "the text was final");
  timeout.textChanged(userTurn("ann", { text: "Hello", hasInterimText: true }));
  assertEquals(
    timeout.remainingMs(userTurn("bob"), 0),
    3000,
    "another speaker, the same recogniser",
  );
});

Deno.test("UnheardSpeechTimeout starts over with each new text and after each pause", () => {
  const timeout = new UnheardSpeechTimeout();
  const turn = userTurn("ann");
  turn.textChangedMs = 4000;
  assertEquals(timeout.remainingMs(turn, 5000), 9000);
  turn.resumedMs = 6000;
  assertEquals(timeout.remainingMs(turn, 7000), 9000);
  turn.textChangedMs = 8000;
  assertEquals(timeout.remainingMs(turn, 18_001), 0);
});
