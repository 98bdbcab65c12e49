import type { Clock } from "../../events/clock.ts";
import type { UnheardSpeechTimeout } from "./unheard_speech_timeout.ts";
import type { UserTurn } from "./user_turn.ts";
import type { UserTurnObserver } from "./user_turn_observer.ts";
import {
  BargeInEvent,
  FalseInterruptionEvent,
  OverlappingSpeechEvent,
} from "../contracts/events.ts";
import { isBackchannel } from "../text/backchannel.ts";

/**
 * Options for speech over the agent. Any speech pauses the agent immediately. Words that are more
 * than a backchannel ("mhm", "okay") interrupt it; after a cough or a backchannel it resumes where
 * it was, as it does when a noise goes on for seconds without a word in it.
 */
export interface InterruptionOptions {
  /**
   * Speech that lasts so long without a pause is no cough: it interrupts also when the recogniser
   * returns no text within `falseInterruptionTimeoutMs`. Text that comes later counts all the same,
   * and a final text without a word lets the agent resume. Default 700.
   */
  minDurationMs?: number;
  /**
   * How long after the last sound the agent stays paused while the text is not known. After that it
   * resumes, or is interrupted by speech of `minDurationMs`. Default 1500.
   */
  falseInterruptionTimeoutMs?: number;
}

/** The agent's playback, as an interruption sees it. */
export interface InterruptiblePlayback {
  /** Whether the agent is saying something, or about to. */
  readonly isBusy: boolean;
  /** Whether people can interrupt it now. What they say meanwhile is a turn of its own. */
  readonly allowsInterruption: boolean;
  /** Since when the listener hears it; `undefined` where they do not. */
  readonly playingSinceMs?: number;
  /** Falls silent and keeps everything. */
  pause(): void;
  /** Goes on where it was paused. */
  resume(): void;
  /** Drops everything; resolves with the milliseconds that were written and never played. */
  interrupt(): Promise<number>;
}

/** Words that come so soon after the agent began were said before. */
const TRANSCRIPTION_MS = 500;

/** Options for {@linkcode InterruptionHandler}. */
export interface InterruptionHandlerInit {
  playback: InterruptiblePlayback;
  unheardSpeech: UnheardSpeechTimeout;
  clock: Clock;
  emit: (event: object) => void;
  /** Whether speech without a text interrupts if it is long enough. Default `true`. */
  byDuration?: boolean;
}

/** Speech over the agent that may turn out to be an interruption. */
interface Overlap {
  readonly pausedMs: number;
  /** Whether the speech lasted longer than a cough does. */
  isLong: boolean;
  timer: Disposable | undefined;
}

/**
 * Decides what speech over the agent means: the agent pauses at the first word, and then either
 * the text shows that it is interrupted, or it resumes where it was.
 */
export class InterruptionHandler implements UserTurnObserver {
  readonly #init: InterruptionHandlerInit;
  readonly #minDurationMs: number;
  readonly #falseInterruptionTimeoutMs: number;
  /** The turns whose overlap is undecided. */
  readonly #overlaps = new Map<UserTurn, Overlap>();
  /** The turns that began over the agent: a backchannel in one of these is no turn. */
  readonly #overlapping = new WeakSet<UserTurn>();
  /** The turns of those who are speaking. */
  readonly #speaking = new Set<UserTurn>();
  #interrupting: Promise<void> | undefined;

  constructor(init: InterruptionHandlerInit, options: InterruptionOptions = {}) {
    this.#init = init;
    this.#minDurationMs = options.minDurationMs ?? 700;
    this.#falseInterruptionTimeoutMs = options.falseInterruptionTimeoutMs ?? 1500;
  }

  /** Whether there is speech over the agent of which it is not known yet what it means. */
  get isUndecided(): boolean {
    return this.#overlaps.size > 0;
  }

  /** Settles when the interruption in progress is complete; `undefined` while there is none. */
  get inProgress(): Promise<void> | undefined {
    return this.#interrupting;
  }

  /** Whether the turn is no more than a backchannel to what the agent says. */
  isBackchannel(turn: UserTurn): boolean {
    return this.#overlapping.has(turn) && isBackchannel(turn.text);
  }

  speechStarted(turn: UserTurn): void {
    const { playback, clock, emit } = this.#init;
    this.#speaking.add(turn);
    if (!playback.isBusy || !playback.allowsInterruption || this.#interrupting) return;
    const known = this.#overlaps.get(turn);
    known?.timer?.[Symbol.dispose]();
    const overlap = known ?? { pausedMs: clock.now(), isLong: false, timer: undefined };
    this.#overlaps.set(turn, overlap);
    this.#overlapping.add(turn);
    this.#limitUnheardSpeech(turn, overlap);
    if (known) return;
    playback.pause();
    emit(new OverlappingSpeechEvent({ participant: turn.participant }));
  }

  textChanged(turn: UserTurn): void {
    if (!turn.isConfirmed || isBackchannel(turn.text)) return;
    if (this.#overlaps.has(turn)) this.#confirm(turn);
    else if (this.#isSpokenOver(turn)) this.#interrupt(turn, this.#init.clock.now());
  }

  speechStopped(turn: UserTurn): void {
    this.#speaking.delete(turn);
    const overlap = this.#overlaps.get(turn);
    if (!overlap) return;
    overlap.timer?.[Symbol.dispose]();
    const { byDuration = true } = this.#init;
    overlap.isLong ||= byDuration && turn.endOfSpeechMs - turn.resumedMs >= this.#minDurationMs;
    overlap.timer = this.#init.clock.schedule(
      () => overlap.isLong ? this.#confirm(turn) : this.#dismiss(turn),
      this.#falseInterruptionTimeoutMs,
    );
  }

  transcribed(turn: UserTurn): void {
    const { playback, clock } = this.#init;
    if (!this.#overlaps.has(turn)) {
      // The agent has resumed already, but now the text shows that the participant meant it.
      const canInterrupt = playback.isBusy && playback.allowsInterruption;
      const isOver = this.#overlapping.has(turn) && canInterrupt || this.#isSpokenOver(turn);
      if (isOver && !isBackchannel(turn.text)) this.#interrupt(turn, clock.now());
    } else if (isBackchannel(turn.text)) this.#dismiss(turn);
    else this.#confirm(turn);
  }

  turnEnded(turn: UserTurn): void {
    this.#speaking.delete(turn);
    if (turn.text === "") this.#dismiss(turn);
    else this.transcribed(turn);
  }

  /** Forgets all overlaps: the agent was interrupted by something else. */
  clear(): void {
    for (const { timer } of this.#overlaps.values()) timer?.[Symbol.dispose]();
    this.#overlaps.clear();
  }

  /** Whether the agent began to speak while the participant spoke, who went on. */
  #isSpokenOver(turn: UserTurn): boolean {
    const { playback, clock } = this.#init;
    const { playingSinceMs, allowsInterruption } = playback;
    if (playingSinceMs === undefined || !allowsInterruption || this.#interrupting) return false;
    if (turn.resumedMs >= playingSinceMs) return false;
    const spokeUntilMs = this.#speaking.has(turn) ? clock.now() : turn.endOfSpeechMs;
    return spokeUntilMs - playingSinceMs >= TRANSCRIPTION_MS;
  }

  /** The agent stays paused during this speech, unless it is noise by all that is known. */
  #limitUnheardSpeech(turn: UserTurn, overlap: Overlap): void {
    const { clock, unheardSpeech } = this.#init;
    overlap.timer = clock.schedule(() => {
      if (unheardSpeech.remainingMs(turn, clock.now()) > 0) this.#limitUnheardSpeech(turn, overlap);
      else this.#dismiss(turn);
    }, unheardSpeech.remainingMs(turn, clock.now()));
  }

  #confirm(turn: UserTurn): void {
    if (!this.#init.playback.allowsInterruption) return this.#dismiss(turn);
    const { pausedMs } = this.#overlaps.get(turn)!;
    this.clear();
    this.#interrupt(turn, pausedMs);
  }

  #interrupt(turn: UserTurn, silentMs: number): void {
    const { playback, emit } = this.#init;
    const spokenOverMs = this.#overlapping.has(turn) ? 0 : playback.playingSinceMs ?? 0;
    this.#overlapping.delete(turn);
    this.#interrupting ??= playback.interrupt().then((discardedMs) => {
      this.#interrupting = undefined;
      const { participant, firstSoundMs } = turn;
      const silenceMs = silentMs - Math.max(firstSoundMs, spokenOverMs);
      emit(new BargeInEvent({ participant, silenceMs, discardedMs }));
    });
  }

  #dismiss(turn: UserTurn): void {
    const overlap = this.#overlaps.get(turn);
    if (!overlap) return;
    const { playback, clock, emit } = this.#init;
    overlap.timer?.[Symbol.dispose]();
    this.#overlaps.delete(turn);
    if (this.#overlaps.size > 0) return;
    playback.resume();
    const pausedMs = clock.now() - overlap.pausedMs;
    emit(new FalseInterruptionEvent({ participant: turn.participant, pausedMs }));
  }
}
