/** A reply that the application asked a realtime model for: all that comes of it. @module */
import type { ToolRun } from "../../reply/tool_run.ts";
import type { SpeechOutcome } from "../../speech/speech_handle.ts";

/** Options for a {@linkcode RequestedReply}. */
export interface RequestedReplyOptions {
  /** Whether its text is wanted, and nothing of it is said. Default `false`. */
  inText?: boolean;
  /** Whether people can interrupt it. Default `true`. */
  allowInterruptions?: boolean;
  /** Whether what people say during it is forgotten, where they cannot. Default `false`. */
  discardUserTurns?: boolean;
  /** When it is not to be begun any more, in monotonic milliseconds. Default: never. */
  staleAtMs?: number;
  /** Called when it is over, and the model was not asked for it. May be called more than once. */
  onUnasked?: () => void;
}

/**
 * A reply that the application asked for. It consists of what the model says until it needs no more
 * tools; it settles when nothing of it is held any more, or with the first part that was interrupted.
 */
export class RequestedReply {
  /** Whether only its text is wanted. */
  readonly inText: boolean;
  readonly allowsInterruption: boolean;
  readonly discardsUserTurns: boolean;
  readonly staleAtMs: number;
  /** The calls of its components. */
  readonly runs: ToolRun[] = [];
  /** Whether the service has cut it off, as a person spoke: its question is asked again. */
  isCutOff = false;
  readonly #onUnasked: () => void;
  readonly #done = Promise.withResolvers<SpeechOutcome>();
  readonly #texts: string[] = [];
  #holds = 0;
  #isBegun = false;
  #isInterrupted = false;

  constructor(options: RequestedReplyOptions = {}) {
    this.inText = options.inText ?? false;
    this.allowsInterruption = options.allowInterruptions ?? true;
    this.discardsUserTurns = options.discardUserTurns ?? false;
    this.staleAtMs = options.staleAtMs ?? Infinity;
    this.#onUnasked = options.onUnasked ?? (() => {});
    // The caller gets the rejection, if they wait for one.
    this.#done.promise.catch(() => {});
  }

  /** Resolves with what was heard of it; rejects when nothing of it could be said. */
  get done(): Promise<SpeechOutcome> {
    return this.#done.promise;
  }

  /** Whether no more of it is wanted. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** The model was asked for it. */
  begin(): void {
    this.#isBegun = true;
  }

  /** Whether it has begun, and people cannot interrupt it. */
  get isProtected(): boolean {
    return this.#isBegun && !this.allowsInterruption;
  }

  /** Something of it is still to come: a request, a reply, its speech, a tool's result. */
  hold(): void {
    this.#holds++;
  }

  /** What was held has ended; `outcome` is what was said of it. */
  release(outcome?: SpeechOutcome): void {
    if (outcome?.text) this.#texts.push(outcome.text.trim());
    this.#holds--;
    if (this.#holds <= 0 || outcome?.interrupted) this.#settle(outcome?.interrupted ?? false);
  }

  /** It is not wanted any more unless it has begun. */
  withdraw(): void {
    if (!this.#isBegun) this.interrupt();
  }

  /** No more of it is wanted, or can be had: what was heard so far is the outcome. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#settle(true);
  }

  /** It cannot be said. What was heard of it before is the outcome instead. */
  fail(error: unknown): void {
    if (!this.#isBegun) this.#onUnasked();
    if (this.#texts.length > 0) this.#settle(true);
    else this.#done.reject(error);
  }

  #settle(interrupted: boolean): void {
    if (!this.#isBegun) this.#onUnasked();
    this.#done.resolve({ text: this.#texts.join(" "), interrupted });
  }
}
