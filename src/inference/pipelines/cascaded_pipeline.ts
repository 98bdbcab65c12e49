import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import type { LLM } from "../contracts/llm.ts";
import type { STT } from "../contracts/stt.ts";
import type { Turn } from "../turns/user_turn.ts";
import type { SpeechHandle, SpeechOutcome, TtsUtterance } from "../reply/speech_handle.ts";
import type { TTS } from "../contracts/tts.ts";
import type { TurnDetector } from "../contracts/turn_detector.ts";
import type { VAD } from "../contracts/vad.ts";
import type { GenerateReplyOptions, Pipeline, PipelineContext, SayOptions } from "./pipeline.ts";
import { UserHook, yesOrNo } from "../../events/user_code.ts";
import { SpeechOutput } from "../reply/speech_output.ts";
import { InterruptionHandler, type InterruptionOptions } from "../turns/interruption.ts";
import { TranscriptWriter } from "../reply/transcript_writer.ts";
import { ReplyGenerator, type ShownReply } from "../reply/reply_generator.ts";
import { UnheardSpeechTimeout } from "../turns/unheard_speech_timeout.ts";
import { ChatContext } from "../reply/chat_context.ts";
import { replyLatency } from "../reply/reply_latency.ts";
import { SpeakerListener, type VadOptions } from "../turns/speaker_listener.ts";
import { RowMixer } from "../turns/row_mixer.ts";
import { synthesize } from "../reply/synthesis.ts";
import { SpeechStartedEvent, SpeechStoppedEvent, TurnEndedEvent } from "../contracts/events.ts";

/** How a {@linkcode CascadedPipeline} takes part in a conversation. */
export interface TurnHandlingOptions {
  /** When somebody speaks and when his turn is over. */
  vad?: VadOptions;
  /**
   * Whether everybody in the call is transcribed as one, which costs one recogniser however many
   * there are; the loudest of a turn is taken for its speaker. Default `false`: each has a
   * transcript and turns of his own.
   */
  mixSpeakers?: boolean;
  /** When speech over the agent interrupts it. */
  interruption?: InterruptionOptions;
  /**
   * Whether the model is asked as soon as somebody pauses, before his turn is over for certain; the
   * answer is dropped when he goes on. Faster, and some answers are paid for and never used.
   * Default `false`.
   */
  preemptiveGeneration?: boolean;
  /**
   * Whether a turn is answered: `true` or `false`, at once. What is not answered is remembered all
   * the same, as is a turn for which this throws or says anything else, which is reported.
   * Default: all are.
   */
  shouldReply?: (turn: { readonly participant: Participant; readonly text: string }) => boolean;
  /** How many messages the model is told at most: an integer of at least 1. Default 200. */
  historyLimit?: number;
  /** How long the model may be silent before it is given up; `Infinity` sets no limit. Default 30,000. */
  llmTimeoutMs?: number;
  /**
   * How long the voice may take for its next sound before it is given up; `Infinity` for no limit.
   * What it was saying ends with what was heard. Default 10,000.
   */
  ttsTimeoutMs?: number;
}

/** A turn as `shouldReply` is asked about it. */
interface SaidTurn {
  readonly participant: Participant;
  readonly text: string;
}

/** What a {@linkcode CascadedPipeline} is made of. */
export interface CascadedPipelineInit {
  llm: LLM;
  stt: STT;
  tts: TTS;
  vad: VAD;
  turnDetector: TurnDetector;
}

/**
 * Speech to text, turns, a language model, sentences, text to speech: the flow of agents whose
 * model reads and writes.
 */
export class CascadedPipeline implements Pipeline {
  readonly #parts: CascadedPipelineInit;
  readonly #options: TurnHandlingOptions;
  readonly #context: PipelineContext;
  readonly #log: TranscriptWriter;
  readonly #briefing: ChatContext;
  readonly #answers: ReplyGenerator;
  readonly #voice: SpeechOutput;
  readonly #isAnswered: UserHook<SaidTurn>;
  readonly #bargeIn: InterruptionHandler;
  readonly #mixer: RowMixer | undefined;
  readonly #attention = new UnheardSpeechTimeout();
  readonly #listeners = new Map<string, SpeakerListener>();
  /** Those of people who have left, and whose last words are not known yet. */
  readonly #leaving = new Set<SpeakerListener>();
  /** Turns that are over and wait for those who still speak, to be answered together. */
  #unanswered: Turn | undefined;
  #waiting: Disposable | undefined;
  #closed = false;

  constructor(
    parts: CascadedPipelineInit,
    context: PipelineContext,
    options: TurnHandlingOptions = {},
  ) {
    const { clock, emit, report } = context;
    const { llm } = parts;
    const { historyLimit: limit, llmTimeoutMs: timeoutMs = 30_000 } = options;
    this.#parts = parts;
    this.#options = options;
    this.#context = context;
    this.#log = new TranscriptWriter(context);
    this.#briefing = new ChatContext(context, { llm, limit });
    this.#answers = new ReplyGenerator(context, {
      llm,
      briefing: this.#briefing,
      log: this.#log,
      timeoutMs,
    });
    this.#isAnswered = new UserHook<SaidTurn>((turn) => options.shouldReply!(turn), {
      clock,
      report,
      context: "turnHandling.shouldReply, for which a turn was not answered",
    });
    this.#voice = new SpeechOutput(context);
    this.#bargeIn = new InterruptionHandler({
      ...options.interruption,
      floor: this.#voice.floor,
      clock,
      attention: this.#attention,
      emit,
    });
    if (options.mixSpeakers) {
      this.#mixer = new RowMixer((mixed) => this.#listen("everybody", mixed));
    }
  }

  hear(audio: ParticipantAudio): void | Promise<void> {
    if (this.#closed) return;
    if (this.#mixer) return this.#mixer.push(audio);
    return this.#listen(audio.participant.id, audio);
  }

  #listen(streamId: string, audio: ParticipantAudio): void | Promise<void> {
    const { pcm, participant, row } = audio;
    this.#voice.notePlayed(audio);
    let listener = this.#listeners.get(streamId);
    if (!listener) this.#listeners.set(streamId, listener = this.#newListener(participant));
    return listener.hear(pcm, participant, row);
  }

  muted(participant: Participant): void {
    this.#mixer?.flush();
    this.#listeners.get(participant.id)?.stopped();
  }

  participantLeft(participant: Participant): void {
    this.#mixer?.flush();
    const listener = this.#listeners.get(participant.id);
    if (!listener) return;
    const { report } = this.#context;
    // Should he come back meanwhile he is listened to anew.
    this.#listeners.delete(participant.id);
    this.#leaving.add(listener);
    listener.left()
      .finally(() => {
        this.#leaving.delete(listener);
        this.#reply();
      })
      .catch((error) => report(error, "ending the turn of somebody who left"));
  }

  async say(text: string, options: SayOptions = {}): Promise<SpeechOutcome> {
    if (options.interrupt) await this.interrupt();
    this.#voice.floor.checkRoom();
    const speech = this.#voice.say({
      utterances: (speech) => this.#synthesize(once(text), speech),
      message: this.#log.agentSays(text),
      onOver: ({ text }) => {
        if (/\S/.test(text)) this.#briefing.said({ role: "assistant", text });
      },
    });
    return await speech.done;
  }

  async generateReply(text: string, options: GenerateReplyOptions = {}): Promise<SpeechOutcome> {
    const { participant } = options;
    if (options.interrupt) await this.interrupt();
    this.#voice.floor.checkRoom();
    this.#log.asked(text, participant);
    this.#briefing.heard(text, participant);
    return await this.#speak(this.#answers.ask(participant), participant).done;
  }

  async interrupt(): Promise<void> {
    this.#bargeIn.clear();
    await this.#voice.floor.interrupt();
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      listeners: this.#listeners.size,
      speechesWaiting: this.#voice.floor.waiting,
      messages: this.#briefing.messages.length,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#bargeIn.clear();
    this.#answers.drop();
    this.#waiting?.[Symbol.dispose]();
    for (const listener of [...this.#listeners.values(), ...this.#leaving]) listener.close();
    this.#listeners.clear();
    this.#leaving.clear();
    await this.#voice.floor.close();
    this.#log.close();
  }

  #newListener(participant: Participant): SpeakerListener {
    const { clock, sampleRate, report, emit } = this.#context;
    const { vad, stt, turnDetector } = this.#parts;
    return new SpeakerListener({
      participant,
      sampleRate,
      vad,
      stt,
      turnDetector,
      vadOptions: this.#options.vad ?? {},
      clock,
      echoGuard: this.#voice.echoGuard(),
      messages: () => this.#briefing.messages,
      report,
      onSpeech: (turn) => {
        this.#answers.drop(turn);
        this.#bargeIn.speech(turn);
        emit(new SpeechStartedEvent({ participant: turn.participant, atMs: turn.resumedMs }));
      },
      onText: (turn) => {
        this.#attention.understood(turn);
        this.#showTurn(turn, false);
        this.#bargeIn.text(turn);
      },
      onPause: (turn) => {
        this.#bargeIn.pause(turn);
        emit(new SpeechStoppedEvent({ participant: turn.participant, atMs: turn.endOfSpeechMs }));
      },
      onUnderstood: (turn) => {
        this.#bargeIn.understood(turn);
        if (this.#options.preemptiveGeneration) this.#askEarly(turn);
      },
      onEnd: (turn, reason) => {
        this.#turnEnded(turn, reason)
          .catch((error) => report(error, "answering what somebody said"));
      },
    });
  }

  async #turnEnded(turn: Turn, reason: "silence" | "left"): Promise<void> {
    const { emit } = this.#context;
    const { participant, text } = turn;
    this.#showTurn(turn, true);
    const isSign = this.#bargeIn.ended(turn);
    if (text !== "") emit(new TurnEndedEvent({ participant, text, reason }));
    // What the agent was cut off in is to stand before what cut it off.
    if (this.#bargeIn.settled) await this.#bargeIn.settled;
    if (this.#closed) return;
    if (text !== "" && !isSign) {
      this.#briefing.heard(text, participant);
      if (this.#isForAgent(turn)) this.#unanswered = turn;
    }
    if (this.#unanswered !== turn) this.#answers.drop(turn);
    this.#reply();
  }

  /** Answers what was said, or does so when nobody speaks any more. */
  #reply(): void {
    const turn = this.#unanswered;
    this.#waiting?.[Symbol.dispose]();
    if (!turn || this.#closed) return;
    const waitMs = this.#othersMs(turn);
    if (waitMs > 0) {
      this.#waiting = this.#context.clock.schedule(() => this.#reply(), waitMs);
      return;
    }
    this.#unanswered = undefined;
    if (this.#context.people?.() === 0) return this.#answers.drop();
    try {
      this.#voice.floor.checkRoom();
    } catch (error) {
      this.#answers.drop();
      return this.#context.report(error, "answering what somebody said");
    }
    this.#speak(this.#answers.to(turn), turn.participant, turn);
  }

  #askEarly(turn: Turn): void {
    const { pauses } = turn;
    // What the agent was cut off in is to be known to the model.
    const isCurrent = () => !this.#closed && turn.pauses === pauses && turn.endedMs === 0;
    const { settled } = this.#bargeIn;
    if (settled) {
      settled.then(() => isCurrent() && this.#askEarly(turn));
      return;
    }
    if (this.#bargeIn.isSuspected || this.#unanswered || this.#othersMs(turn) > 0) return;
    if (this.#isForAgent(turn)) this.#answers.askEarly(turn);
  }

  /** How long others who speak are waited for at most, as far as is known now. */
  #othersMs(turn: Turn): number {
    const now = this.#context.clock.now();
    let mostMs = 0;
    for (const { turn: other } of [...this.#listeners.values(), ...this.#leaving]) {
      if (other && other !== turn) mostMs = Math.max(mostMs, this.#attention.leftMs(other, now));
    }
    return mostMs;
  }

  #isForAgent({ participant, text }: Turn): boolean {
    if (!this.#options.shouldReply) return true;
    return this.#isAnswered.ask({ participant, text }, undefined, yesOrNo) ?? false;
  }

  #speak(
    { answer, message }: ShownReply,
    participant: Participant | undefined,
    turn?: Turn,
  ): SpeechHandle {
    answer.want();
    return this.#voice.say({
      utterances: (speech) => this.#synthesize(answer.text, speech),
      participant,
      message,
      onCut: () => answer.drop(),
      onHeard: (speech) => turn && this.#context.emit(replyLatency(turn, answer, speech)),
      onOver: (_, speech) => this.#briefing.said(...answer.messages(speech.pieces)),
    });
  }

  #synthesize(text: AsyncIterable<string>, speech: SpeechHandle): AsyncIterable<TtsUtterance> {
    const { clock, report } = this.#context;
    const { ttsTimeoutMs: timeoutMs = 10_000 } = this.#options;
    return synthesize(text, { tts: this.#parts.tts, clock, speech, timeoutMs, report });
  }

  #showTurn(turn: Turn, final: boolean): void {
    const { participant, text } = turn;
    this.#log.participantSays(turn, { participant, text, final });
  }
}

async function* once(text: string): AsyncGenerator<string, void, void> {
  yield text;
}
