/** A reply of a language model, from its first request to its last tool. @module */
import type { Clock } from "../../events/clock.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Participant } from "../../edge/types.ts";
import type { ModelResponseEvent } from "../contracts/events.ts";
import type { LLM } from "../contracts/llm.ts";
import { type ChatMessage, type ToolCall, withoutImages } from "../contracts/messages.ts";
import type { TranscriptMessage } from "../history/transcript_writer.ts";
import type { ChatRequest } from "../history/chat_context.ts";
import type { RequestOrder, RequestTicket } from "./request_order.ts";
import type { ToolExecutor } from "./tool_executor.ts";
import type { ToolLedger } from "./tool_ledger.ts";
import type { ToolRun } from "./tool_run.ts";
import type { Synthesizer } from "../speech/synthesizer.ts";
import { checkReply, type FinishPart, partsInTime } from "./model_response.ts";
import { metered } from "./response_meter.ts";
import { Channel } from "../../events/channel.ts";
import { waitFor } from "../../events/waiting.ts";
import { withoutThoughts } from "../text/markup_filter.ts";
import { spokenMs } from "../text/speech_duration.ts";
import {
  callsBesides,
  type ChatHistory,
  type PlayedFragment,
  playedTexts,
} from "../history/chat_history.ts";

/** The agent that replies. */
export interface ReplyAgent {
  llm: LLM;
  /** How long the model may be silent before it is given up. */
  timeoutMs: number;
  tools: ToolExecutor;
  /** Says what it replies. */
  voice: Synthesizer;
  /** Shows it under the agent's name, from the time that it is committed. */
  message: TranscriptMessage;
  /** Keeps what the agent says and does. */
  chat: Pick<ChatHistory, "append" | "appendCalls" | "replace" | "markTold" | "messages">;
  /** Returns the messages of the request, when it may ask the model. */
  ask: () => readonly ChatMessage[] | Promise<readonly ChatMessage[]>;
  /** Called before it asks the model, or is cancelled before that: its prompt is to be in the chat. */
  onTurn?: () => void;
}

/** Options for a {@linkcode Reply}. */
export interface ReplyInit {
  /** Returns the agent that there is: another one may take over before it asks. */
  agent: () => ReplyAgent;
  toolLedger: ToolLedger;
  /** Called with the calls whose results the next agent is to tell, as the call was handed over. */
  onHandedOver: (runs: readonly ToolRun[]) => void;
  /** What it is to, and what the model is asked besides what is in the chat. */
  request: ChatRequest;
  /** When it may ask the model. */
  order: RequestOrder;
  /** Whether it asks before it is committed, while no other reply does. */
  isPreemptive?: boolean;
  /** Whether it is written, and not said. */
  isInText?: boolean;
  /** Called with how each response of the model went. */
  onResponse: (event: ModelResponseEvent) => void;
  /** The participant to whom it replies. */
  participant: Participant | undefined;
  /** The track of the only participant who hears it. Default: all do. */
  track?: OutboundAudioTrack;
  clock: Clock;
}

/** A model that calls tools more often than this in one reply would call them for ever. */
const MAX_ROUNDS = 8;

/** How long tools may take before what was asked for after their reply may ask meanwhile. */
const YIELD_MS = 500;

/**
 * A model's reply as it is generated, tools included. Generation begins immediately; tools, which
 * act on the world, wait until the reply is committed.
 */
export class Reply {
  /** The text as it comes. Throws what the model threw. */
  readonly textStream: Channel<string> = new Channel<string>();
  /** The message of the agent that replies. */
  readonly message: TranscriptMessage = {
    update: (change) => this.#agent.message.update(change),
  };
  /** What it is to, and what the model is asked besides what is in the chat. */
  request: ChatRequest;
  readonly startedMs: number;
  /** When the first text came; 0 before. */
  firstTokenMs = 0;
  /** Resolves when the model is asked nothing more. Never rejects. */
  readonly ended: Promise<void>;
  readonly #init: ReplyInit;
  /** The agent of its beginning: an update comes after it. */
  #agent: ReplyAgent;
  readonly #controller = new AbortController();
  readonly #begun = Promise.withResolvers<void>();
  readonly #handover = Promise.withResolvers<void>();
  #isHandedOver = false;
  /** Whether the call was handed over while it waited for tools: the next agent goes on. */
  isCutShort = false;
  readonly #committed = Promise.withResolvers<void>();
  readonly #generated: ChatMessage[] = [];
  readonly #runs: ToolRun[] = [];
  /** How many of the messages are in the chat already. */
  #kept = 0;
  /** Why the model ended it, where it says so. */
  finish: FinishPart | undefined;
  #text = "";
  #ticket: RequestTicket | undefined;
  #isCommitted = false;
  #isGenerated = false;
  #hasBegun = false;
  /** Whether another agent has taken over before it began. */
  #isLeft = false;

  constructor(init: ReplyInit) {
    this.#init = init;
    this.request = init.request;
    this.startedMs = init.clock.now();
    if (!init.isPreemptive) this.#ticket = init.order.take({ isInText: this.isInText });
    this.#agent = init.agent();
    this.ended = this.#run();
  }

  /** The participant to whom it replies. */
  get participant(): Participant | undefined {
    return this.#init.participant;
  }

  /** The track of the only participant who hears it; `undefined` where all do. */
  get track(): OutboundAudioTrack | undefined {
    return this.#init.track;
  }

  /** The voice of the agent that replies: before it has begun, another one may take over. */
  get voice(): Synthesizer {
    return this.#agent.voice;
  }

  /** Whether it is written, and not said. */
  get isInText(): boolean {
    return this.#init.isInText ?? false;
  }

  /** All text so far. */
  get text(): string {
    return this.#text;
  }

  /** The reply is going to be said: its tools may run, and its text is shown. Idempotent. */
  commit(): void {
    if (this.#isCommitted) return;
    this.#isCommitted = true;
    if (this.#init.isPreemptive && !this.#isGenerated) this.#ticket = this.#init.order.take();
    this.#committed.resolve();
    if (this.#text !== "") this.message.update({ text: this.#text });
  }

  /** Whether it waits for a tool. */
  get isWaiting(): boolean {
    return this.#runs.some(({ isAwaited }) => isAwaited);
  }

  /** Whether there is nothing of it to say yet. */
  get isThinking(): boolean {
    return !this.#isGenerated && !/\S/.test(withoutThoughts(this.#text));
  }

  /** Its calls so far. */
  get runs(): readonly ToolRun[] {
    return this.#runs;
  }

  /** Whether a tool runs during which people cannot interrupt the agent. */
  get refusesInterruption(): boolean {
    return this.#runs.some((run) => run.refusesInterruption);
  }

  /** Stops the model: the reply is not needed any more. Tools run on, unless they are to be aborted. */
  cancel(): void {
    for (const run of this.#runs) run.interrupt();
    this.#controller.abort(new DOMException("the reply is not needed", "AbortError"));
  }

  /**
   * The call is handed over: its model is asked nothing more. Where it is said, its tools are not waited
   * for, and the next agent tells their results later; one that is written has no later. Where it waits
   * for its turn to ask, the next agent replies.
   */
  handOver(): void {
    if (!this.#hasBegun) this.#isLeft = true;
    if (this.#isHandedOver || !this.#hasBegun) return;
    this.#isHandedOver = true;
    if (this.isInText) return;
    this.#handover.resolve();
    this.#leaveTools(this.#runs);
  }

  /** Whether it has asked its model, or was cancelled before that. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Resolves when it has begun. Never rejects. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Whether the call was handed over since it began. */
  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  /** Keeps in the chat what the model is to remember of it, when this was played of its text. */
  remember(played: readonly PlayedFragment[]): void {
    const { chat } = this.#agent;
    const texts = playedTexts(this.#generated, played);
    for (const [index, message] of this.#generated.entries()) {
      if (message.role !== "assistant") continue;
      const text = texts[index]!;
      if (index < this.#kept) chat.replace(message, { ...message, text });
      // What a service wants back is of the whole text.
      else if (/\S/.test(text)) {
        chat.append(text === message.text ? message : { role: "assistant", text });
      }
    }
  }

  async #run(): Promise<void> {
    try {
      const { clock } = this.#init;
      const { signal } = this.#controller;
      await this.#untilTurn().finally(() => this.#begin());
      const asked = Promise.resolve(this.#agent.ask());
      const messages = await waitFor(asked, "the messages", { clock, signal });
      for (let round = 1; await this.#round(messages, round === MAX_ROUNDS); round++);
      this.textStream.end();
    } catch (error) {
      this.textStream.fail(error);
    } finally {
      this.#isGenerated = true;
      this.#ticket?.[Symbol.dispose]();
    }
  }

  #begin(): void {
    if (this.#isLeft) this.#agent = this.#init.agent();
    this.#hasBegun = true;
    this.#begun.resolve();
    this.#agent.onTurn?.();
  }

  /** Waits until no reply before it asks the model. */
  async #untilTurn(): Promise<void> {
    const { clock } = this.#init;
    const { signal } = this.#controller;
    await waitFor(this.#ticket?.begun, "its turn to ask the model", { clock, signal });
  }

  /** Asks the model once; returns whether to ask it again, with the results of tools. */
  async #round(asked: readonly ChatMessage[], isLast: boolean): Promise<boolean> {
    const { clock } = this.#init;
    const { signal } = this.#controller;
    const from = this.#text.length;
    // Its place among the messages is before the results; its text grows while it comes.
    const at = this.#generated.push({ role: "assistant", text: "" }) - 1;
    const messages = [...asked, ...this.#generated.slice(0, at)];
    // What other replies have called since is before what this one has said.
    messages.splice(asked.length, 0, ...callsBesides(messages, this.#agent.chat.messages));
    const calls = await this.#generate(messages, { at, from, isLast });
    if (calls.length === 0 || isLast) return false;
    if (this.isInText && await this.#isOutrun(messages)) {
      this.#takeBack(at);
      return true;
    }
    // A sentence that announces a tool's work is complete, and spoken while the tool runs.
    if (this.#text.length > from) this.#write("\n");
    await waitFor(this.#committed.promise, "the turn's end", { signal, clock });
    return await this.#runTools(calls, { at, from });
  }

  /** Has the model write the message at `at`, whose text begins at `from`; returns its calls of tools. */
  async #generate(
    messages: readonly ChatMessage[],
    { at, from, isLast }: { at: number; from: number; isLast: boolean },
  ): Promise<ToolCall[]> {
    const { clock, onResponse: onEnded } = this.#init;
    const { llm, tools, timeoutMs } = this.#agent;
    const { signal } = this.#controller;
    const calls: ToolCall[] = [];
    let finish: FinishPart | undefined;
    const generate = () =>
      llm.generate({
        messages: llm.acceptsImages ? messages : messages.map(withoutImages),
        tools: isLast ? [] : tools.tools,
        signal,
      });
    const limits = { model: llm.name, timeoutMs, controller: this.#controller, clock };
    const parts = metered(partsInTime(generate, limits), { llm, clock, signal, onEnded });
    for await (const part of parts) {
      if (part.type === "tool-call") calls.push(part.call);
      if (part.type === "finish") this.finish = finish = part;
      if (part.type !== "text" || part.text === "") continue;
      this.firstTokenMs ||= clock.now();
      this.#write(part.text);
      this.#generated[at] = { role: "assistant", text: this.#text.slice(from) };
    }
    if (calls.length > 0) return calls;
    const text = this.#text.slice(from);
    const { metadata } = finish ?? {};
    if (metadata !== undefined) this.#generated[at] = { role: "assistant", text, metadata };
    checkReply(text, finish, llm.name);
    return [];
  }

  /** Runs the tools that the message at `at` calls; returns whether to ask the model with the results. */
  async #runTools(
    calls: readonly ToolCall[],
    { at, from }: { at: number; from: number },
  ): Promise<boolean> {
    const { toolLedger, participant, clock } = this.#init;
    const { chat, tools } = this.#agent;
    const { signal } = this.#controller;
    const runs = calls.map((call) => toolLedger.start(call, participant, tools, this.track));
    for (const run of runs) run.isInText = this.isInText;
    this.#runs.push(...runs);
    // Before there is any result: whatever becomes of this reply, the model knows what was done.
    const said = { role: "assistant", text: this.#text.slice(from) } as const;
    this.#generated[at] = chat.appendCalls(said, runs);
    this.#kept = this.#generated.length;
    // One of the tools may wait for another reply, also for one that was asked for before.
    this.#ticket?.suspend();
    using _yielding = clock.schedule(() => this.#ticket?.yield(), YIELD_MS);
    if (this.#isHandedOver) this.#leaveTools(runs);
    const awaited = runs.filter(({ isAwaited }) => isAwaited);
    using _filler = this.#fillSilence(awaited, at);
    const ended = Promise.all(awaited.map(({ ended }) => ended));
    await waitFor(Promise.race([ended, this.#handover.promise]), "the tools", { signal, clock });
    if (this.#isHandedOver) {
      // The one that hands over is about to end.
      await Promise.all(runs.filter(({ isHandoff }) => isHandoff).map(({ ended }) => ended));
      this.isCutShort = true;
      return false;
    }
    this.#generated.push(...runs.map(({ output }) => output));
    chat.markTold(runs);
    this.#ticket?.resume();
    await this.#untilTurn();
    return true;
  }

  /**
   * Waits for the turn to call tools, as others ask beside a written reply. Returns whether they have
   * called tools that its model did not know of, and may have called for the same request.
   */
  async #isOutrun(messages: readonly ChatMessage[]): Promise<boolean> {
    this.#ticket!.claim();
    await this.#untilTurn();
    if (callsBesides(messages, this.#agent.chat.messages).length === 0) return false;
    this.#ticket!.resume();
    await this.#untilTurn();
    return true;
  }

  /** Takes back what the model has written since this message: it is asked again. */
  #takeBack(at: number): void {
    const kept = this.#generated[at]!.text.length;
    this.#generated.splice(at);
    this.#text = this.#text.slice(0, this.#text.length - kept);
    this.message.update({ text: this.#text });
  }

  /** Says what the tools have to say while they run, after what the model said before it called them. */
  #fillSilence(runs: readonly ToolRun[], at: number): Disposable {
    const { clock } = this.#init;
    const { chat } = this.#agent;
    const saidMs = spokenMs(this.#generated[at]!.text);
    const timers = new DisposableStack();
    for (const run of runs) {
      const { filler, fillerAfterMs = 0 } = run.tool ?? {};
      if (!filler) continue;
      const fill = () => {
        if (run.result || this.#controller.signal.aborted) return;
        const text = `${filler}\n`;
        const before = this.#generated[at]!;
        // A part of the message with the calls: what was said while they ran.
        this.#generated[at] = { ...before, text: before.text + text };
        chat.replace(before, this.#generated[at]!);
        this.#write(text);
        timers.dispose();
      };
      timers.use(clock.schedule(fill, saidMs + fillerAfterMs));
    }
    return timers;
  }

  /** The next agent tells what these calls do. A written reply waits for them, and goes on with its. */
  #leaveTools(runs: readonly ToolRun[]): void {
    const others = runs.filter(({ isHandoff }) => !isHandoff);
    if (!this.isInText) { for (const run of others) run.abandon(); }
    this.#init.onHandedOver(others);
  }

  #write(text: string): void {
    this.#text += text;
    this.textStream.push(text);
    if (this.#isCommitted) this.message.update({ text: this.#text });
  }
}
