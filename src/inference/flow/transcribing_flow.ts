import type { Participant } from "../../edge/types.ts";
import type { LLM } from "../llm.ts";
import type { ChatMessage, EncodedImage } from "../messages.ts";
import type { STT } from "../stt.ts";
import type { SpeechOutcome } from "../speaking/speech.ts";
import type { TTS } from "../tts.ts";
import type { TurnDetector } from "../turn_detector.ts";
import type { VAD } from "../vad.ts";
import type { Flow, FlowContext, HeardSpeech, RespondOptions, SayOptions } from "./flow.ts";
import { BargeIn, type BargeInOptions } from "./barge_in.ts";
import { ConversationLog, type LoggedMessage } from "./conversation_log.ts";
import { EchoGuard, OwnVoice } from "../hearing/echo_guard.ts";
import { type HearingOptions, Listener } from "../hearing/listener.ts";
import type { Turn } from "../hearing/turn.ts";
import { RowMixer } from "../hearing/row_mixer.ts";
import { Answer } from "../speaking/answer.ts";
import { ChatHistory } from "../speaking/chat_history.ts";
import { Floor } from "../speaking/floor.ts";
import { Speech, type Utterance } from "../speaking/speech.ts";
import { voiced } from "../speaking/voiced.ts";
import {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  TranscriptEvent,
  TurnEndedEvent,
} from "../events.ts";
import { voiceToVoice } from "./voice_to_voice.ts";

/** How a {@linkcode TranscribingFlow} takes part in a conversation. */
export interface TranscribingOptions {
  /** When somebody speaks and when his turn is over. */
  hearing?: HearingOptions;
  /**
   * Whether everybody in the call is transcribed as one, which costs one recogniser however many
   * there are; the loudest of a turn is taken for its speaker. Default `false`: each has a
   * transcript and turns of his own.
   */
  mixed?: boolean;
  /** When speech over the agent interrupts it. */
  bargeIn?: BargeInOptions;
  /**
   * Whether the model is asked as soon as somebody pauses, before his turn is over for certain; the
   * answer is dropped when he goes on. Faster, and some answers are paid for and never used.
   * Default `false`.
   */
  eagerTurns?: boolean;
  /**
   * Whether a turn is answered. What is not answered is remembered all the same. Default: all are.
   */
  answers?: (turn: { readonly participant: Participant; readonly text: string }) => boolean;
  /** How many messages the model is told at most. Default 200. */
  historyLimit?: number;
  /** How long the model may be silent before it is given up. Default 30,000. */
  llmTimeoutMs?: number;
}

/** What a {@linkcode TranscribingFlow} is made of. */
export interface TranscribingParts {
  llm: LLM;
  stt: STT;
  tts: TTS;
  vad: VAD;
  turnDetector: TurnDetector;
}

/** A turn, what is made of it, and where it is shown. */
interface EagerAnswer {
  readonly turn: Turn;
  readonly text: string;
  /** How many messages it knew. */
  readonly messages: number;
  readonly answer: Answer;
}

/**
 * Speech to text, turns, a language model, sentences, text to speech: the flow of agents whose
 * model reads and writes.
 */
export class TranscribingFlow implements Flow {
  readonly #parts: TranscribingParts;
  readonly #options: TranscribingOptions;
  readonly #context: FlowContext;
  readonly #history: ChatHistory;
  readonly #log: ConversationLog;
  readonly #own = new OwnVoice();
  readonly #floor: Floor;
  readonly #bargeIn: BargeIn;
  readonly #mixer: RowMixer | undefined;
  readonly #listeners = new Map<string, Listener>();
  readonly #turnLogs = new WeakMap<Turn, LoggedMessage>();
  readonly #answerLogs = new WeakMap<Answer, LoggedMessage>();
  readonly #speakers = new Set<string>();
  /** Turns that are over and wait for those who still speak, to be answered together. */
  #unanswered: Turn | undefined;
  #eager: EagerAnswer | undefined;
  #closed = false;

  constructor(parts: TranscribingParts, context: FlowContext, options: TranscribingOptions = {}) {
    const { clock, track, emit, report } = context;
    this.#parts = parts;
    this.#options = options;
    this.#context = context;
    this.#history = new ChatHistory({ limit: options.historyLimit });
    this.#log = new ConversationLog(context.conversation, report);
    this.#floor = new Floor({ track, clock, ownVoice: this.#own, report });
    this.#bargeIn = new BargeIn({ ...options.bargeIn, floor: this.#floor, clock, emit });
    if (options.mixed) {
      this.#mixer = new RowMixer((mixed) => this.#listen("everybody", mixed));
    }
    // What was said before the agent came, or before it came back, is where it goes on.
    for (const { role, text, userId } of context.conversation.messages) {
      if (!/\S/.test(text)) continue;
      this.#history.append(role === "user" ? { role, text, name: userId } : { role, text });
    }
  }

  /** What the model is told of the conversation. */
  get messages(): readonly ChatMessage[] {
    return this.#history.messages;
  }

  hear(audio: HeardSpeech): void | Promise<void> {
    if (this.#closed) return;
    if (this.#mixer) return this.#mixer.push(audio);
    return this.#listen(audio.participant.id, audio);
  }

  #listen(streamId: string, { pcm, participant, row }: HeardSpeech): void | Promise<void> {
    const { clock, track } = this.#context;
    this.#own.update(clock.now(), track.playedMs, this.#floor.isPlaying);
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
    listener.left()
      .finally(() => {
        this.#listeners.delete(participant.id);
        this.#reply();
      })
      .catch((error) => report(error, "ending the turn of somebody who left"));
  }

  async say(text: string, options: SayOptions = {}): Promise<SpeechOutcome> {
    const { agentUser } = this.#context;
    if (options.interrupt) await this.interrupt();
    const message = this.#log.append({
      role: "assistant",
      userId: agentUser.id,
      text,
      complete: false,
    });
    const speech = new Speech({
      utterances: (speech) => this.#voiced(once(text), speech),
      onHeard: (one) => this.#emitHeard(one),
      onOver: (outcome) => {
        if (/\S/.test(outcome.text)) {
          this.#history.append({ role: "assistant", text: outcome.text });
        }
        this.#over(speech, message, outcome);
      },
    });
    this.#floor.add(speech);
    return await speech.done;
  }

  async respond(text: string, options: RespondOptions = {}): Promise<SpeechOutcome> {
    const { participant } = options;
    if (options.interrupt) await this.interrupt();
    this.#log.append({
      role: participant ? "user" : "system",
      userId: participant?.userId ?? this.#context.agentUser.id,
      text,
    });
    this.#remember(text, participant);
    const speech = this.#speechOf(this.#ask(participant, this.#history.messages), participant);
    this.#floor.add(speech);
    return await speech.done;
  }

  async interrupt(): Promise<void> {
    this.#bargeIn.clear();
    await this.#floor.interrupt();
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      listeners: this.#listeners.size,
      speechesWaiting: this.#floor.waiting,
      messages: this.#history.messages.length,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#bargeIn.clear();
    this.#dropEager();
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
    await this.#floor.close();
  }

  #newListener(participant: Participant): Listener {
    const { clock, sampleRate, report, emit } = this.#context;
    const { vad, stt, turnDetector } = this.#parts;
    return new Listener({
      participant,
      sampleRate,
      vad,
      stt,
      turnDetector,
      hearing: this.#options.hearing ?? {},
      clock,
      echoGuard: new EchoGuard(this.#own),
      messages: () => this.#history.messages,
      report,
      onSpeech: (turn) => {
        if (this.#eager?.turn === turn) this.#dropEager();
        this.#bargeIn.speech(turn);
        if (turn.pauses > 1) return;
        emit(new SpeechStartedEvent({ participant: turn.participant, atMs: turn.firstSoundMs }));
      },
      onText: (turn) => {
        this.#showTurn(turn, false);
        this.#bargeIn.text(turn);
      },
      onPause: (turn) => {
        this.#bargeIn.pause(turn);
        emit(new SpeechStoppedEvent({ participant: turn.participant, atMs: turn.endOfSpeechMs }));
      },
      onUnderstood: (turn) => {
        this.#bargeIn.understood(turn);
        if (this.#options.eagerTurns) this.#askEarly(turn);
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
      this.#remember(text, participant);
      if (this.#options.answers?.({ participant, text }) ?? true) this.#unanswered = turn;
    }
    if (this.#unanswered !== turn) this.#dropEagerOf(turn);
    this.#reply();
  }

  /** Answers what was said, unless somebody is speaking still. */
  #reply(): void {
    const turn = this.#unanswered;
    if (!turn || this.#closed) return;
    for (const listener of this.#listeners.values()) if (listener.turn) return;
    this.#unanswered = undefined;
    if (this.#context.isAnybodyHere?.() === false) return this.#dropEager();
    const eager = this.#eager;
    const isTrue = eager?.turn === turn && eager.text === turn.text &&
      eager.messages === this.#history.messages.length - 1;
    if (!isTrue) this.#dropEager();
    this.#eager = undefined;
    const answer = isTrue ? eager!.answer : this.#ask(turn.participant, this.#history.messages);
    this.#floor.add(this.#speechOf(answer, turn.participant, turn));
  }

  #askEarly(turn: Turn): void {
    if (this.#bargeIn.isSuspected || this.#unanswered) return;
    for (const listener of this.#listeners.values()) {
      if (listener.turn && listener.turn !== turn) return;
    }
    const { participant, text } = turn;
    if (!(this.#options.answers?.({ participant, text }) ?? true)) return;
    this.#dropEager();
    const known = this.#history.messages;
    const messages = [...known, this.#userMessage(text, participant)];
    this.#eager = { turn, text, messages: known.length, answer: this.#ask(participant, messages) };
  }

  #dropEager(): void {
    this.#eager?.answer.drop();
    this.#eager = undefined;
  }

  #dropEagerOf(turn: Turn): void {
    if (this.#eager?.turn === turn) this.#dropEager();
  }

  #ask(participant: Participant | undefined, messages: readonly ChatMessage[]): Answer {
    const { clock, toolbox, agentUser } = this.#context;
    let message: LoggedMessage | undefined;
    const answer = new Answer({
      llm: this.#parts.llm,
      toolbox,
      messages: this.#request(messages),
      participant,
      clock,
      timeoutMs: this.#options.llmTimeoutMs ?? 30_000,
      onText: (text) => {
        if (message) return message.update({ text });
        const { id } = agentUser;
        message = this.#log.append({ role: "assistant", userId: id, text, complete: false });
        this.#answerLogs.set(answer, message);
      },
    });
    return answer;
  }

  /** What the model is told: who it is, what was said and by whom, and what is to be seen. */
  #request(messages: readonly ChatMessage[]): readonly ChatMessage[] | Promise<ChatMessage[]> {
    const { instructions, latestImage, report } = this.#context;
    const isGroup = this.#speakers.size > 1;
    const all: ChatMessage[] = instructions === "" ? [] : [{ role: "system", text: instructions }];
    for (const message of messages) {
      const isNamed = isGroup && message.role === "user" && message.name;
      all.push(isNamed ? { ...message, text: `${message.name}: ${message.text}` } : message);
    }
    if (!this.#parts.llm.acceptsImages || !latestImage) return all;
    const last = all.findLastIndex((one) => one.role === "user");
    return latestImage().then((image) => {
      if (image && last >= 0) addImage(all, last, image);
      return all;
    }, (error) => {
      report(error, "showing the model what is to be seen");
      return all;
    });
  }

  #speechOf(answer: Answer, participant: Participant | undefined, turn?: Turn): Speech {
    const { emit } = this.#context;
    const speech: Speech = new Speech({
      utterances: (speech) => this.#voiced(answer.text, speech),
      participant,
      onCut: () => answer.drop(),
      onHeard: () => {
        this.#emitHeard(speech);
        if (turn) emit(voiceToVoice(turn, answer, speech));
      },
      onOver: (outcome) => {
        this.#history.append(...answer.messages(outcome.text));
        this.#over(speech, this.#answerLogs.get(answer), outcome);
      },
    });
    answer.want();
    return speech;
  }

  #voiced(text: AsyncIterable<string>, speech: Speech): AsyncIterable<Utterance> {
    return voiced(text, { tts: this.#parts.tts, clock: this.#context.clock, speech });
  }

  #emitHeard(speech: Speech): void {
    const { id: speechId, participant } = speech;
    this.#context.emit(new AgentSpeechStartedEvent({ speechId, participant }));
  }

  #over(speech: Speech, message: LoggedMessage | undefined, outcome: SpeechOutcome): void {
    const { text, interrupted } = outcome;
    message?.update({ complete: true, interrupted, ...(interrupted ? { text } : {}) });
    if (speech.times.heard === 0) return;
    this.#context.emit(new AgentSpeechEndedEvent({ speechId: speech.id, text, interrupted }));
  }

  #remember(text: string, participant: Participant | undefined): void {
    if (participant) this.#speakers.add(participant.userId);
    this.#history.append(this.#userMessage(text, participant));
  }

  #userMessage(text: string, participant: Participant | undefined): ChatMessage {
    const name = participant && (participant.name || participant.userId);
    return name ? { role: "user", text, name } : { role: "user", text };
  }

  /** Shows what is understood so far, in the conversation and as an event. */
  #showTurn(turn: Turn, final: boolean): void {
    const { participant, text } = turn;
    if (text === "") return;
    const message = this.#turnLogs.get(turn);
    if (message) message.update({ text, complete: final });
    else {
      const { userId } = participant;
      const init = { role: "user", userId, text, complete: final } as const;
      this.#turnLogs.set(turn, this.#log.append(init));
    }
    this.#context.emit(new TranscriptEvent({ participant, text, final }));
  }
}

async function* once(text: string): AsyncGenerator<string, void, void> {
  yield text;
}

function addImage(messages: ChatMessage[], index: number, image: EncodedImage): void {
  const message = messages[index]!;
  if (message.role === "user") messages[index] = { ...message, images: [image] };
}
