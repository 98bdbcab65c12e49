/** What an agent says: replies of its model, and texts, in one voice at a time. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Participant } from "../../edge/types.ts";
import type { ChatContext } from "../history/chat_context.ts";
import type { TranscriptWriter } from "../history/transcript_writer.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { Reply } from "../reply/reply.ts";
import type { ReplyGenerator } from "../reply/reply_generator.ts";
import type { ToolRun } from "../reply/tool_run.ts";
import type { SpeechHandle, SpeechOutcome } from "../speech/speech_handle.ts";
import type { SpeechOutput } from "../speech/speech_output.ts";
import type { UserTurn } from "../turns/user_turn.ts";
import type { FailureResponse } from "./failure_response.ts";
import { replyLatency } from "../reply/reply_latency.ts";
import { once, Synthesizer, type SynthesizerOptions } from "../speech/synthesizer.ts";

/** What {@linkcode SpokenReplies} needs. */
export interface SpokenRepliesInit {
  voice: SynthesizerOptions;
  chat: Pick<ChatContext, "history">;
  transcript: TranscriptWriter;
  generator: Pick<ReplyGenerator, "regenerate">;
  output: SpeechOutput;
  failure: Pick<FailureResponse, "replied">;
  /** Called when something that the agent said has ended. */
  onEnded: () => void;
  /** Called with the calls of a reply that was to tell what they did, and failed or was not heard. */
  onUntold: (runs: readonly ToolRun[]) => void;
  /** Called with the calls of a reply that was interrupted. */
  onInterrupted: (runs: readonly ToolRun[]) => void;
}

/** How something is said that the application or a turn asked for. */
export interface SpeakingOptions {
  participant?: Participant;
  allowsInterruption: () => boolean;
  discardsUserTurns: boolean;
  staleAtMs: number;
  /** The track of the only participant who hears it. */
  track: OutboundAudioTrack | undefined;
}

/** How a reply is said. */
export interface SpokenReplyOptions extends Partial<SpeakingOptions> {
  /** The turn that it is to. */
  turn?: UserTurn;
  /** Whether the model was asked again, since it or the voice had failed. */
  isSecond?: boolean;
  /** Whether it tells what has become known. */
  isNews?: boolean;
}

/** How a reply was said, and why it was not, or not to its end. */
export interface SpokenReply {
  readonly outcome: SpeechOutcome;
  readonly failure?: { readonly error: unknown } | undefined;
}

/** Says replies and texts; both are shown as they are said, and remembered as far as they were heard. */
export class SpokenReplies {
  readonly #context: PipelineContext;
  readonly #init: SpokenRepliesInit;
  #synthesizer: Synthesizer;
  /** Whether they are the agent's last words: what fails is not said again. */
  areLast = false;

  constructor(context: PipelineContext, init: SpokenRepliesInit) {
    this.#context = context;
    this.#init = init;
    this.#synthesizer = new Synthesizer(context, init.voice);
  }

  /** The voice that says what comes next. */
  get voice(): Synthesizer {
    return this.#synthesizer;
  }

  /** Uses another voice from now on; resolves when the one before has said all that it is to say. */
  use(voice: SynthesizerOptions): Promise<void> {
    const before = this.#synthesizer;
    this.#synthesizer = new Synthesizer(this.#context, voice);
    return before.retire();
  }

  /** Closes the voice. */
  close(): Promise<void> {
    return this.#synthesizer.close();
  }

  /** Plays a text that is no reply: what was prepared of it, or else the voice speaks it. */
  play(
    text: string,
    options: Partial<SpeakingOptions> = {},
    prepared?: readonly PcmChunk[],
  ): SpeechHandle {
    const { transcript, chat, output, onEnded } = this.#init;
    const message = transcript.openAgentMessage(undefined, options.track?.to);
    const voice = this.#synthesizer;
    const { history } = chat;
    const speech = output.play({
      ...options,
      audio: (speech) => {
        // Not before: what is said before it is shown before it.
        message.update({ text });
        if (!prepared) return voice.synthesize(once(text), speech);
        speech.spoken.say(text);
        return (async function* () {
          yield* prepared;
        })();
      },
      message,
      onEnded: ({ text }) => {
        if (/\S/.test(text)) history.append({ role: "assistant", text });
      },
    });
    voice.assign(speech);
    void speech.done.then(() => onEnded());
    return speech;
  }

  /** Says a reply for which no part of the program waits. */
  start(reply: Reply, options: SpokenReplyOptions): void {
    this.say(reply, options).catch((error) => this.#context.report(error, "replying"));
  }

  /**
   * Says a reply. Resolves when it has ended, and the one that is generated in its place where that may
   * help.
   */
  async say(reply: Reply, options: SpokenReplyOptions): Promise<SpokenReply> {
    const { generator, failure: failures, onEnded, onUntold, onInterrupted } = this.#init;
    const { isSecond = false, isNews = false } = options;
    const speech = this.#play(reply, options);
    // What comes next finds the queue without it.
    const outcome = await speech.done;
    const { failure, isToRepeat } = this.areLast
      ? { isToRepeat: false }
      : failures.replied(reply, speech, { isFinal: isSecond || isNews });
    const second = isToRepeat
      ? this.say(generator.regenerate(reply), { ...options, isSecond: true })
      : undefined;
    // People have left before they heard it, or may have.
    const isUnheard = outcome.interrupted && this.#context.countPeople?.() === 0;
    if ((failure || isUnheard) && !second && !isNews && !reply.isHandedOver) onUntold(reply.runs);
    else if (outcome.interrupted && !failure) onInterrupted(reply.runs);
    onEnded();
    return await second ?? { outcome, failure };
  }

  #play(
    reply: Reply,
    { turn, allowsInterruption, isSecond: _, isNews: __, ...options }: SpokenReplyOptions,
  ): SpeechHandle {
    reply.commit();
    const speech = this.#init.output.play({
      ...options,
      audio: async function* (speech) {
        await reply.begun;
        yield* reply.voice.synthesize(reply.textStream, speech);
      },
      message: reply.message,
      allowsInterruption: () => !reply.refusesInterruption && (allowsInterruption?.() ?? true),
      isWaiting: () => reply.isWaiting,
      isThinking: () => reply.isThinking,
      onStopped: () => reply.cancel(),
      onPlaybackStarted: ({ times }) => {
        if (turn) this.#context.emit(replyLatency(turn, times, reply));
      },
      onEnded: (_, speech) => reply.remember(speech.playedFragments),
    });
    reply.voice.assign(speech);
    // Another agent may have taken over before.
    void reply.begun.then(() => reply.voice.assign(speech));
    return speech;
  }
}
