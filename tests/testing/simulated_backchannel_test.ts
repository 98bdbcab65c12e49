/** Calls in which people say a short word while the agent speaks. */
import { assertEquals } from "@std/assert";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { Random } from "../../src/testing/random.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";
import { Heard, WordSTT } from "./_calls.ts";

/** 4000 ms of speech. */
const QUESTION =
  "There is a table by the window and there is one near to the door; which one, please";
const QUESTION_MS = 50 * QUESTION.length;

Deno.test("a short word is an answer near the end of a question, and never lost before", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = new Random(seed);
    const isNearEnd = seed % 2 === 0;
    // From the begin of the word to the end of the question.
    const beforeEndMs = isNearEnd ? random.between(-300, 1100) : random.between(1700, 2700);
    const atMs = Math.round(1000 + QUESTION_MS - beforeEndMs);
    const heard = new Heard();
    let llm!: FakeLLM;
    await simulateCall({
      seed,
      people: [{
        userId: "anna",
        network: { delayMs: 40, jitterMs: 20, loss: 0.01 },
        says: [{ atMs, pcm: speechLike(350, { seed }) }, { atMs: 9000, pcm: speechLike(900) }],
      }],
      agent: ({ clock }) => ({
        vad: new FakeVAD(),
        stt: new WordSTT(clock, { anna: [[atMs + 200, "Yes."], [9500, "Hello?"]] }, {
          interim: seed % 3 === 0,
          delayMs: 250,
        }),
        llm: llm = new FakeLLM(clock, ["All right."]),
        tts: new FakeTTS(clock),
      }),
      onJoined: ({ agent, clock }) => {
        heard.listen(agent);
        clock.schedule(() => void agent.say(QUESTION), 1000);
      },
      endsAtMs: 12_000,
    }, () => {
      const replies = llm.requests.map(({ messages }) => messages.at(-1)!.text);
      assertEquals(replies, isNearEnd ? ["Yes.", "Hello?"] : ["Hello?"], `${beforeEndMs} ms`);
      const known = llm.requests.at(-1)!.messages.filter(({ role }) => role === "user");
      assertEquals(known.map(({ text }) => text), ["Yes.", "Hello?"], "both are remembered");
    });
  }
});
