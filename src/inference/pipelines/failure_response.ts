/** What an agent does when a model fails: something is heard, it is tried again, a hook is told. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Reply } from "../reply/reply.ts";
import type { SpeechHandle } from "../speech/speech_handle.ts";
import type { UserTurn } from "../turns/user_turn.ts";
import type { UserTurnObserver } from "../turns/user_turn_observer.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { TTS } from "../contracts/tts.ts";
import type { FailureOptions } from "./failure_options.ts";
import { attempt, UserHook } from "../../events/user_code.ts";
import { InferenceError, inferenceErrorIn } from "../contracts/errors.ts";
import { IncompleteReplyEvent } from "../contracts/events.ts";
import { PreparedText } from "../speech/prepared_text.ts";

/** A hook is told after so many failures in succession. */
const MAX_FAILURES = 3;

/** Options for a {@linkcode FailureResponse}. */
export interface FailureResponseInit extends FailureOptions {
  tts: TTS;
  /**
   * Says what was prepared, or has the voice say the text where nothing was: to all, or on the track of
   * the only participant who was to hear what failed.
   */
  play: (
    text: string,
    prepared: readonly PcmChunk[] | undefined,
    track: OutboundAudioTrack | undefined,
  ) => void;
}

/** Notices when a turn gets no reply because a model failed, and responds to it. */
export class FailureResponse implements UserTurnObserver {
  readonly #context: PipelineContext;
  #init: FailureResponseInit;
  #prepared: PreparedText | undefined;
  /** What the voice before has prepared of the same text, for as long as this one has not. */
  #before: readonly PcmChunk[] | undefined;
  #onMaxFailures: UserHook<{ error: unknown; failures: number }> | undefined;
  /** What the recogniser failed with since the last text. */
  #deafness: { error: unknown } | undefined;
  #failures = 0;

  constructor(context: PipelineContext, init: FailureResponseInit) {
    this.#context = context;
    this.#init = init;
    this.#prepare();
  }

  /** Uses another voice, and responds in another way. */
  configure(
    { say, pcm, tts, maxFailures, onMaxFailures }: Omit<FailureResponseInit, "play">,
  ): void {
    this.#before = say === this.#init.say ? this.#chunks : undefined;
    this.#prepared?.[Symbol.dispose]();
    this.#prepared = undefined;
    this.#init = { play: this.#init.play, say, pcm, tts, maxFailures, onMaxFailures };
    this.#prepare();
  }

  get #chunks(): readonly PcmChunk[] | undefined {
    return this.#prepared?.chunks ?? this.#before;
  }

  #prepare(): void {
    const context = this.#context;
    const { say, pcm, tts, onMaxFailures } = this.#init;
    this.#onMaxFailures = undefined;
    if (say !== undefined && pcm === undefined) {
      this.#prepared = new PreparedText(context, { tts, text: say });
    }
    if (!onMaxFailures) return;
    const { clock, report } = context;
    const hook = (failure: { error: unknown; failures: number }) => onMaxFailures(failure);
    this.#onMaxFailures = new UserHook(hook, { clock, report, context: "onFailure.onMaxFailures" });
  }

  /** Reports what the recogniser failed with; the turn may have text all the same. */
  recogniserFailed(error: unknown): void {
    this.#deafness = { error };
  }

  textChanged({ text }: UserTurn): void {
    if (/\S/.test(text)) this.#deafness = undefined;
  }

  turnEnded({ text }: UserTurn): void {
    const deafness = this.#deafness;
    this.#deafness = undefined;
    if (!deafness || /\S/.test(text)) return;
    this.#sayIt();
    this.#count(deafness.error);
  }

  /**
   * Takes a reply that was said, or was to be said. Returns why it was not, and whether the model is to
   * be asked again.
   *
   * @param options.isFinal whether it is not asked again: it was already, and people have heard that
   *   something failed
   */
  replied(
    reply: Reply,
    speech: SpeechHandle,
    { isFinal }: { isFinal: boolean },
  ): { failure?: { readonly error: unknown }; isToRepeat: boolean } {
    const { participant, finish } = reply;
    if (finish && !["stop", "tool-calls"].includes(finish.reason)) {
      const { reason, detail } = finish;
      this.#context.emit(new IncompleteReplyEvent({ participant, reason, detail }));
    }
    const failure = failureOf(speech) ?? withheld(reply);
    if (!failure) {
      // One that was interrupted before its first word shows nothing.
      if (speech.spoken.audioMs > 0) this.#failures = 0;
      return { isToRepeat: false };
    }
    if (!isFinal) this.#sayIt(speech.track);
    this.#count(failure.error);
    const isRetryable = inferenceErrorIn(failure.error)?.retryable === true;
    const isModel = reply.textStream.failure !== undefined;
    // What was heard is not said again, and a service that says no to the request says it again.
    const isToRepeat = !isFinal && isRetryable && isModel && speech.spoken.audioMs === 0;
    return { failure, isToRepeat };
  }

  /**
   * Takes a text that was said.
   *
   * @throws what kept it from being said.
   */
  said(speech: SpeechHandle): void {
    const failure = failureOf(speech);
    if (failure) {
      this.#count(failure.error);
      throw failure.error;
    }
    if (speech.spoken.audioMs > 0) this.#failures = 0;
  }

  close(): void {
    this.#prepared?.[Symbol.dispose]();
  }

  /** Says that something failed: to all, or on this track. */
  #sayIt(track?: OutboundAudioTrack): void {
    const { say, pcm, play } = this.#init;
    if (say === undefined && !pcm) return;
    const prepared = pcm ? [pcm] : this.#chunks;
    attempt(
      () => play(say ?? "", prepared, track),
      (error) => this.#context.report(error, "saying that something failed"),
    );
  }

  #count(error: unknown): void {
    const { maxFailures = MAX_FAILURES } = this.#init;
    const failures = ++this.#failures;
    if (failures === maxFailures) this.#onMaxFailures?.run({ error, failures });
  }
}

/** Returns why a speech was not said to its end, unless it was interrupted. */
function failureOf({ failure, signal, spoken }: SpeechHandle): { error: unknown } | undefined {
  if (signal.aborted) return undefined;
  if (failure || !spoken.hasUnspoken) return failure;
  return { error: new InferenceError("the voice left words out", { code: "unspoken" }) };
}

/** Returns why a reply has no words: it was withheld, or the limit came first. */
function withheld({ text, finish, textStream }: Reply): { error: unknown } | undefined {
  if (/\S/.test(text) || textStream.failure) return undefined;
  if (!finish || ["stop", "tool-calls"].includes(finish.reason)) return undefined;
  const why = finish.detail ?? finish.reason;
  return { error: new InferenceError(`the model gave no reply: ${why}`, { code: finish.reason }) };
}
