/** What speech over the agent means: an interruption, or a cough. @module */
import type { Participant } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { UnheardSpeechTimeout } from "./unheard_speech_timeout.ts";
import type { UserTurn } from "./user_turn.ts";
import type { UserTurnObserver } from "./user_turn_observer.ts";
import {
  BargeInEvent,
  FalseInterruptionEvent,
  OverlappingSpeechEvent,
} from "../contracts/events.ts";
import { Backchannels, type BackchannelWords } from "./backchannels.ts";

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
  /**
   * What ends within so many milliseconds of the end of what the agent says, or later, is a response,
   * and never a backchannel: "yes" to the question that it is about to have asked. Nor is anything
   * after so little of what it says. Default 1000.
   */
  backchannelBoundaryMs?: number;
  /**
   * The words that are backchannels, a list for each language, by its BCP 47 tag: a list replaces the
   * one that is there by default, as it is for 26 languages. Where the recogniser says which language
   * is spoken, the list of that language counts; otherwise all lists do.
   */
  backchannels?: BackchannelWords;
  /**
   * Whether only the participant whose microphone it is interrupts: while the agent is heard, speech that
   * is clearly below their own usual level (10 dB) is that of another person in the room, or a
   * television, and counts as silence. It takes half a second of speech to know that level. Not with
   * a realtime model, which takes turns itself. Default `false`: a telephone may be handed over.
   */
  nearSpeakerOnly?: boolean;
}

/** The agent's playback, as an interruption sees it. */
export interface InterruptiblePlayback {
  /** Whether the agent is saying something, or about to. */
  readonly isBusy: boolean;
  /**
   * Whether a participant can interrupt it now: they hear it, and it allows that. What they say otherwise
   * is a turn of its own.
   */
  canBeInterruptedBy(participant: Participant): boolean;
  /** How much of what it says has been played, in milliseconds. */
  readonly spokenMs: number;
  /** How much of what it says is still to be played; `Infinity` while that is not known. */
  readonly remainingMs: number;
  /** Since when the listener hears it; `undefined` where they do not. */
  readonly playingSinceMs?: number;
  /** Falls silent and keeps everything. */
  pause(): void;
  /** Goes on where it was paused. */
  resume(): void;
  /**
   * Drops what people can interrupt and the one who does hears; resolves with the milliseconds that were
   * written and never played.
   */
  interrupt(options: { by: Participant }): Promise<number>;
}

/** Words that come so soon after the agent began were said before. */
const TRANSCRIPTION_MS = 500;

/** What {@linkcode InterruptionHandler} needs. */
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
  /** Whether the agent had said so little that this is no sign of listening. */
  readonly isEarly: boolean;
  /** How much the agent had still to say; `Infinity` while that is not known. */
  remainingMs: number;
  /** When the agent went on after it, where it did. */
  resumedMs?: number;
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
  #minDurationMs!: number;
  #falseInterruptionTimeoutMs!: number;
  #boundaryMs!: number;
  #backchannels!: Backchannels;
  /** The turns whose overlap is undecided. */
  readonly #overlaps = new Map<UserTurn, Overlap>();
  /** The turns that began over the agent: a backchannel in one of these gets no reply. */
  readonly #overlapping = new WeakMap<UserTurn, Overlap>();
  /** The turns of those who are speaking. */
  readonly #speaking = new Set<UserTurn>();
  #interrupting: Promise<void> | undefined;

  constructor(init: InterruptionHandlerInit, options: InterruptionOptions = {}) {
    this.#init = init;
    this.configure(options);
  }

  /** Uses other options from now on. */
  configure(options: InterruptionOptions = {}): void {
    this.#minDurationMs = options.minDurationMs ?? 700;
    this.#falseInterruptionTimeoutMs = options.falseInterruptionTimeoutMs ?? 1500;
    this.#boundaryMs = options.backchannelBoundaryMs ?? 1000;
    this.#backchannels = new Backchannels(options.backchannels);
  }

  /** Whether there is speech over the agent of which it is not known yet what it means. */
  get isUndecided(): boolean {
    return this.#overlaps.size > 0;
  }

  /** Settles when the interruption in progress is complete; `undefined` while there is none. */
  get inProgress(): Promise<void> | undefined {
    return this.#interrupting;
  }

  /**
   * Whether the turn is no more than a backchannel to what the agent says, by what is known now: how much
   * the agent had still to say may be known only when it has said it.
   */
  isBackchannel(turn: UserTurn): boolean {
    const overlap = this.#overlapping.get(turn);
    return overlap !== undefined && this.#showsListening(turn, overlap);
  }

  speechStarted(turn: UserTurn): void {
    const { playback, clock, emit } = this.#init;
    this.#speaking.add(turn);
    if (!playback.isBusy || !this.#canInterrupt(turn) || this.#interrupting) return;
    const known = this.#overlaps.get(turn);
    known?.timer?.[Symbol.dispose]();
    const overlap = known ?? {
      pausedMs: clock.now(),
      isEarly: playback.spokenMs < this.#boundaryMs,
      remainingMs: Infinity,
      isLong: false,
      timer: undefined,
    };
    this.#overlaps.set(turn, overlap);
    this.#overlapping.set(turn, overlap);
    this.#limitUnheardSpeech(turn, overlap);
    if (known) return;
    playback.pause();
    emit(new OverlappingSpeechEvent({ participant: turn.participant }));
  }

  textChanged(turn: UserTurn): void {
    if (!turn.isConfirmed || !this.#takesTurn(turn)) return;
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
    const takesTurn = this.#takesTurn(turn);
    if (this.#overlaps.has(turn)) return takesTurn ? this.#confirm(turn) : this.#dismiss(turn);
    // The agent has resumed already, but now the text shows that the participant meant it.
    const canInterrupt = playback.isBusy && this.#canInterrupt(turn);
    const isOver = this.#overlapping.has(turn) && canInterrupt || this.#isSpokenOver(turn);
    if (isOver && takesTurn) this.#interrupt(turn, clock.now());
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

  /** Whether who speaks can interrupt what is being said. */
  #canInterrupt({ participant }: UserTurn): boolean {
    return this.#init.playback.canBeInterruptedBy(participant);
  }

  /** Whether the text is more than a backchannel. */
  #takesTurn(turn: UserTurn): boolean {
    const overlap = this.#overlapping.get(turn);
    if (overlap) return turn.text !== "" && !this.#showsListening(turn, overlap);
    return !this.#backchannels.has(turn.text, turn.language);
  }

  /** Whether the text, if there is one, is a backchannel to what the agent says. */
  #showsListening(turn: UserTurn, overlap: Overlap): boolean {
    if (!this.#backchannels.has(turn.text, turn.language)) return false;
    if (turn.text === "") return true;
    this.#measure(turn, overlap);
    // The end of the speech, where the agent would have been by then without its pause.
    const isSpeaking = turn.resumedMs >= turn.endOfSpeechMs;
    const endMs = isSpeaking ? this.#init.clock.now() : turn.endOfSpeechMs;
    const remainingMs = overlap.remainingMs - Math.max(0, endMs - overlap.pausedMs);
    return !overlap.isEarly && remainingMs > this.#boundaryMs;
  }

  /** Notes how much the agent had still to say, as far as that is known. */
  #measure(turn: UserTurn, overlap: Overlap): void {
    const { playback, clock } = this.#init;
    if (this.#overlaps.has(turn)) overlap.remainingMs = playback.remainingMs;
    const { remainingMs, resumedMs } = overlap;
    if (remainingMs < Infinity || resumedMs === undefined) return;
    // It has said all of it.
    if (!playback.isBusy && !this.#interrupting) overlap.remainingMs = clock.now() - resumedMs;
  }

  /** Whether the agent began to speak while the participant spoke, who went on. */
  #isSpokenOver(turn: UserTurn): boolean {
    const { playback, clock } = this.#init;
    const { playingSinceMs } = playback;
    if (playingSinceMs === undefined || !this.#canInterrupt(turn) || this.#interrupting) {
      return false;
    }
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
    if (!this.#canInterrupt(turn)) return this.#dismiss(turn);
    const { pausedMs } = this.#overlaps.get(turn)!;
    this.clear();
    this.#interrupt(turn, pausedMs);
  }

  #interrupt(turn: UserTurn, silentMs: number): void {
    const { playback, emit } = this.#init;
    const spokenOverMs = this.#overlapping.has(turn) ? 0 : playback.playingSinceMs ?? 0;
    this.#overlapping.delete(turn);
    this.#interrupting ??= playback.interrupt({ by: turn.participant }).then((discardedMs) => {
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
    overlap.remainingMs = playback.remainingMs;
    overlap.resumedMs = clock.now();
    this.#overlaps.delete(turn);
    if (this.#overlaps.size > 0) return;
    playback.resume();
    const pausedMs = clock.now() - overlap.pausedMs;
    emit(new FalseInterruptionEvent({ participant: turn.participant, pausedMs }));
  }
}
