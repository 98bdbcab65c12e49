/** Wires recogniser, language model and voice together. @module */
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Participant } from "../../edge/types.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { Reply } from "../reply/reply.ts";
import type { SpeechHandle, SpeechOutcome } from "../speech/speech_handle.ts";
import type {
  GenerateReplyOptions,
  Pipeline,
  SayOptions,
  TextOptions,
  UserTurnOptions,
} from "./pipeline.ts";
import { promised } from "../../events/user_code.ts";
import { noLLM } from "./missing_components.ts";
import { ChatContext } from "../history/chat_context.ts";
import type { ChatHistory } from "../history/chat_history.ts";
import { TranscriptWriter } from "../history/transcript_writer.ts";
import { type GenerateOptions, ReplyGenerator } from "../reply/reply_generator.ts";
import { TextReplies, type TextReply } from "../reply/text_replies.ts";
import { TurnCompletion } from "../reply/turn_completion.ts";
import { ReplyScheduler } from "../reply/reply_scheduler.ts";
import { SpeechAdmission } from "../speech/speech_admission.ts";
import { SpeechOutput } from "../speech/speech_output.ts";
import { InterruptionHandler } from "../turns/interruption_handler.ts";
import { SpeakerListeners } from "../turns/speaker_listeners.ts";
import { TurnEvents } from "../turns/turn_events.ts";
import { UnheardSpeechTimeout } from "../turns/unheard_speech_timeout.ts";
import { WrittenTurn } from "../turns/written_turn.ts";
import { shouldReplyTo } from "../reply/should_reply.ts";
import type { ToolRun } from "../reply/tool_run.ts";
import { observeInOrder, type UserTurnObserver } from "../turns/user_turn_observer.ts";
import type { HandoffHistory, Take } from "./pipeline.ts";
import {
  type CascadedComponents,
  chatOptions,
  differ,
  listeningComponents,
  modelOf,
  voiceOf,
} from "./cascaded_components.ts";
import { type SpeakingOptions, SpokenReplies } from "./spoken_replies.ts";
import { handedOverMessages } from "./handed_over_messages.ts";
import { FailureResponse } from "./failure_response.ts";

/**
 * The pipeline of agents whose language model reads and writes text:
 * audio in -> turns (VAD, speech to text, endpointing, interruption) -> reply (language model, tools)
 * -> synthesis (text to speech) -> playback on the agent's track.
 */
export class CascadedPipeline implements Pipeline<CascadedComponents> {
  readonly #context: PipelineContext;
  readonly #transcript: TranscriptWriter;
  readonly #chat: ChatContext;
  readonly #listeners: SpeakerListeners;
  readonly #interruption: InterruptionHandler;
  readonly #scheduler: ReplyScheduler;
  readonly #generator: ReplyGenerator;
  readonly #completion: TurnCompletion;
  readonly #output: SpeechOutput;
  readonly #spoken: SpokenReplies;
  readonly #failure: FailureResponse;
  readonly #observer: Required<UserTurnObserver>;
  readonly #textReplies: TextReplies;
  readonly #admission: SpeechAdmission;
  readonly #unheardSpeech = new UnheardSpeechTimeout();
  /** Settle when what was replaced is not used any more. */
  readonly #retiring = new Set<Promise<unknown>>();
  #components: CascadedComponents;
  #shouldReply: ReturnType<typeof shouldReplyTo>;
  #isClosed = false;
  /** Whether what people say does not matter any more: the agent says its last words. */
  #isDeaf = false;

  constructor(components: CascadedComponents, context: PipelineContext) {
    this.#context = context;
    this.#components = components;
    this.#shouldReply = shouldReplyTo(components.turnHandling ?? {}, context);
    // What was said: for people, and for the model.
    const transcript = this.#transcript = new TranscriptWriter(context);
    const chat = this.#chat = new ChatContext(context, {
      ...chatOptions(components),
      onNews: () => this.#scheduler.newsCame(),
    });

    // Reply -> synthesis -> playback.
    const generator = this.#generator = new ReplyGenerator(context, {
      ...modelOf(components),
      chat,
      transcript,
      voice: () => this.#spoken.voice,
      onAsked: (history) => {
        // News of the next agent's are not in its request.
        if (history === chat.history) this.#scheduler.newsTold();
      },
      onHandedOver: (runs) => {
        // They may have begun after the handoff.
        chat.history.follow(runs);
        this.#replyAfter(runs);
      },
    });
    const output = this.#output = new SpeechOutput(context, {
      onKept: (speech) => void this.#sayLater(speech),
    });
    const failure = this.#failure = new FailureResponse(context, {
      ...components.onFailure,
      tts: components.tts,
      play: (text, prepared, track) => void this.#spoken.play(text, { track }, prepared),
    });
    this.#spoken = new SpokenReplies(context, {
      voice: voiceOf(components),
      chat,
      transcript,
      generator,
      output,
      failure,
      onEnded: () => this.#scheduler.speechEnded(),
      onUntold: (runs) => this.#replyToEnded(runs),
      onInterrupted: (runs) => this.#replyAfter(runs),
    });

    const current = () => this.#components;

    // Turns -> reply.
    const unheardSpeech = this.#unheardSpeech;
    const interruption = this.#interruption = new InterruptionHandler(
      {
        ...context,
        playback: output.queue,
        unheardSpeech,
        get byDuration() {
          return current().turnOwner !== "stt";
        },
      },
      components.turnHandling?.interruption,
    );
    const completion = this.#completion = new TurnCompletion(
      (turn) => this.#components.turnHandling?.onUserTurnCompleted?.(turn),
      context,
    );
    const canReply = () => this.#canReply;
    const scheduler = this.#scheduler = new ReplyScheduler(context, {
      chat,
      generator,
      interruption,
      unheardSpeech,
      turnsInProgress: () => this.#listeners.turns,
      get preemptive() {
        return canReply() && (current().turnHandling?.preemptiveGeneration ?? false);
      },
      shouldReply: (turn, reason) => this.#canReply && this.#shouldReply(turn, reason),
      get completion() {
        return current().turnHandling?.onUserTurnCompleted && completion;
      },
      isSpeaking: () => output.queue.isBusy,
      allowsInterruption: (participant) => output.queue.allowsInterruptionBy(participant),
      checkCapacity: () => output.queue.checkCapacity(this.#admission.waiting),
      discards: ({ endOfSpeechMs, participant }) =>
        output.queue.discards(endOfSpeechMs, participant),
      onReply: (reply, turn) => this.#spoken.start(reply, { participant: turn.participant, turn }),
      onNews: () => {
        this.#replyWithNews().catch((error) =>
          context.report(error, "telling what has become known")
        );
      },
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
        if (what === `${this.#components.stt.name}, transcribing`) failure.recogniserFailed(error);
      },
      ...listeningComponents(components),
      mixSpeakers: components.turnHandling?.mixSpeakers ?? false,
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
    // First: what waits until they are quiet is not said when they are gone.
    this.#admission.leave(participant);
    this.#output.queue.leave(participant);
    this.#listeners.participantLeft(participant);
  }

  async say(text: string, options: SayOptions = {}): Promise<SpeechOutcome> {
    if (options.interrupt) await this.interrupt();
    const speaking = this.#speakingOptions(options);
    return await this.#admission.admit(async () => {
      if (!this.#isHere(options.track)) return UNHEARD;
      const speech = this.#spoken.play(text, speaking);
      const outcome = await speech.done;
      this.#failure.said(speech);
      return outcome;
    }, { staleAtMs: speaking.staleAtMs, to: options.track?.to });
  }

  async generateReply(text: string, options: GenerateReplyOptions = {}): Promise<SpeechOutcome> {
    const { participant, track } = options;
    const to = track?.to;
    if (options.interrupt) await this.interrupt();
    const speaking = this.#speakingOptions(options);
    return await this.#admission.admit(async () => {
      if (!this.#isHere(track)) return UNHEARD;
      this.#transcript.writePrompt(text, participant, to);
      const onTurn = (history: ChatHistory) =>
        this.#chat.appendUserMessage(text, participant, history);
      const reply = this.#generator.generate(participant, {}, { onTurn, track });
      const { outcome, failure } = await this.#spoken.say(reply, { ...speaking, participant });
      // What was heard of it is the outcome instead.
      if (failure && outcome.text === "") throw failure.error;
      return outcome;
    }, { staleAtMs: speaking.staleAtMs, to });
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
    const isInterrupting = this.#canReply && this.#output.queue.canBeInterruptedBy(participant);
    promised(() => isInterrupting ? this.#bargeIn(participant) : undefined).then(() => {
      if (this.#isClosed) return;
      const { clock } = this.#context;
      this.#observer.turnEnded(new WrittenTurn(participant, text, clock.now()), "written");
    }).catch((error) => this.#context.report(error, "replying to what a participant wrote"));
  }

  async text(text: string, { participant, signal }: TextOptions = {}): Promise<TextReply> {
    signal?.throwIfAborted();
    this.#transcript.writePrompt(text, participant);
    const onTurn = (history: ChatHistory) => {
      // It stands for what a person says.
      if (!participant) this.#context.toolLedger.personSpoke();
      return this.#chat.appendUserMessage(text, participant, history);
    };
    const reply = this.#generator.generate(participant, {}, { onTurn, isInText: true });
    const next = () => this.#generateAsNext(participant, { isInText: true });
    return await this.#textReplies.read(reply, next, signal);
  }

  async interrupt(): Promise<void> {
    this.#admission.clear();
    this.#interruption.clear();
    await this.#output.queue.interrupt({ all: true });
  }

  async drain(): Promise<void> {
    this.#isDeaf = true;
    this.#spoken.areLast = true;
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
      ...this.#context.usage,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#spoken.areLast = true;
    this.#admission.clear();
    this.#interruption.clear();
    this.#scheduler.close();
    this.#completion.close();
    this.#failure.close();
    this.#chat.close();
    this.#textReplies.close();
    await Promise.all([this.#listeners.close(), this.#output.close()]);
    await Promise.all([this.#spoken.close(), ...this.#retiring]);
    this.#transcript.close();
  }

  /** A participant interrupts the agent by what they write. */
  async #bargeIn(participant: Participant): Promise<void> {
    this.#interruption.clear();
    await this.#output.queue.interrupt({ by: participant });
  }

  /** Says what must be heard when the participant is quiet who has interrupted what came before it. */
  async #sayLater(speech: SpeechHandle): Promise<void> {
    const { queue } = this.#output;
    const add = () => {
      queue.add(speech);
      return speech.done;
    };
    try {
      const { staleAtMs, track } = speech;
      await this.#admission.admit(add, { staleAtMs, to: track?.to });
    } catch (error) {
      this.#context.report(error, "saying what must be heard");
    }
    if (!speech.isEnded) queue.drop(speech);
  }

  async #replyWithNews(): Promise<void> {
    const reply = this.#generator.generate(undefined, { more: [TELL_NEWS] });
    const { outcome } = await this.#spoken.say(reply, { isNews: true });
    // They left before they heard it.
    if (outcome.interrupted && this.#context.countPeople?.() === 0) this.#scheduler.newsCame();
  }

  async prepare(components: CascadedComponents, history?: HandoffHistory): Promise<Take> {
    const handedOver = history && await handedOverMessages(history, this.#chat, this.#context);
    return ({ isHandoff }) => {
      const waiting = isHandoff ? this.#generator.handOver() : [];
      if (handedOver) {
        const messages = new Set([...handedOver(), ...waiting, ...this.#scheduler.prompts]);
        this.#chat.beginAnew([...messages]);
      }
      const retired = this.#use(components);
      this.#retiring.add(retired);
      return retired.finally(() => this.#retiring.delete(retired));
    };
  }

  replyAsNext({ participant, track }: ToolRun): void {
    if (!this.#isHere(track)) return;
    this.#spoken.start(this.#generateAsNext(participant, { track }), { participant, track });
  }

  #generateAsNext(participant: Participant | undefined, options: GenerateOptions): Reply {
    return this.#generator.generate(participant, { opening: TAKE_OVER }, options);
  }

  /** Uses other components; resolves when those before are not used any more. */
  async #use(components: CascadedComponents): Promise<void> {
    const before = this.#components;
    const context = this.#context;
    const options = components.turnHandling ?? {};
    this.#components = components;
    this.#shouldReply = shouldReplyTo(options, context);
    this.#interruption.configure(options.interruption);
    this.#chat.configure(chatOptions(components));
    const retiring = [this.#generator.use(modelOf(components))];
    if (differ(voiceOf(before), voiceOf(components))) {
      retiring.push(this.#spoken.use(voiceOf(components)));
    }
    if (before.tts !== components.tts || before.onFailure !== components.onFailure) {
      this.#failure.configure({ ...components.onFailure, tts: components.tts });
    }
    if (differ(listeningComponents(before), listeningComponents(components))) {
      retiring.push(this.#listeners.use(listeningComponents(components)));
    }
    await Promise.all(retiring);
  }

  get #canReply(): boolean {
    return this.#components.llm !== noLLM;
  }

  /**
   * People are told of the results of these calls at a quiet moment, unless the model knows them by then,
   * or one participant alone was to hear of them.
   */
  #replyAfter(runs: readonly ToolRun[]): void {
    const { history } = this.#chat;
    for (const run of runs) {
      if (run.to) continue;
      void run.ended.then(() => {
        if (history.isUntold(run) && history === this.#chat.history) this.#scheduler.newsCame();
      });
    }
  }

  /** What these calls do is told by a reply of its own: the one that was to tell it could not be said. */
  #replyToEnded(runs: readonly ToolRun[]): void {
    const isOver = runs.length > 0 && runs.every(({ result, to }) => result && !to);
    if (isOver) this.#scheduler.newsCame();
    else this.#replyAfter(runs);
  }

  /** Whether the only participant who hears this track has not left. */
  #isHere(track: OutboundAudioTrack | undefined): boolean {
    return !track?.to || (this.#context.isHere?.(track.to) ?? true);
  }

  #speakingOptions(options: SayOptions): SpeakingOptions {
    const { allowInterruptions = true, discardUserTurns = false, staleAfterMs = Infinity, track } =
      options;
    return {
      track,
      allowsInterruption: () => allowInterruptions,
      discardsUserTurns: !allowInterruptions && discardUserTurns,
      staleAtMs: this.#context.clock.now() + staleAfterMs,
    };
  }
}

/** What becomes of what no participant is there to hear. */
const UNHEARD: SpeechOutcome = { text: "", interrupted: true };

/** Asks for a reply where no participant has spoken; the history does not keep it. */
const TELL_NEWS = {
  role: "user",
  text: "[Tell people what has become known, if you have not yet.]",
} as const;

/** Asks an agent to begin that knows of nothing which it is to reply to. */
const TAKE_OVER = {
  role: "user",
  text: "[The person was put through to you.]",
} as const;
