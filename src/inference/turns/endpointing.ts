/** How long a silence ends a turn: asks the turn detector. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import {
  DEFAULT_SILENCE_MS,
  type TurnContext,
  type TurnDetector,
} from "../contracts/turn_detector.ts";
import type { RecentAudio } from "./recent_audio.ts";
import type { EndpointingOptions } from "./turn_owner.ts";
import type { UserTurn } from "./user_turn.ts";
import { promised, type Report } from "../../events/user_code.ts";
import { limitTime, waitFor } from "../../events/waiting.ts";

/** What {@linkcode Endpointing} needs. */
export interface EndpointingInit {
  turnDetector: TurnDetector;
  /** The bounds of what it may ask for. */
  endpointing: EndpointingOptions;
  recent: RecentAudio;
  clock: Clock;
  /** Returns the conversation before the turn. */
  messages: () => readonly ChatMessage[];
  /** Whether a sound has begun that may become speech. */
  isRising: () => boolean;
  report: Report;
}

/** How often to look whether a beginning sound has become speech. */
const RECHECK_MS = 20;
/** A turn detector that takes longer than this to decide is not waited for. */
const DETECTOR_LIMIT_MS = 5000;
/** The longest silence that a turn detector may ask for. */
const MAX_SILENCE_MS = 30_000;

/** Decides when a pause is the end of a turn: asks the turn detector, and waits as long as it says. */
export class Endpointing implements Disposable {
  readonly #init: EndpointingInit;
  #asking = new AbortController();
  #early: { turn: UserTurn; delayMs: Promise<number> } | undefined;
  #timer: Disposable | undefined;

  constructor(init: EndpointingInit) {
    this.#init = init;
  }

  /** Called at a pause: asks a detector that goes by the sound alone, which need not wait for the text. */
  paused(turn: UserTurn, isVoid: () => boolean): void {
    if (this.#init.turnDetector.needsText !== false) return;
    this.#early = { turn, delayMs: this.#endpointingDelayMs(turn, isVoid) };
  }

  /**
   * Calls `end` when the participant has been silent for long enough.
   *
   * @param turn a turn in a pause, whose text is final so far
   * @param isVoid whether the pause is over, or the turn is, by other means
   */
  async waitForEnd(turn: UserTurn, isVoid: () => boolean, end: () => void): Promise<void> {
    const { clock, isRising } = this.#init;
    const { minDelayMs = 0, maxDelayMs = MAX_SILENCE_MS } = this.#init.endpointing;
    const early = this.#early?.turn === turn ? this.#early.delayMs : undefined;
    const askedMs = await (early ?? this.#endpointingDelayMs(turn, isVoid));
    const silenceMs = Math.max(minDelayMs, Math.min(maxDelayMs, askedMs));
    if (isVoid()) return;
    turn.endpointMs = turn.endOfSpeechMs + silenceMs;
    const endUnlessRising = (): void => {
      // The participant may be resuming at this moment: that shows within the length of a word.
      if (isRising()) this.#timer = clock.schedule(endUnlessRising, RECHECK_MS);
      else end();
    };
    if (turn.endpointMs <= clock.now()) endUnlessRising();
    else this.#timer = clock.schedule(endUnlessRising, turn.endpointMs - clock.now());
  }

  /** Stops waiting: the participant resumes, or the turn ends by other means. */
  cancel(): void {
    this.#timer?.[Symbol.dispose]();
    this.#early = undefined;
    this.#asking.abort(new DOMException("the pause is over", "AbortError"));
    this.#asking = new AbortController();
  }

  [Symbol.dispose](): void {
    this.cancel();
  }

  /** Returns the detector's decision, or the default where it fails or takes too long. */
  async #endpointingDelayMs(turn: UserTurn, isVoid: () => boolean): Promise<number> {
    const { clock, turnDetector, messages, recent, report } = this.#init;
    let audio: PcmChunk | undefined;
    const what = `the decision of ${turnDetector.name}`;
    using limit = limitTime(what, {
      timeoutMs: DETECTOR_LIMIT_MS,
      signals: [this.#asking.signal],
      clock,
    });
    const { signal } = limit;
    try {
      const { participant, text, language } = turn;
      const context: TurnContext = {
        participant,
        text,
        language,
        messages: messages(),
        get audio() {
          return audio ??= recent.read();
        },
      };
      const asked = promised(() => turnDetector.endpointingDelayMs(context, { signal }));
      const silenceMs = await waitFor(asked, what, { signal, clock });
      if (typeof silenceMs === "number" && silenceMs >= 0 && silenceMs <= MAX_SILENCE_MS) {
        return silenceMs;
      }
      const got = typeof silenceMs === "string" ? JSON.stringify(silenceMs) : String(silenceMs);
      throw new RangeError(
        `endpointingDelayMs: expected 0 to ${MAX_SILENCE_MS} milliseconds, got ${got}`,
      );
    } catch (error) {
      const context =
        `${turnDetector.name}, endpointing: ${DEFAULT_SILENCE_MS} ms are used instead`;
      if (!isVoid()) report(error, context);
      return DEFAULT_SILENCE_MS;
    }
  }
}
