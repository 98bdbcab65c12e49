import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import type { LLM } from "../contracts/llm.ts";
import type { STT } from "../contracts/stt.ts";
import type { TTS } from "../contracts/tts.ts";
import type { VAD } from "../contracts/vad.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { Reply } from "../reply/reply.ts";
import type { SpeechHandle, SpeechOutcome } from "../speech/speech_handle.ts";
import type { UserTurn } from "../turns/user_turn.ts";
import type { TurnOwner } from "../turns/turn_owner.ts";
import type {
  GenerateReplyOptions,
  Pipeline,
  SayOptions,
  TextOptions,
  UserTurnOptions,
} from "./pipeline.ts";
import type { FailureOptions } from "./failure_options.ts";
import type { TurnHandlingOptions } from "./turn_handling_options.ts";
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { isBoolean, promised, UserHook } from "../../events/user_code.ts";
import { noLLM } from "./missing_parts.ts";
import { ChatContext } from "../history/chat_context.ts";
import { TranscriptWriter } from "../history/transcript_writer.ts";
import { ReplyGenerator } from "../reply/reply_generator.ts";
import { TextReplies, type TextReply } from "../reply/text_replies.ts";
import { TurnCompletion } from "../reply/turn_completion.ts";
import { replyLatency } from "../reply/reply_latency.ts";
import { ReplyScheduler } from "../reply/reply_scheduler.ts";
import { SpeechAdmission } from "../speech/speech_admission.ts";
import { SpeechOutput } from "../speech/speech_output.ts";
import { Synthesizer, type SynthesizerOptions } from "../speech/synthesizer.ts";
import { InterruptionHandler } from "../turns/interruption_handler.ts";
import { SpeakerListeners } from "../turns/speaker_listeners.ts";
import { TurnEvents } from "../turns/turn_events.ts";
import { UnheardSpeechTimeout } from "../turns/unheard_speech_timeout.ts";
import { WrittenTurn } from "../turns/written_turn.ts";
import {
  observeInOrder,
  type TurnEndReason,
  type UserTurnObserver,
} from "../turns/user_turn_observer.ts";

import { FailureResponse } from "./failure_response.ts";

/** The models of a {@linkcode CascadedPipeline}. */
export interface CascadedPipelineInit {
  llm: LLM;
  stt: STT;
  tts: TTS;
  vad: VAD;
  /** What decides where turns end. */
  turnOwner: TurnOwner;
  textTransform?: SynthesizerOptions["textTransform"];
  pronunciations?: SynthesizerOptions["pronunciations"];
  onFailure?: FailureOptions;
}

/**
 * The pipeline of agents whose language model reads and writes text:
 * audio in -> turns (VAD, speech to text, endpointing, interruption) -> reply (language model, tools)
 * -> synthesis (text to speech) -> playback on the agent's track.
 */
export class CascadedPipeline implements Pipeline {
  readonly #context: PipelineContext;
  readonly #transcript: TranscriptWriter;
  readonly #chat: ChatContext;
  readonly #listeners: SpeakerListeners;
  readonly #interruption: InterruptionHandler;
  readonly #scheduler: ReplyScheduler;
  readonly #generator: ReplyGenerator;
  readonly #synthesizer: Synthesizer;
  readonly #output: SpeechOutput;
  readonly #failure: FailureResponse;
  readonly #observer: Required<UserTurnObserver>;
  readonly #textReplies: TextReplies;
  readonly #admission: SpeechAdmission;
  readonly #unheardSpeech = new UnheardSpeechTimeout();
  readonly #canReply: boolean;
  #isClosed = false;
  /** Whether what people say does not matter any more: the agent says its last words. */
  #isDeaf = false;

  constructor(
    init: CascadedPipelineInit,
    context: PipelineContext,
    turnHandling: TurnHandlingOptions = {},
  ) {
    const { llm, stt, tts, vad, turnOwner, textTransform, pronunciations, onFailure } = init;
    this.#context = context;
    this.#canReply = llm !== noLLM;
    const options: TurnHandlingOptions = this.#canReply
      ? turnHandling
      : { ...turnHandling, shouldReply: () => false, preemptiveGeneration: false };
    const { onUserTurnCompleted } = options;
    // What was said: for people, and for the model.
    const transcript = this.#transcript = new TranscriptWriter(context);
    const chat = this.#chat = new ChatContext(context, {
      llm,
      limit: options.historyLimit,
      onHistoryFull: options.onHistoryFull,
      onNews: () => this.#scheduler.newsCame(),
    });

    // Reply -> synthesis -> playback.
    const generator = this.#generator = new ReplyGenerator(context, {
      llm,
      chat,
      transcript,
      timeoutMs: options.llmTimeoutMs,
    });
    this.#synthesizer = new Synthesizer(context, {
      tts,
      timeoutMs: options.ttsTimeoutMs,
      textTransform,
      pronunciations,
    });
    const output = this.#output = new SpeechOutput(context, {
      onKept: (speech) => void this.#sayLater(speech),
    });
    const failure = this.#failure = new FailureResponse(context, {
      ...onFailure,
      tts,
      play: (text, prepared) => this.#play(text, {}, prepared),
    });

    // Turns -> reply.
    const unheardSpeech = this.#unheardSpeech;
    const interruption = this.#interruption = new InterruptionHandler(
      { ...context, playback: output.queue, unheardSpeech, byDuration: turnOwner !== "stt" },
      options.interruption,
    );
    const scheduler = this.#scheduler = new ReplyScheduler(context, {
      chat,
      generator,
      interruption,
      unheardSpeech,
      turnsInProgress: () => this.#listeners.turns,
      preemptive: options.preemptiveGeneration ?? false,
      shouldReply: shouldReplyTo(options, context),
      completion: onUserTurnCompleted && new TurnCompletion(onUserTurnCompleted, context),
      isSpeaking: () => output.queue.isBusy,
      allowsInterruption: () => output.queue.allowsInterruption,
      checkCapacity: () => output.queue.checkCapacity(this.#admission.waiting),
      discards: (turn) => this.#output.queue.discards(turn.endOfSpeechMs),
      onReply: (reply, turn) => this.#speak(reply, { participant: turn.participant, turn }),
      onNews: () => void this.#tellNews(),
    });

    const admission = this.#admission = new SpeechAdmission({
      clock: context.clock,
      unheardSpeech,
      turnsInProgress: () => this.#listeners.turns,
      isDeciding: () => scheduler.isDeciding,
      checkCapacity: (waiting) => output.queue.checkCapacity(waiting),
    });
    // What waits to be said may be said while the reply waits for a tool.
    context.toolLedger.observe(() => queueMicrotask(() => output.queue.checkInterlude()));

    this.#textReplies = new TextReplies();

    // Audio in -> turns.
    this.#observer = observeInOrder(
      unheardSpeech,
      transcript,
      interruption,
      new TurnEvents(context),
      failure,
      scheduler,
      // After it: the reply to a turn comes before what waited for its end.
      admission,
    );
    this.#listeners = new SpeakerListeners({
      ...context,
      report: (error, what) => {
        context.report(error, what);
        if (what === `${stt.name}, transcribing`) failure.recogniserFailed(error);
      },
      vad,
      stt,
      turnOwner,
      endpointing: options.endpointing ?? {},
      turnLimit: options.userTurnLimit ?? {},
      vadOptions: options.vad ?? {},
      mixSpeakers: options.mixSpeakers ?? false,
      playback: output.playback,
      messages: () => chat.messages,
      observer: this.#observer,
    });
  }

  processAudio(audio: ParticipantAudio): void | Promise<void> {
    if (!this.#isClosed && !this.#isDeaf) return this.#listeners.processAudio(audio);
  }

  muted(participant: Participant): void {
    this.#listeners.audioStopped(participant);
  }

  participantLeft(participant: Participant): void {
    this.#listeners.participantLeft(participant);
  }

  async say(text: string, options: SayOptions = {}): Promise<SpeechOutcome> {
    if (options.interrupt) await this.interrupt();
    const speaking = this.#speakingOptions(options);
    let speech: SpeechHandle | undefined;
    const play = () => speech = this.#play(text, speaking);
    const outcome = await this.#admission.admit(play, speaking.staleAtMs);
    if (speech) this.#failure.said(speech);
    return outcome;
  }

  async generateReply(text: string, options: GenerateReplyOptions = {}): Promise<SpeechOutcome> {
    const { participant } = options;
    if (options.interrupt) await this.interrupt();
    const speaking = this.#speakingOptions(options);
    return await this.#admission.admit(() => {
      this.#transcript.writePrompt(text, participant);
      const reply = this.#generator.generate(participant, {}, () => {
        this.#chat.appendUserMessage(text, participant);
        this.#scheduler.newsTold();
      });
      return this.#speak(reply, { ...speaking, participant });
    }, speaking.staleAtMs);
  }

  async commitUserTurn({ participant }: UserTurnOptions = {}): Promise<void> {
    await this.#listeners.commitTurn(participant);
  }

  clearUserTurn({ participant }: UserTurnOptions = {}): void {
    this.#listeners.clearTurn(participant);
  }

  textReceived(participant: Participant, text: string): void {
    if (this.#isClosed || this.#isDeaf) return;
    // What the agent was saying is to stand before it in the chat.
    const isInterrupting = this.#canReply && this.#output.queue.allowsInterruption;
    promised(() => isInterrupting ? this.#bargeIn() : undefined).then(() => {
      if (this.#isClosed) return;
      const { clock } = this.#context;
      this.#observer.turnEnded(new WrittenTurn(participant, text, clock.now()), "written");
    }).catch((error) => this.#context.report(error, "replying to what a participant wrote"));
  }

  async text(text: string, { participant, signal }: TextOptions = {}): Promise<TextReply> {
    signal?.throwIfAborted();
    this.#transcript.writePrompt(text, participant);
    const append = () => {
      this.#chat.appendUserMessage(text, participant);
      // It stands for what a person says.
      if (!participant) this.#context.toolLedger.personSpoke();
    };
    const reply = this.#generator.generate(participant, {}, append);
    return await this.#textReplies.read(reply, signal);
  }

  async interrupt(): Promise<void> {
    this.#admission.clear();
    this.#interruption.clear();
    await this.#output.queue.interrupt({ all: true });
  }

  async drain(): Promise<void> {
    this.#isDeaf = true;
    // Nothing is said after the last words but what was to be said before.
    this.#scheduler.close();
    while (this.#admission.waiting > 0) await this.#admission.idle;
    await this.#output.queue.drained();
    this.#output.endBackground();
  }

  undecidedSpeechMs(): number {
    const now = this.#context.clock.now();
    const left = this.#listeners.turns.map((turn) => this.#unheardSpeech.remainingMs(turn, now));
    return Math.max(0, ...left);
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      listeners: this.#listeners.size,
      speechesWaiting: this.#output.queue.waiting + this.#admission.waiting,
      messages: this.#chat.messages.length,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#admission.clear();
    this.#interruption.clear();
    this.#scheduler.close();
    this.#failure.close();
    this.#chat.close();
    this.#textReplies.close();
    await Promise.all([this.#listeners.close(), this.#output.close()]);
    await this.#synthesizer.close();
    this.#transcript.close();
  }

  /** A participant interrupts the agent by what they write. */
  async #bargeIn(): Promise<void> {
    this.#interruption.clear();
    await this.#output.queue.interrupt();
  }

  /** Says what must be heard when the participant is quiet who has interrupted what came before it. */
  async #sayLater(speech: SpeechHandle): Promise<void> {
    const { queue } = this.#output;
    const add = () => {
      queue.add(speech);
      return speech;
    };
    try {
      await this.#admission.admit(add, speech.staleAtMs);
    } catch (error) {
      this.#context.report(error, "saying what must be heard");
    }
    if (!speech.isEnded) queue.drop(speech);
  }

  async #tellNews(): Promise<void> {
    const reply = this.#generator.generate(undefined, { more: [TELL_NEWS] });
    const { interrupted } = await this.#speak(reply, {}).done;
    // They left before they heard it.
    if (interrupted && this.#context.countPeople?.() === 0) this.#scheduler.newsCame();
  }

  #speakingOptions(options: SayOptions): SpeakingOptions {
    const { allowInterruptions = true, discardUserTurns = false, staleAfterMs = Infinity } =
      options;
    return {
      allowsInterruption: () => allowInterruptions,
      discardsUserTurns: !allowInterruptions && discardUserTurns,
      staleAtMs: this.#context.clock.now() + staleAfterMs,
    };
  }

  /** Plays a text that is no reply: what was prepared of it, or else the voice speaks it. */
  #play(
    text: string,
    speaking: Partial<SpeakingOptions> = {},
    prepared?: readonly PcmChunk[],
  ): SpeechHandle {
    const message = this.#transcript.openAgentMessage();
    const speech = this.#output.play({
      ...speaking,
      audio: (speech) => {
        // Not before: what is said before it is shown before it.
        message.update({ text });
        if (!prepared) return this.#synthesizer.synthesize(once(text), speech);
        speech.spoken.say(text);
        return (async function* () {
          yield* prepared;
        })();
      },
      message,
      onEnded: ({ text }) => {
        if (/\S/.test(text)) this.#chat.append({ role: "assistant", text });
      },
    });
    void speech.done.then(() => this.#scheduler.speechEnded());
    return speech;
  }

  /** Synthesises and plays a reply, and remembers what was played of it. */
  #speak(
    reply: Reply,
    how: Partial<SpeakingOptions> & { turn?: UserTurn; isSecond?: boolean },
  ): SpeechHandle {
    const { turn, allowsInterruption, isSecond = false, ...options } = how;
    reply.commit();
    const speech = this.#output.play({
      ...options,
      audio: (speech) => this.#synthesizer.synthesize(reply.textStream, speech),
      message: reply.message,
      allowsInterruption: () => !reply.refusesInterruption && (allowsInterruption?.() ?? true),
      isWaiting: () => reply.isWaiting,
      onStopped: () => reply.cancel(),
      onPlaybackStarted: ({ times }) => {
        if (turn) this.#context.emit(replyLatency(turn, times, reply));
      },
      onEnded: (_, speech) => reply.remember(speech.playedFragments),
    });
    const again = () => {
      if (this.#isClosed) return;
      this.#speak(this.#generator.regenerate(reply), { ...how, isSecond: true });
    };
    // Later than its end, so that what comes next finds the queue without it.
    void speech.done.then(() => {
      // After the last words it is not tried again.
      if (!this.#isDeaf) this.#failure.replied(reply, speech, isSecond ? undefined : again);
      this.#scheduler.speechEnded();
    });
    return speech;
  }
}

/** Asks for a reply where no participant has spoken; the history does not keep it. */
const TELL_NEWS = {
  role: "user",
  text: "[Tell people what has become known, if you have not yet.]",
} as const;

/** How something is said that the application or a turn asked for. */
interface SpeakingOptions {
  participant?: Participant;
  allowsInterruption: () => boolean;
  discardsUserTurns: boolean;
  staleAtMs: number;
}

/** Returns what decides whether a turn is replied to: the application's hook, or always. */
function shouldReplyTo(
  options: TurnHandlingOptions,
  { clock, report }: PipelineContext,
): (turn: SaidTurn, reason?: TurnEndReason) => boolean {
  const { onExceeded } = options.userTurnLimit ?? {};
  const exceeded = onExceeded && new UserHook<SaidTurn>((turn) => onExceeded(turn), {
    clock,
    report,
    context: "turnHandling.userTurnLimit.onExceeded",
  });
  const hook = options.shouldReply && new UserHook<SaidTurn>((turn) => options.shouldReply!(turn), {
    clock,
    report,
    context: "turnHandling.shouldReply; the turn gets no reply",
  });
  return ({ participant, text }, reason) => {
    const turn = { participant, text };
    if (reason === "limit" && exceeded) {
      // Later, when the conversation has the turn.
      clock.schedule(() => void exceeded.run(turn), 0);
      return false;
    }
    return hook ? hook.ask(turn, undefined, isBoolean) ?? false : true;
  };
}

/** A turn as the application is asked about it. */
interface SaidTurn {
  readonly participant: Participant;
  readonly text: string;
}

async function* once(text: string): AsyncGenerator<string, void, void> {
  yield text;
}
