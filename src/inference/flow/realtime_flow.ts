import type { Participant } from "../../edge/types.ts";
import type { Logger } from "../../events/logger.ts";
import type { RealtimeEvent, RealtimeLLM, RealtimeSession } from "../realtime_llm.ts";
import type { SpeechOutcome } from "../speaking/speech.ts";
import type { VadStream } from "../vad.ts";
import type { Flow, FlowContext, HeardSpeech, RespondOptions, SayOptions } from "./flow.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Resampler } from "../../audio/resampler.ts";
import { typescriptKernel } from "../../audio/typescript_kernel.ts";
import { sleep } from "../../events/waiting.ts";
import {
  AgentSpeechEndedEvent,
  AgentSpeechStartedEvent,
  BargeInEvent,
  SpeechStartedEvent,
  SpeechStoppedEvent,
  TranscriptEvent,
  TurnEndedEvent,
} from "../events.ts";
import { EchoGuard, OwnVoice } from "../hearing/echo_guard.ts";
import { energyVad } from "../hearing/energy_vad.ts";
import { RowMixer } from "../hearing/row_mixer.ts";
import { ChatHistory } from "../speaking/chat_history.ts";
import { Floor } from "../speaking/floor.ts";
import { Speech } from "../speaking/speech.ts";
import { ConversationLog, type LoggedMessage } from "./conversation_log.ts";
import { RealtimeAnswer } from "./realtime_answer.ts";

/** How long is waited before a lost session is begun again: longer each time, and then for good. */
const RETRY_MS = [250, 1000, 3000, 10_000];
/** A session that lasted so long was a good one: the next loss begins at the shortest wait. */
const GOOD_SESSION_MS = 30_000;

/** So many answers that are over are remembered. */
const MAX_OVER = 64;

/** Somebody waits for the next answer to be over. */
type Expectation = PromiseWithResolvers<SpeechOutcome>;

/** An answer that is being said, and where it is shown. */
interface CurrentAnswer {
  readonly answer: RealtimeAnswer;
  readonly message: LoggedMessage;
}

/**
 * A realtime model hears and speaks by itself; this hands it what is said in the call, and plays,
 * shows, cuts and remembers what it answers. A session that is lost is begun again, with what was
 * said before.
 */
export class RealtimeFlow implements Flow {
  readonly #llm: RealtimeLLM;
  readonly #context: FlowContext;
  readonly #logger: Logger;
  readonly #log: ConversationLog;
  readonly #history: ChatHistory;
  readonly #own = new OwnVoice();
  readonly #floor: Floor;
  readonly #guard = new EchoGuard(this.#own);
  readonly #vad: VadStream;
  readonly #mixer: RowMixer;
  readonly #resampler: Resampler;
  readonly #heardLogs = new Map<string, LoggedMessage>();
  readonly #answers = new Map<string, CurrentAnswer>();
  /** Answers that are over: what still comes of them is not wanted. */
  readonly #over: string[] = [];
  readonly #expected: Expectation[] = [];
  readonly #closing = new AbortController();
  #converted = new Int16Array(0);
  #session: RealtimeSession | undefined;
  #speaker: Participant | undefined;
  #running: Promise<void> | undefined;
  #heldBackMs = 0;

  constructor(llm: RealtimeLLM, context: FlowContext, options: { logger: Logger }) {
    const { clock, track, report, sampleRate } = context;
    this.#llm = llm;
    this.#context = context;
    this.#logger = options.logger;
    this.#log = new ConversationLog(context.conversation, report);
    this.#history = new ChatHistory();
    for (const { role, text } of context.conversation.messages) {
      if (/\S/.test(text)) this.#history.append({ role, text });
    }
    this.#floor = new Floor({ track, clock, ownVoice: this.#own, report });
    this.#vad = energyVad().open({ sampleRate });
    this.#mixer = new RowMixer((mixed) => this.#hearAll(mixed));
    this.#resampler = new Resampler(typescriptKernel(), {
      inputRate: sampleRate,
      outputRate: llm.inputRate,
    });
  }

  /** Begins the session; rejects when the service refuses. */
  async start(signal: AbortSignal): Promise<void> {
    this.#session = await this.#connect(signal);
    this.#running = this.#run(this.#session);
  }

  hear(audio: HeardSpeech): void {
    if (!this.#closing.signal.aborted) this.#mixer.push(audio);
  }

  muted(): void {
    this.#mixer.flush();
  }

  participantLeft(): void {
    this.#mixer.flush();
  }

  async say(text: string, options: SayOptions = {}): Promise<SpeechOutcome> {
    if (options.interrupt) await this.interrupt();
    return await this.#expect((session) => session.say(text));
  }

  async respond(text: string, options: RespondOptions = {}): Promise<SpeechOutcome> {
    const { participant, interrupt } = options;
    if (interrupt) await this.interrupt();
    this.#log.append({
      role: participant ? "user" : "system",
      userId: participant?.userId ?? this.#context.agentUser.id,
      text,
    });
    const name = participant && (participant.name || participant.userId);
    this.#history.append({ role: "user", text, name });
    return await this.#expect((session) => session.sendText(text, { name, respond: true }));
  }

  async interrupt(): Promise<void> {
    await this.#floor.interrupt();
  }

  metrics(): Readonly<Record<string, number>> {
    return { speechesWaiting: this.#floor.waiting, heldBackMs: this.#heldBackMs };
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
    for (const one of this.#expected.splice(0)) one.resolve({ text: "", interrupted: true });
    await this.#floor.close();
    await this.#leave(this.#session);
    await this.#running;
    this.#resampler[Symbol.dispose]();
    this.#vad[Symbol.dispose]();
  }

  #expect(ask: (session: RealtimeSession) => void): Promise<SpeechOutcome> {
    if (!this.#session) return Promise.reject(new TypeError("the model is not connected"));
    const expected = Promise.withResolvers<SpeechOutcome>();
    this.#expected.push(expected);
    ask(this.#session);
    return expected.promise;
  }

  #hearAll({ pcm, participant: loudest, row }: HeardSpeech): void {
    const { clock, track } = this.#context;
    const nowMs = clock.now();
    this.#own.update(nowMs, track.playedMs, this.#floor.isPlaying);
    const probability = this.#vad.process(pcm) as number;
    if (probability >= 0.5) this.#speaker = loudest;
    if (this.#guard.push(pcm.samples, probability > 0.2, { row, nowMs })) {
      // The model would take its own voice for somebody who interrupts it.
      pcm.samples.fill(0);
      this.#heldBackMs += pcm.durationMs;
    }
    if (!this.#session) return;
    const room = this.#resampler.maxOutputFrames(pcm.frames);
    if (this.#converted.length < room) this.#converted = new Int16Array(room);
    const made = this.#resampler.process(pcm, this.#converted);
    const sampleRate = this.#llm.inputRate;
    this.#session.sendAudio(
      new PcmChunk(this.#converted.subarray(0, made), { sampleRate }),
      loudest,
    );
  }

  #connect(signal: AbortSignal): Promise<RealtimeSession> {
    const { clock, instructions, toolbox } = this.#context;
    return this.#llm.connect({
      clock,
      logger: this.#logger,
      signal,
      instructions,
      tools: toolbox.tools,
      history: this.#history.messages,
    });
  }

  /** Follows one session after another until the conversation is over. */
  async #run(first: RealtimeSession): Promise<void> {
    const { clock, report } = this.#context;
    const { signal } = this.#closing;
    let session: RealtimeSession | undefined = first;
    let losses = 0;
    while (!signal.aborted) {
      const since = clock.now();
      try {
        session ??= this.#session = await this.#connect(signal);
        for await (const event of session) this.#take(event);
        if (signal.aborted) return;
        throw new Error("the session ended");
      } catch (error) {
        if (signal.aborted) return;
        report(error, `${this.#llm.name}, which is connected again`);
      }
      this.#session = undefined;
      await this.#leave(session);
      session = undefined;
      this.#over.length = 0;
      for (const { answer } of this.#answers.values()) answer.end();
      for (const one of this.#expected.splice(0)) one.resolve({ text: "", interrupted: true });
      if (clock.now() - since > GOOD_SESSION_MS) losses = 0;
      const waitMs = RETRY_MS[losses++];
      if (waitMs === undefined) {
        report(new Error(`${losses} sessions were lost`), `${this.#llm.name}, which is given up`);
        return;
      }
      await sleep(waitMs, { clock, signal }).catch(() => {});
    }
  }

  async #leave(session: RealtimeSession | undefined): Promise<void> {
    try {
      await session?.[Symbol.asyncDispose]();
    } catch (error) {
      this.#context.report(error, "ending a session");
    }
  }

  #take(event: RealtimeEvent): void {
    const { clock, report, emit } = this.#context;
    const speaker = this.#speaker;
    switch (event.type) {
      case "speech-started":
        if (speaker) emit(new SpeechStartedEvent({ participant: speaker, atMs: clock.now() }));
        // Now, and not when he has ended: the model answers at once then.
        this.#showImage();
        return this.#bargeIn();
      case "speech-stopped":
        if (speaker) emit(new SpeechStoppedEvent({ participant: speaker, atMs: clock.now() }));
        return;
      case "user-transcript":
        return this.#showTurn(event);
      case "text": {
        const current = this.#answer(event.answerId);
        current?.answer.addText(event.text);
        return current?.message.update({ text: current.answer.text });
      }
      case "audio":
        return this.#answer(event.answerId)?.answer.addAudio(event.pcm);
      case "answer-ended":
        return this.#answers.get(event.answerId)?.answer.end();
      case "tool-call":
        this.#call(event.call).catch((error) => report(error, "calling a tool"));
        return;
      case "error":
        return report(event.error, this.#llm.name);
    }
  }

  #bargeIn(): void {
    if (!this.#floor.isBusy) return;
    const { clock, emit } = this.#context;
    const participant = this.#speaker;
    const from = clock.now();
    this.#floor.interrupt().then((discardedMs) => {
      emit(new BargeInEvent({ participant, silenceMs: clock.now() - from, discardedMs }));
    });
  }

  #showImage(): void {
    const { latestImage, report } = this.#context;
    const session = this.#session;
    if (!this.#llm.acceptsImages || !latestImage || !session?.sendImage) return;
    latestImage().then((image) => {
      if (image && session === this.#session) session.sendImage!(image);
    }).catch((error) => report(error, "showing the model what is to be seen"));
  }

  #showTurn({ id, text, final }: { id: string; text: string; final: boolean }): void {
    const participant = this.#speaker;
    if (!participant || !/\S/.test(text)) return;
    const message = this.#heardLogs.get(id);
    if (message) message.update({ text, complete: final });
    else {
      const { userId } = participant;
      const init = { role: "user", userId, text, complete: final } as const;
      this.#heardLogs.set(id, this.#log.append(init));
    }
    const { emit } = this.#context;
    emit(new TranscriptEvent({ participant, text, final }));
    if (!final) return;
    this.#heardLogs.delete(id);
    this.#history.append({ role: "user", text, name: participant.name || participant.userId });
    emit(new TurnEndedEvent({ participant, text, reason: "silence" }));
  }

  async #call(call: Extract<RealtimeEvent, { type: "tool-call" }>["call"]): Promise<void> {
    const session = this.#session;
    const { signal } = this.#closing;
    const participant = this.#speaker;
    const result = await this.#context.toolbox.call(call, { signal, participant })
      .catch((error) => {
        if (signal.aborted) return undefined;
        throw error;
      });
    if (result && session === this.#session) session?.sendToolResult(call.id, result);
  }

  /** The answer of this id; one that is new begins to be said, one that is over is none. */
  #answer(id: string): CurrentAnswer | undefined {
    if (this.#over.includes(id)) return undefined;
    const known = this.#answers.get(id);
    if (known) return known;
    const { agentUser: { id: userId }, emit } = this.#context;
    const participant = this.#speaker;
    const answer = new RealtimeAnswer(id);
    const expected = this.#expected.shift();
    const init = { role: "assistant", userId, text: "", complete: false } as const;
    const current = { answer, message: this.#log.append(init) };
    this.#answers.set(id, current);
    const speech: Speech = new Speech({
      utterances: () => answer.utterances(),
      participant,
      onHeard: () => emit(new AgentSpeechStartedEvent({ speechId: speech.id, participant })),
      onCut: () => answer.end(),
      onOver: (outcome) => {
        this.#answerOver(speech, current, outcome);
        expected?.resolve(outcome);
      },
    });
    this.#floor.add(speech);
    return current;
  }

  #answerOver(speech: Speech, { answer, message }: CurrentAnswer, outcome: SpeechOutcome): void {
    const { track, emit } = this.#context;
    const { text, interrupted } = outcome;
    this.#answers.delete(answer.id);
    this.#over.push(answer.id);
    if (this.#over.length > MAX_OVER) this.#over.shift();
    if (interrupted) {
      const heardMs = speech.startMs === undefined ? 0 : track.heardMs - speech.startMs;
      this.#session?.interrupt(answer.id, Math.max(0, Math.round(heardMs)));
    }
    message.update({ text, complete: true, interrupted });
    if (/\S/.test(text)) this.#history.append({ role: "assistant", text });
    if (speech.times.heard === 0) return;
    emit(new AgentSpeechEndedEvent({ speechId: speech.id, text, interrupted }));
  }
}
