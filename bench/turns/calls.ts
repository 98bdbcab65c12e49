/** What a turn detector makes of a phrase with a pause inside, in a simulated call. */
import { neuralVad } from "../../src/inference/vad/neural_vad.ts";
import { sleep } from "../../src/events/waiting.ts";
import { TurnEndedEvent } from "../../src/inference/contracts/events.ts";
import type { TurnDetector } from "../../src/inference/contracts/turn_detector.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import type { PausedPhrase } from "./phrases.ts";

/** What a recogniser takes for its final text: assumed, as a streaming one does. */
export const RECOGNISER_MS = 300;
/** What a model takes for a decision: assumed, as on a core of its own. The real time is not counted. */
export const DECISION_MS = 500;

const BEGINS_AT_MS = 500;
const PAUSE_AFTER_MS = 4000;

/** What became of one phrase. */
export interface TurnResult {
  silenceMs: number;
  /** Whether the turn ended in the pause, in which the agent begins to answer. */
  isAnswered: boolean;
  /** From the last sound of the phrase to the end of the turn. */
  delayMs: number;
}

/** A person says a phrase to an agent with this turn detector; without one, it goes by silence. */
export async function turnOf(
  { pcm, silenceMs, resumesAtMs }: PausedPhrase,
  detector: TurnDetector | undefined,
): Promise<TurnResult> {
  const ends: number[] = [];
  const endsAtMs = BEGINS_AT_MS + pcm.durationMs;
  await simulateCall({
    seed: 1,
    people: [{ userId: "anna", says: [{ atMs: BEGINS_AT_MS, pcm }] }],
    agent: ({ clock }) => ({
      vad: neuralVad(),
      // It ends each piece with a full stop, as many recognisers do.
      stt: new FakeSTT(
        clock,
        Array.from({ length: 20 }, () => ({ text: "Words.", delayMs: RECOGNISER_MS })),
      ),
      llm: new FakeLLM(clock, Array.from({ length: 20 }, () => "Yes.")),
      tts: new FakeTTS(clock),
      ...detector && {
        turnHandling: {
          turnDetection: {
            name: detector.name,
            needsText: detector.needsText,
            endpointingDelayMs: async (turn, options) => {
              const decided = await clock.real(
                Promise.resolve(detector.endpointingDelayMs(turn, options)),
              );
              if (detector.needsText === false) await sleep(DECISION_MS, { clock });
              return decided;
            },
          },
        },
      },
    }),
    onJoined: ({ agent, clock }) => {
      agent.events.subscribe(TurnEndedEvent, () => void ends.push(clock.now()));
    },
    endsAtMs: endsAtMs + PAUSE_AFTER_MS,
  });
  return {
    silenceMs,
    isAnswered: ends.some((atMs) => atMs < BEGINS_AT_MS + resumesAtMs),
    delayMs: ends.at(-1)! - endsAtMs,
  };
}
