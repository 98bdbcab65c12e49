import type { Participant } from "../../edge/types.ts";
import type { SpeechPart } from "../contracts/tts.ts";
import type { PlayedFragment } from "../history/chat_history.ts";
import { heardTexts, type SpokenSentence } from "../text/played_text.ts";

/** Something that is said in one go: words, and how they sound. */
export interface TtsUtterance {
  /** Its words; they may still grow while it is said. */
  readonly words: Omit<SpokenSentence, "ms" | "complete" | "marks">;
  /** How they sound; nothing for words that cannot be said. */
  readonly audio: AsyncIterable<SpeechPart> | undefined;
}

/** How a {@linkcode SpeechHandle} came out. */
export interface SpeechOutcome {
  /** What was heard of it. */
  readonly text: string;
  /** Whether that is not all of it: it was cut off, or the model or the voice failed. */
  readonly interrupted: boolean;
}

/** When what happened to a speech, in monotonic milliseconds; 0 while it has not. */
export interface SpeechTimes {
  /** The first sentence was complete. */
  sentence: number;
  /** The voice was asked for it. */
  voiceAsked: number;
  /** Its first sound was there. */
  sound: number;
  /** The first sample was heard. */
  heard: number;
}

/** What a {@linkcode SpeechHandle} is made of. */
export interface SpeechHandleInit {
  /** What is said, one after another, as it comes. */
  utterances: (speech: SpeechHandle) => AsyncIterable<TtsUtterance>;
  /** Whom it answers. */
  participant?: Participant;
  /** Its first sample was heard. */
  onHeard?: (speech: SpeechHandle) => void;
  /** It is not said to its end: whatever makes its words is to stop. Called once at most. */
  onCut?: () => void;
  /** It is over; called before `done` resolves. */
  onOver?: (outcome: SpeechOutcome) => void;
}

let made = 0;

/** Something that the agent says: text as it comes, and what was heard of it. */
export class SpeechHandle {
  readonly id: string = `speech-${++made}`;
  readonly sentences: SpokenSentence[] = [];
  readonly times: SpeechTimes = { sentence: 0, voiceAsked: 0, sound: 0, heard: 0 };
  /** Where on the track it begins, in milliseconds; `undefined` before its first sample. */
  startMs: number | undefined;
  /** Milliseconds of it that were written to the track. */
  writtenMs = 0;
  readonly #init: SpeechHandleInit;
  readonly #controller = new AbortController();
  readonly #done = Promise.withResolvers<SpeechOutcome>();
  #isOver = false;
  #isStopped = false;
  #pieces: readonly PlayedFragment[] = [];

  constructor(init: SpeechHandleInit) {
    this.#init = init;
  }

  /** What is said, one after another, as it comes. */
  utterances(): AsyncIterable<TtsUtterance> {
    return this.#init.utterances(this);
  }

  /** Whom it answers. */
  get participant(): Participant | undefined {
    return this.#init.participant;
  }

  /** Aborted when it is cut off. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves when it was heard to its end, or cut off. Never rejects. */
  get done(): Promise<SpeechOutcome> {
    return this.#done.promise;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Of each of its sentences, in characters, what was heard; known when it is over. */
  get pieces(): readonly PlayedFragment[] {
    return this.#pieces;
  }

  /** Nobody wants to hear it any more: model and voice are to stop. Idempotent. */
  cut(): void {
    if (this.#controller.signal.aborted || this.#isOver) return;
    this.#controller.abort(new DOMException("the speech was interrupted", "AbortError"));
    this.stop();
  }

  /** No more of it will be said than there is: the model is to stop. Idempotent. */
  stop(): void {
    if (this.#isStopped || this.#isOver) return;
    this.#isStopped = true;
    this.#init.onCut?.();
  }

  /** Its first sample was heard at this time. */
  heard(atMs: number): void {
    this.times.heard = atMs;
    this.#init.onHeard?.(this);
  }

  /**
   * It is over: all of it was heard, or what was when so much of the track had been heard. `done`
   * resolves also when `onOver` throws.
   */
  finish({ all, trackHeardMs }: { all: boolean; trackHeardMs: number }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { sentences, startMs = Infinity } = this;
    const texts = heardTexts(sentences, all ? Infinity : trackHeardMs - startMs);
    this.#pieces = sentences.map(({ text }, index) => {
      return { chars: text.length, heard: texts[index]!.length };
    });
    const interrupted = !all || sentences.some(({ silent }) => silent);
    const outcome = { text: texts.join(""), interrupted };
    try {
      this.#init.onOver?.(outcome);
    } finally {
      this.#done.resolve(outcome);
    }
  }
}
