/** What decides where turns end. @module */
import type { STT } from "../contracts/stt.ts";
import type { TurnDetector } from "../contracts/turn_detector.ts";
import { DEFAULT_SILENCE_MS, fixedEndpointing } from "../contracts/turn_detector.ts";

/**
 * What decides where a participant's turn ends; there is one such owner.
 *
 * - `"stt"`: the recogniser, which must detect turns. Nothing is added to its own delay, and only what
 *   it takes for speech interrupts the agent.
 * - `"vad"`: silence alone, for as long as `endpointing.minDelayMs` says.
 * - a {@linkcode TurnDetector}, which is asked at each pause.
 * - `"manual"`: the application, by `agent.commitUserTurn()` and `agent.clearUserTurn()`.
 * - `"realtime"`: a realtime model, whose only owner it is.
 */
export type TurnDetection = "stt" | "vad" | "realtime" | "manual" | TurnDetector;

/** Options for the pause that ends a turn. */
export interface EndpointingOptions {
  /**
   * The least silence that ends a turn, whatever the turn detector asks for: 0 to 30,000 milliseconds.
   * With `"vad"` it is the silence that does. Default: 800 with `"vad"`, otherwise 0.
   */
  minDelayMs?: number;
  /**
   * The longest silence that a turn detector may ask for: 0 to 30,000 milliseconds, not less than
   * `minDelayMs`. Default 30,000.
   */
  maxDelayMs?: number;
}

/** The owner of turns in a pipeline whose recogniser, model and voice are components of their own. */
export type TurnOwner = "stt" | "manual" | TurnDetector;

/**
 * Returns the owner of turns. Default: the recogniser, where it detects turns, and otherwise silence.
 *
 * @throws {TypeError} these components have no such owner.
 */
export function turnOwnerOf(
  turnDetection: TurnDetection | undefined,
  { stt, endpointing = {} }: { stt: STT; endpointing?: EndpointingOptions },
): TurnOwner {
  const chosen = turnDetection ?? (stt.detectsTurns ? "stt" : "vad");
  const { minDelayMs = DEFAULT_SILENCE_MS, maxDelayMs = minDelayMs } = endpointing;
  if (chosen === "vad") return fixedEndpointing(Math.min(minDelayMs, maxDelayMs));
  if (chosen === "realtime") {
    throw new TypeError(
      'turnHandling.turnDetection: "realtime" needs a realtime llm; use "vad" or a turn detector',
    );
  }
  if (chosen === "stt" && !stt.detectsTurns) {
    throw new TypeError(
      `turnHandling.turnDetection: "stt" needs a recogniser that detects turns, and ${stt.name} ` +
        'does not: use "vad" or a turn detector',
    );
  }
  return chosen;
}
