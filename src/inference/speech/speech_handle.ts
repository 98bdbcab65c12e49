/** One thing that the agent says. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Participant } from "../../edge/types.ts";
import type { PlayedFragment } from "../history/chat_history.ts";
import { SpokenText } from "../text/spoken_text.ts";

/** How a {@linkcode SpeechHandle} ended. */
export interface SpeechOutcome {
  /** The text that was played. */
  readonly text: string;
  /** Whether that is not all of it: it was interrupted, or the model or the voice failed. */
  readonly interrupted: boolean;
}

/** The times of a speech's steps, in monotonic milliseconds; 0 before each. */
export interface SpeechTimes {
  /** The voice began to work on its first words. */
  ttsStartedMs: number;
  /** Its first audio arrived. */
  firstAudioMs: number;
  /** The listener heard its first sample. */
  playbackStartedMs: number;
}

/** Options for a {@linkcode SpeechHandle}. */
export interface SpeechHandleInit {
  /** Returns the audio as it comes, and adds to `speech.spoken` what it says. */
  audio: (speech: SpeechHandle) => AsyncIterable<PcmChunk>;
  /** Its text, where it exists before. */
  spoken?: SpokenText;
  /** The participant to whom it replies. */
  participant?: Participant;
  /** The track that it is said on, where one participant alone hears it. Default: the agent's. */
  track?: OutboundAudioTrack;
  /** Returns whether people can interrupt it now. Default: they can. */
  allowsInterruption?: () => boolean;
  /** Returns whether it waits for something other than its voice, as for a tool. Default: it does not. */
  isWaiting?: () => boolean;
  /** Returns whether there is nothing to say yet. Default: there is. */
  isThinking?: () => boolean;
  /** Whether what people say during it is forgotten. */
  discardsUserTurns?: boolean;
  /** When it is not to be begun any more, in monotonic milliseconds. Default: never. */
  staleAtMs?: number;
  /** Called when the listener hears the first sample. */
  onPlaybackStarted?: (speech: SpeechHandle) => void;
  /** Called at most once when no more of it is needed: its source is to stop. */
  onStopped?: () => void;
  /** Called when it has ended, before `done` resolves. */
  onEnded?: (outcome: SpeechOutcome) => void;
}

let count = 0;

/** Something that the agent says: its audio as it comes, and what was played of its text. */
export class SpeechHandle {
  readonly id: string = `speech-${++count}`;
  /** Its text, and how much of it is in the audio so far. */
  readonly spoken: SpokenText;
  readonly times: SpeechTimes = {
    ttsStartedMs: 0,
    firstAudioMs: 0,
    playbackStartedMs: 0,
  };
  /** Where on the track it begins, in milliseconds; `undefined` before its first sample. */
  startMs: number | undefined;
  /** When the latest of its audio was written, in monotonic milliseconds. */
  writtenMs = 0;
  /** What was said on the track while it waited, after its first sample. */
  readonly #interludes: { startMs: number; lastsMs: number }[] = [];
  /** Why it could not be said, or not to its end; not that it was interrupted. */
  failure: { readonly error: unknown } | undefined;
  readonly #init: SpeechHandleInit;
  readonly #controller = new AbortController();
  readonly #done = Promise.withResolvers<SpeechOutcome>();
  #isEnded = false;
  #isStopped = false;
  #playedFragments: readonly PlayedFragment[] = [];

  constructor(init: SpeechHandleInit) {
    this.#init = init;
    this.spoken = init.spoken ?? new SpokenText();
  }

  /** Returns the audio as it comes. */
  audio(): AsyncIterable<PcmChunk> {
    return this.#init.audio(this);
  }

  /** The participant to whom it replies. */
  get participant(): Participant | undefined {
    return this.#init.participant;
  }

  /** The track that it is said on; `undefined` where it is the agent's. */
  get track(): OutboundAudioTrack | undefined {
    return this.#init.track;
  }

  /** Whether the participant hears it: all do, or the one whose track it is. */
  isHeardBy({ id }: Participant): boolean {
    return !this.track?.to || this.track.to.id === id;
  }

  /** Whether what people say during it is forgotten. */
  get discardsUserTurns(): boolean {
    return this.#init.discardsUserTurns ?? false;
  }

  /** When it is not to be begun any more. */
  get staleAtMs(): number {
    return this.#init.staleAtMs ?? Infinity;
  }

  /** Whether people can interrupt it now. */
  get allowsInterruption(): boolean {
    return this.#isEnded || (this.#init.allowsInterruption?.() ?? true);
  }

  /** Whether it waits for something other than its voice: something else may be said meanwhile. */
  get isWaiting(): boolean {
    return this.#init.isWaiting?.() ?? false;
  }

  /** Whether there is nothing to say yet. */
  get isThinking(): boolean {
    return this.#init.isThinking?.() ?? false;
  }

  /** Where on the track its audio ends so far. */
  get endMs(): number {
    const { startMs = 0, spoken } = this;
    return this.#interludes.reduce((end, { lastsMs }) => end + lastsMs, startMs + spoken.audioMs);
  }

  /** Notes that audio of another speech is written to its track while it waits, from there on. */
  addInterlude(startMs: number, lastsMs: number): void {
    if (this.startMs === undefined) return;
    const last = this.#interludes.at(-1);
    const isNext = last && Math.abs(last.startMs + last.lastsMs - startMs) < 1;
    if (isNext) last.lastsMs += lastsMs;
    else this.#interludes.push({ startMs, lastsMs });
  }

  /** Aborted when it is interrupted. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves when it was played to its end, or interrupted. Never rejects. */
  get done(): Promise<SpeechOutcome> {
    return this.#done.promise;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** How much of its text was played; known when it has ended. */
  get playedFragments(): readonly PlayedFragment[] {
    return this.#playedFragments;
  }

  /** Stops model and voice, and aborts the signal. Idempotent. */
  interrupt(): void {
    if (this.#controller.signal.aborted || this.#isEnded) return;
    this.#controller.abort(new DOMException("the speech was interrupted", "AbortError"));
    this.stop();
  }

  /** Stops the model: the text so far is the whole speech. Idempotent. */
  stop(): void {
    if (this.#isStopped || this.#isEnded) return;
    this.#isStopped = true;
    this.#init.onStopped?.();
  }

  /** Notes that the listener heard the first sample at this time. */
  playbackStarted(atMs: number): void {
    this.times.playbackStartedMs = atMs;
    this.#init.onPlaybackStarted?.(this);
  }

  /**
   * Ends it: all of it was played, or what the listener had heard of the track up to `trackHeardMs`.
   * `done` resolves also when `onEnded` throws.
   */
  end({ all, trackHeardMs }: { all: boolean; trackHeardMs: number }): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { spoken, startMs = Infinity } = this;
    let heardMs = trackHeardMs - startMs;
    for (const { startMs, lastsMs } of this.#interludes) {
      heardMs -= Math.min(Math.max(0, trackHeardMs - startMs), lastsMs);
    }
    const { text, fragments } = spoken.heard(all ? Infinity : heardMs);
    this.#playedFragments = fragments;
    const outcome = { text, interrupted: !all || spoken.hasUnspoken };
    try {
      this.#init.onEnded?.(outcome);
    } finally {
      this.#done.resolve(outcome);
    }
  }
}
