import type { Clock } from "../../events/clock.ts";
import type { Turn } from "./user_turn.ts";
import type { SpeechQueue } from "../reply/speech_queue.ts";
import type { UnheardSpeechTimeout } from "./unheard_speech_timeout.ts";
import {
  BargeInEvent,
  FalseInterruptionEvent,
  OverlappingSpeechEvent,
} from "../contracts/events.ts";
import { isBackchannel } from "../text/backchannel.ts";

/**
 * When speech over the agent interrupts it. Any speech silences it at once. Words that are more
 * than a sign of listening end what it says; after a cough or a "mhm" it goes on where it was, as it
 * does when a noise goes on for seconds and nothing of it is understood.
 */
export interface InterruptionOptions {
  /**
   * Speech that lasts so long, without a pause, is no cough: it interrupts also when the recogniser
   * does not say within `falseInterruptionTimeoutMs` what it was. What it says counts all the same once it is known:
   * when nothing was understood, the agent goes on. Default 700.
   */
  minDurationMs?: number;
  /**
   * How long after the last sound the agent stays silent while it is not known what was said. After
   * that it goes on, or gives way to speech of `minDurationMs`. Default 1500.
   */
  falseInterruptionTimeoutMs?: number;
}

/** What a {@linkcode InterruptionHandler} works with. */
export interface InterruptionHandlerInit extends InterruptionOptions {
  floor: SpeechQueue;
  clock: Clock;
  attention: UnheardSpeechTimeout;
  emit: (event: object) => void;
}

/** Somebody who speaks over the agent, and may mean it. */
interface Suspect {
  readonly heldMs: number;
  /** Whether he has spoken for longer than anybody coughs. */
  isLong: boolean;
  timer: Disposable | undefined;
}

/**
 * Speech over the agent: it is silenced at the first word, and then either what was said means that
 * it is to stop, or it goes on where it was.
 */
export class InterruptionHandler {
  readonly #floor: SpeechQueue;
  readonly #clock: Clock;
  readonly #emit: (event: object) => void;
  readonly #attention: UnheardSpeechTimeout;
  readonly #minDurationMs: number;
  readonly #falseInterruptionTimeoutMs: number;
  readonly #suspects = new Map<Turn, Suspect>();
  /** Turns that began over the agent: a sign of listening in one of these is no turn. */
  readonly #over = new WeakSet<Turn>();
  #cutting: Promise<void> | undefined;

  constructor(init: InterruptionHandlerInit) {
    this.#floor = init.floor;
    this.#clock = init.clock;
    this.#emit = init.emit;
    this.#attention = init.attention;
    this.#minDurationMs = init.minDurationMs ?? 700;
    this.#falseInterruptionTimeoutMs = init.falseInterruptionTimeoutMs ?? 1500;
  }

  /** Whether somebody might be interrupting. */
  get isSuspected(): boolean {
    return this.#suspects.size > 0;
  }

  /** Settles when an interruption that is under way is complete; it is not, as a rule. */
  get settled(): Promise<void> | undefined {
    return this.#cutting;
  }

  /** He began to speak, or goes on. */
  speech(turn: Turn): void {
    if (!this.#floor.isBusy || this.#cutting) return;
    const now = this.#clock.now();
    const known = this.#suspects.get(turn);
    known?.timer?.[Symbol.dispose]();
    const suspect = known ?? { heldMs: now, isLong: false, timer: undefined };
    this.#suspects.set(turn, suspect);
    this.#over.add(turn);
    this.#attend(turn, suspect);
    if (known) return;
    this.#floor.hold();
    this.#emit(new OverlappingSpeechEvent({ participant: turn.participant }));
  }

  /** More of what he says was understood. */
  text(turn: Turn): void {
    if (this.#suspects.has(turn) && !isBackchannel(turn.text)) this.#confirm(turn);
  }

  /** He paused. */
  pause(turn: Turn): void {
    const suspect = this.#suspects.get(turn);
    if (!suspect) return;
    suspect.timer?.[Symbol.dispose]();
    suspect.isLong ||= turn.endOfSpeechMs - turn.resumedMs >= this.#minDurationMs;
    suspect.timer = this.#clock.schedule(
      () => suspect.isLong ? this.#confirm(turn) : this.#dismiss(turn),
      this.#falseInterruptionTimeoutMs,
    );
  }

  /** He paused, and all that he said is known. */
  understood(turn: Turn): void {
    if (!this.#suspects.has(turn)) {
      // The agent goes on already, but now it is known that it was meant.
      if (this.#over.has(turn) && this.#floor.isBusy && !isBackchannel(turn.text)) {
        this.#interrupt(turn, this.#clock.now());
      }
    } else if (isBackchannel(turn.text)) this.#dismiss(turn);
    else this.#confirm(turn);
  }

  /** His turn is over; gives whether it was no more than a sign that he listens. */
  ended(turn: Turn): boolean {
    if (turn.text === "") this.#dismiss(turn);
    else this.understood(turn);
    return this.#over.has(turn) && isBackchannel(turn.text);
  }

  /** Something else interrupted the agent. */
  clear(): void {
    for (const { timer } of this.#suspects.values()) timer?.[Symbol.dispose]();
    this.#suspects.clear();
  }

  /** The agent is silent while he speaks, unless it is noise by all that is known. */
  #attend(turn: Turn, suspect: Suspect): void {
    suspect.timer = this.#clock.schedule(() => {
      if (this.#attention.leftMs(turn, this.#clock.now()) > 0) this.#attend(turn, suspect);
      else this.#dismiss(turn);
    }, this.#attention.leftMs(turn, this.#clock.now()));
  }

  #confirm(turn: Turn): void {
    const { heldMs } = this.#suspects.get(turn)!;
    this.clear();
    this.#interrupt(turn, heldMs);
  }

  #interrupt(turn: Turn, silentMs: number): void {
    this.#over.delete(turn);
    this.#cutting ??= this.#floor.interrupt().then((discardedMs) => {
      this.#cutting = undefined;
      const { participant, firstSoundMs } = turn;
      const silenceMs = silentMs - firstSoundMs;
      this.#emit(new BargeInEvent({ participant, silenceMs, discardedMs }));
    });
  }

  #dismiss(turn: Turn): void {
    const suspect = this.#suspects.get(turn);
    if (!suspect) return;
    suspect.timer?.[Symbol.dispose]();
    this.#suspects.delete(turn);
    if (this.#suspects.size > 0) return;
    this.#floor.release();
    const pausedMs = this.#clock.now() - suspect.heldMs;
    this.#emit(new FalseInterruptionEvent({ participant: turn.participant, pausedMs }));
  }
}
