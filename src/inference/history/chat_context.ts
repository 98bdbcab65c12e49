/** The content of a request to a language model. @module */
import type { Participant } from "../../edge/types.ts";
import type { LLM } from "../contracts/llm.ts";
import type { ChatMessage, EncodedImage } from "../contracts/messages.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import { type Expected, promised, UserHook } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { startOf } from "./full_history.ts";
import { ChatHistory, type Summarise, userMessage } from "./chat_history.ts";

/** An image that takes longer than this to encode is not waited for: the reply comes without it. */
const IMAGE_LIMIT_MS = 5000;

/** Options for a {@linkcode ChatContext}. */
export interface ChatContextOptions {
  llm: Pick<LLM, "acceptsImages">;
  /** The most messages of the conversation that a request contains. Default 200. */
  limit?: number;
  /** Called when a tool's outcome was appended that comes after its output. */
  onNews?: () => void;
  /** The application's hook for a history that is full. */
  onHistoryFull?: HistoryHook;
}

/** Called with the messages that are given up, as the history is full: returns what is kept of them. */
export type HistoryHook = (
  messages: readonly ChatMessage[],
) => string | undefined | Promise<string | undefined>;

/** How long a summary may take. */
const SUMMARY_LIMIT_MS = 20_000;

const summaryText: Expected<string | undefined> = {
  what: "a text, or undefined",
  is: (value) => value === undefined || typeof value === "string",
};

/** What a request to a model contains besides the conversation. */
export interface ChatRequest {
  /** What is asked about, but not appended. */
  readonly more?: readonly ChatMessage[];
  /** The messages of the conversation that are replied to. */
  readonly prompts?: readonly ChatMessage[];
  /** What is told before the latest message of a user, and not appended. */
  readonly context?: readonly string[];
  /** What is asked where the conversation ends with what the agent said, or is empty. */
  readonly opening?: ChatMessage;
}

/** The content of a request to a model: instructions, conversation, and the latest image. */
export class ChatContext {
  readonly #context: PipelineContext;
  #history: ChatHistory;
  #options: ChatContextOptions;
  readonly #speakers = new Set<string>();
  readonly #closing = new AbortController();

  constructor(context: PipelineContext, options: ChatContextOptions) {
    this.#context = context;
    this.#options = options;
    this.#history = this.#createHistory();
    this.#history.appendConversation(context.conversation, { named: true });
  }

  /** Uses other options from now on. */
  configure(options: Omit<ChatContextOptions, "onNews">): void {
    this.#options = { ...options, onNews: this.#options.onNews };
    this.#history.configure(this.#limits);
  }

  /** The history as it is now: what began before another one takes its place stays with it. */
  get history(): ChatHistory {
    return this.#history;
  }

  /** Begins another history with these messages, and with what no model was told of the tools. */
  beginAnew(messages: readonly ChatMessage[]): void {
    const before = this.#history;
    before.detach();
    this.#history = this.#createHistory();
    this.#history.append(...messages);
    this.#history.adopt(before, this.#context.toolLedger.unfinished);
  }

  /** The conversation, oldest message first. */
  get messages(): readonly ChatMessage[] {
    return this.#history.messages;
  }

  /** How many messages were appended, those that are forgotten included. */
  get count(): number {
    return this.#history.count;
  }

  /**
   * Appends what a participant said, or the application where there is none. Returns the message.
   *
   * @param history whose it is, where that is not the one that there is now
   */
  appendUserMessage(
    text: string,
    participant: Participant | undefined,
    history: ChatHistory = this.#history,
  ): ChatMessage {
    if (participant) {
      this.#speakers.add(participant.userId);
      this.#context.toolLedger.personSpoke();
    }
    const message = userMessage(text, participant);
    history.append(message);
    return message;
  }

  /** Appends what was said. */
  append(...messages: ChatMessage[]): void {
    this.#history.append(...messages);
  }

  /** Stops waiting for a summary. */
  close(): void {
    this.#closing.abort();
  }

  /**
   * Returns the messages of a request: instructions first, then the conversation, as they were when the
   * reply was begun that asks.
   *
   * @param options.isForAll whether people are told by the reply what has become known
   */
  request(
    { more = [], prompts = [], context = [], opening }: ChatRequest = {},
    { instructions, history, isForAll = true }: {
      instructions: string;
      history: ChatHistory;
      isForAll?: boolean;
    },
  ): readonly ChatMessage[] | Promise<readonly ChatMessage[]> {
    const { latestImage, clock, report, countPeople } = this.#context;
    if (isForAll) history.markAllTold();
    const isGroup = Math.max(this.#speakers.size, countPeople?.() ?? 0) > 1;
    const all: ChatMessage[] = instructions === "" ? [] : [{ role: "system", text: instructions }];
    const hasReply = (history.messages.at(-1)?.role ?? "assistant") === "assistant";
    const asked = opening && hasReply ? [...more, opening] : more;
    const messages = [...endingWithUser([...history.messages, ...asked], prompts)];
    // Not between a call and its output.
    const last = Math.max(0, messages.findLastIndex(({ role }) => role === "user"));
    messages.splice(last, 0, ...context.map((text) => ({ role: "user", text }) as const));
    for (const message of messages) {
      const isNamed = isGroup && message.role === "user" && message.name;
      all.push(isNamed ? { ...message, text: `${message.name}: ${message.text}` } : message);
    }
    if (!this.#options.llm.acceptsImages || !latestImage) return all;
    const encoding = waitFor(promised(latestImage), "encoding the latest image", {
      timeoutMs: IMAGE_LIMIT_MS,
      clock,
    });
    return encoding.then((image) => image ? withImage(all, image) : all, (error) => {
      report(error, "showing the model the latest image");
      return all;
    });
  }

  #createHistory(): ChatHistory {
    return new ChatHistory({ ...this.#limits, onNews: this.#options.onNews });
  }

  get #limits(): { limit: number | undefined; summarise: Summarise | undefined } {
    const { limit, onHistoryFull } = this.#options;
    const summarise = onHistoryFull &&
      summarising(onHistoryFull, this.#context, this.#closing.signal);
    return { limit, summarise };
  }
}

/** Returns the application's hook as one that is limited in time, and never rejects. */
function summarising(
  onHistoryFull: HistoryHook,
  { clock, report }: Pick<PipelineContext, "clock" | "report">,
  signal: AbortSignal,
): Summarise {
  const hook = new UserHook<readonly ChatMessage[]>(onHistoryFull, {
    clock,
    report,
    context: "turnHandling.onHistoryFull; nothing is kept of the messages",
  });
  return async (messages) => {
    try {
      const asking = hook.askLater(messages, undefined, summaryText);
      return await waitFor(asking, "the summary", { timeoutMs: SUMMARY_LIMIT_MS, signal, clock });
    } catch (error) {
      if (!signal.aborted) hook.fail(error);
      return undefined;
    }
  };
}

/**
 * Returns the messages so that the last one is not the agent's: services refuse to continue a text of
 * their own. What the agent said while the prompts waited for a reply comes before them; where there are
 * none, before what it is to go on with, a message of a user or the results of its tools.
 */
function endingWithUser(
  messages: readonly ChatMessage[],
  prompts: readonly ChatMessage[],
): readonly ChatMessage[] {
  const isLate = messages.at(-1)?.role === "assistant";
  // A full history may have given them up.
  const moved = prompts.filter((one) => isLate || !messages.includes(one));
  if (moved.length > 0) return [...messages.filter((one) => !moved.includes(one)), ...moved];
  const last = messages.findLastIndex(({ role }) => role !== "assistant");
  if (!isLate || last < 0) return messages;
  const from = startOf(messages, last);
  return [
    ...messages.slice(0, from),
    ...messages.slice(last + 1),
    ...messages.slice(from, last + 1),
  ];
}

/** Adds the image to the latest message of a participant. */
function withImage(messages: ChatMessage[], image: EncodedImage): ChatMessage[] {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return messages.map((one, index) =>
    one.role === "user" && index === last ? { ...one, images: [...one.images ?? [], image] } : one
  );
}
