/** The conversation as a model gets it: each call of a tool with one output. @module */
import type { Conversation } from "../../edge/conversation.ts";
import type { Participant } from "../../edge/types.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import { excessOf, startOf } from "./full_history.ts";
import { recordedRun, type ToolRun } from "../reply/tool_run.ts";

/** How many messages a history keeps by default. */
const DEFAULT_LIMIT = 200;

/** Returns a summary of messages; `undefined` where there is none. Never rejects. */
export type Summarise = (messages: readonly ChatMessage[]) => Promise<string | undefined>;

/** A message of the agent. */
export type AssistantMessage = Extract<ChatMessage, { role: "assistant" }>;

/**
 * The conversation as a model gets it: the newest messages, tool calls and results included. Each
 * call has exactly one output, right after it; what becomes known later is a message of its own.
 */
export class ChatHistory {
  readonly #messages: ChatMessage[] = [];
  #limit = DEFAULT_LIMIT;
  #onNews: (() => void) | undefined;
  #summarise: Summarise | undefined;
  /** Whether a summary is being written: until then nothing is given up. */
  #isSummarising = false;
  /** The outputs that no model has seen yet: they may still change. */
  readonly #untold = new Map<string, ToolRun>();
  /** The messages of outcomes that no model has seen yet, and whether people wait for them. */
  readonly #untoldOutcomes = new Map<ChatMessage, boolean>();
  /** The calls whose outcomes it notes. */
  readonly #followed = new WeakSet<ToolRun>();
  #count = 0;

  /**
   * Creates an empty history.
   *
   * @param options.onNews called when a tool's outcome was appended that comes after its output
   * @param options.summarise called with the messages that are given up when the history is full
   */
  constructor(options: { limit?: number; onNews?: () => void; summarise?: Summarise } = {}) {
    this.#onNews = options.onNews;
    this.configure(options);
  }

  /** Changes its limit, and what summarises it. */
  configure({ limit = DEFAULT_LIMIT, summarise }: { limit?: number; summarise?: Summarise }): void {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new RangeError(`limit: expected an integer >= 1, got ${limit}`);
    }
    this.#limit = limit;
    this.#summarise = summarise;
  }

  /** Oldest first. */
  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /** How many messages were appended, those that are forgotten included. */
  get count(): number {
    return this.#count;
  }

  /** Returns what was appended since there were so many; see `count`. */
  since(count: number): readonly ChatMessage[] {
    const added = this.#count - count;
    return added > 0 ? this.#messages.slice(-added) : [];
  }

  /** Appends messages; where there are more than the limit, gives up others. */
  append(...messages: ChatMessage[]): void {
    this.#messages.push(...messages);
    this.#count += messages.length;
    if (this.#messages.length <= this.#limit || this.#isSummarising) return;
    if (this.#summarise) void this.#replaceBySummary(this.#summarise);
    else {
      const { from, to } = excessOf(this.#messages, this.#limit);
      const spared = this.#untoldIn(from, to);
      this.#messages.splice(from, to - from, ...spared);
    }
  }

  /** Returns what stays of a range of the messages: the outcomes in it that no model has seen yet. */
  #untoldIn(from: number, to: number): ChatMessage[] {
    return this.#messages.slice(from, to).flatMap((one) => {
      const run = one.role === "tool" ? this.#untold.get(one.callId) : undefined;
      if (!run?.result || run.isHandoff) return this.#untoldOutcomes.has(one) ? [one] : [];
      // The call does not stay, without which there is no output.
      this.#untold.delete(run.call.id);
      const outcome = outcomeOf(run);
      this.#untoldOutcomes.set(outcome, countsAsNews(run));
      return [outcome];
    });
  }

  /** Puts a summary in the place of half of the history. */
  async #replaceBySummary(summarise: Summarise): Promise<void> {
    const { from, to: end } = excessOf(this.#messages, Math.ceil(this.#limit / 2));
    // An outcome that is to come has its place here.
    const open = this.#messages.findIndex((one) =>
      one.role === "tool" && this.#untold.has(one.callId)
    );
    const to = open < 0 ? end : Math.min(end, startOf(this.#messages, open));
    if (to <= from) return;
    const spared = this.#untoldIn(from, to);
    const summarised = this.#messages.slice(from, to).filter((one) => !spared.includes(one));
    if (summarised.length === 0) return;
    this.#isSummarising = true;
    const text = await summarise(summarised);
    this.#isSummarising = false;
    const summary: ChatMessage[] = text
      ? [{ role: "user", text: `[summary of the conversation so far] ${text}` }]
      : [];
    this.#messages.splice(from, to - from, ...summary, ...spared);
  }

  /**
   * Appends a message with the calls that it made, and their outputs, as far as the outcomes are known.
   * Returns the message as it stands in the history.
   */
  appendCalls(said: AssistantMessage, runs: readonly ToolRun[]): AssistantMessage {
    const message = { ...said, toolCalls: runs.map(({ call }) => call) };
    this.append(message, ...runs.map(({ output }) => output));
    for (const run of runs) {
      this.#untold.set(run.call.id, run);
      this.#follow(run);
    }
    return message;
  }

  /** Puts a message in the place of another, where that is still there. */
  replace(message: ChatMessage, replacement: ChatMessage): void {
    const index = this.#messages.indexOf(message);
    if (index >= 0) this.#messages[index] = replacement;
  }

  /** Begins anew with these messages, and with what no model was told of the tools. */
  beginAnew(messages: readonly ChatMessage[]): void {
    const { untold } = this;
    const outcomes = [...this.#untoldOutcomes];
    this.#untold.clear();
    this.#untoldOutcomes.clear();
    this.#messages.length = 0;
    this.append(...messages);
    this.#takeOver(untold, outcomes);
  }

  /** Another history has taken its place: what becomes known is news to that one. */
  detach(): void {
    this.#onNews = undefined;
  }

  /** The calls whose outputs no model has seen yet. */
  get untold(): readonly ToolRun[] {
    return [...this.#untold.values()];
  }

  /**
   * Takes over the calls of another history of which no model has seen an output, and the `unfinished`
   * ones: what becomes known of them is a message.
   */
  adopt(before: ChatHistory, unfinished: Iterable<ToolRun>): void {
    const { untold } = before;
    this.#takeOver(untold, before.#untoldOutcomes);
    for (const run of [...untold, ...unfinished]) if (!run.isHandoff) this.#follow(run);
  }

  /** What becomes known of these calls is a message, unless this history has them already. */
  follow(runs: Iterable<ToolRun>): void {
    for (const run of runs) {
      if (this.#followed.has(run)) continue;
      if (run.result) this.#settle(run);
      this.#follow(run);
    }
  }

  /** Takes calls over that are untold: those whose outputs are not among the messages become some. */
  #takeOver(untold: readonly ToolRun[], outcomes: Iterable<[ChatMessage, boolean]>): void {
    for (const [message, isNews] of outcomes) {
      if (this.#messages.includes(message)) this.#untoldOutcomes.set(message, isNews);
      else this.#appendOutcome(message, isNews);
    }
    const outputs = new Set(this.#messages.map((one) => one.role === "tool" && one.callId));
    for (const run of untold) {
      if (run.isHandoff) continue;
      if (outputs.has(run.call.id)) this.#untold.set(run.call.id, run);
      if (run.result) this.#settle(run);
    }
  }

  /** Whether no model has seen the output of a call yet. */
  isUntold({ call }: ToolRun): boolean {
    return this.#untold.has(call.id);
  }

  /**
   * Notes that a model was told of the outputs of these calls, or of all that no reply waits for: they do
   * not change.
   */
  markTold(runs: Iterable<ToolRun> = this.#untold.values()): void {
    for (const { call, isAwaited } of runs) if (!isAwaited) this.#untold.delete(call.id);
  }

  /** A model is told of all that there is: of the outputs as `markTold` notes, and of later outcomes. */
  markAllTold(): void {
    this.markOutcomesTold();
    this.markTold();
  }

  /** A model was told of the outcomes that came after their outputs. */
  markOutcomesTold(): void {
    this.#untoldOutcomes.clear();
  }

  #follow(run: ToolRun): void {
    if (this.#followed.has(run)) return;
    this.#followed.add(run);
    run.follow((progress) =>
      progress === undefined ? this.#settle(run) : this.#appendProgress(run, progress)
    );
  }

  #settle(run: ToolRun): void {
    const { call, output } = run;
    const index = this.#messages.findLastIndex((one) =>
      one.role === "tool" && one.callId === call.id
    );
    if (index >= 0 && this.#untold.has(call.id)) {
      this.#messages[index] = output;
      return;
    }
    // Its output was given up, as the history was full: the outcome is told instead.
    this.#untold.delete(call.id);
    if (run.isHandoff) return;
    this.#appendOutcome(outcomeOf(run), countsAsNews(run));
  }

  #appendOutcome(message: ChatMessage, isNews: boolean): void {
    this.#untoldOutcomes.set(message, isNews);
    this.append(message);
    if (isNews) this.#onNews?.();
  }

  /** Tells how far a call is that the model takes for one that runs. */
  #appendProgress({ call, to }: ToolRun, progress: string): void {
    if (this.#untold.has(call.id)) return;
    this.append({ role: "user", text: `[progress of ${call.name}, ${call.id}] ${progress}` });
    if (!to) this.#onNews?.();
  }

  /**
   * Appends what was said before the agent came, or before it came back.
   *
   * @param options.named whether messages of participants carry their user id as a name
   */
  appendConversation({ messages }: Conversation, options: { named: boolean }): void {
    for (const { role, text, userId, toolCall } of messages) {
      if (toolCall) {
        const run = recordedRun(toolCall);
        this.appendCalls({ role: "assistant", text: "" }, [run]);
        // People were told, or will not be.
        this.markTold([run]);
      }
      if (role === "tool" || !/\S/.test(text)) continue;
      this.append(options.named && role === "user" ? { role, text, name: userId } : { role, text });
    }
  }
}

/** Returns an outcome as a message of its own: a second output is one that services refuse. */
function outcomeOf({ call, output: { text, images } }: ToolRun): ChatMessage {
  const outcome = `[the outcome of ${call.name}, ${call.id}] ${text}`;
  return { role: "user", text: outcome, ...images ? { images } : {} };
}

/**
 * Whether people wait for an outcome: not where one participant alone was to hear of it, or a written
 * reply that waits for it goes on with it.
 */
function countsAsNews(run: ToolRun): boolean {
  return !run.to && !(run.isInText && run.wasAwaited);
}

/** Returns what a participant said, or the application where there is none, as a message. */
export function userMessage(
  text: string,
  participant: Participant | undefined,
): Extract<ChatMessage, { role: "user" }> {
  const name = participant && (participant.name || participant.userId);
  return name ? { role: "user", text, name } : { role: "user", text };
}

/** Returns the calls of a history, and their outputs, that these messages do not have. */
export function callsBesides(
  messages: readonly ChatMessage[],
  history: readonly ChatMessage[],
): ChatMessage[] {
  const known = new Set(messages.flatMap(callIds));
  return history.filter((one) => callIds(one).some((id) => !known.has(id)));
}

function callIds(message: ChatMessage): string[] {
  if (message.role === "tool") return [message.callId];
  return message.role === "assistant" ? message.toolCalls?.map(({ id }) => id) ?? [] : [];
}

/** A fragment of a text, of which the first `playedChars` characters were played. */
export interface PlayedFragment {
  readonly chars: number;
  readonly playedChars: number;
}

/**
 * Returns what was played of the text of each of these messages of a reply, which the fragments make
 * up from its beginning.
 */
export function playedTexts(
  messages: readonly ChatMessage[],
  fragments: readonly PlayedFragment[],
): string[] {
  let start = 0;
  return messages.map(({ role, text }) => {
    if (role !== "assistant") return text;
    const played = playedPart(text, start, fragments);
    start += text.length;
    return played;
  });
}

/** Returns what was played of a text that begins `start` characters into the fragments. */
function playedPart(text: string, start: number, fragments: readonly PlayedFragment[]): string {
  let played = "";
  let at = -start;
  for (const { chars, playedChars } of fragments) {
    if (at >= text.length) break;
    played += text.slice(Math.max(0, at), Math.max(0, at + playedChars));
    at += chars;
  }
  return played;
}
