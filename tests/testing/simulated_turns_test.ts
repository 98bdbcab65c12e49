/** Whole calls, each with another owner of turns. */
import { assert, assertEquals } from "@std/assert";
import { AgentSpeechEndedEvent, TurnEndedEvent } from "../../src/inference/contracts/events.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT, type FakeTranscript } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { Random } from "../../src/testing/random.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";

const QUESTIONS = ["One, please.", "And two, please.", "And three, please."];

/** A turn of the recogniser's: its interim words as they come, and its end. */
function recognised(text: string): FakeTranscript {
  const partials = text.split(" ").map((_, n, words) => ({
    afterMs: 200 + 150 * n,
    text: words.slice(0, n + 1).join(" "),
  }));
  return { text, partials, eagerAfterMs: 250, endsAfterMs: 600 };
}

for (const seed of [1, 2, 3, 4, 5, 6]) {
  Deno.test(`a recogniser's turns are replied to once each, also when sessions are lost (seed ${seed})`, async () => {
    const random = new Random(seed);
    const loses = seed > 3;
    let stt!: FakeSTT;
    const turns: string[] = [];
    const replies: string[] = [];
    await simulateCall({
      seed,
      people: [{
        userId: "anna",
        network: { delayMs: 60, jitterMs: 40, loss: 0.03 },
        says: QUESTIONS.map((_, n) => ({
          atMs: 1000 + 6000 * n,
          pcm: speechLike(random.between(900, 2500), { seed: seed + n }),
        })),
      }],
      agent: ({ clock }): Partial<AgentOptions> => {
        const script = QUESTIONS.map(recognised);
        // A session that is lost in a turn has begun to understand it.
        stt = new FakeSTT(clock, loses ? script.flatMap((one) => [one, one]) : script, {
          detectsTurns: true,
        });
        if (loses) {
          for (const n of QUESTIONS.keys()) {
            clock.schedule(() => stt.sessions.at(-1)!.lose(), 1000 + 6000 * n + 600);
          }
        }
        return {
          stt,
          llm: new FakeLLM(clock, ["Here you are."]),
          tts: new FakeTTS(clock),
          turnHandling: { preemptiveGeneration: true },
        };
      },
      onJoined: ({ agent }) => {
        agent.events.subscribe(TurnEndedEvent, ({ text }) => void turns.push(text));
        agent.events.subscribe(AgentSpeechEndedEvent, ({ text }) => void replies.push(text));
      },
      endsAtMs: 21_000,
    }, (record) => {
      assertEquals(turns, QUESTIONS);
      assertEquals(replies, QUESTIONS.map(() => "Here you are."));
      const [session] = stt.sessions;
      assert(session!.disposed);
      assertEquals(record.errors.length, loses ? QUESTIONS.length : 0, record.errors.join("\n"));
    });
  });
}
