import type { Participant } from "../../edge/types.ts";
import type { LLM } from "../contracts/llm.ts";
import type { ChatMessage, EncodedImage } from "../contracts/messages.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import { promised } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { ChatHistory, userMessage } from "./chat_history.ts";

/** An image that takes longer than this to encode is not waited for: the reply comes without it. */
const IMAGE_LIMIT_MS = 5000;

/** Options for a {@linkcode ChatContext}. */
export interface ChatContextOptions {
  llm: Pick<LLM, "acceptsImages">;
  /** The most messages of the conversation that a request contains. Default 200. */
  limit?: number;
}

/** The content of a request to a model: instructions, conversation, and the latest image. */
export class ChatContext {
  readonly #context: PipelineContext;
  readonly #history: ChatHistory;
  readonly #llm: Pick<LLM, "acceptsImages">;
  readonly #speakers = new Set<string>();
  #count = 0;

  constructor(context: PipelineContext, { llm, limit }: ChatContextOptions) {
    this.#context = context;
    this.#llm = llm;
    this.#history = new ChatHistory({ limit });
    this.#history.appendConversation(context.conversation, { named: true });
  }

  /** The conversation, oldest message first. */
  get messages(): readonly ChatMessage[] {
    return this.#history.messages;
  }

  /** How many messages were appended since the agent came, those that are forgotten included. */
  get count(): number {
    return this.#count;
  }

  /** Appends what a participant said, or the application where there is none. */
  appendUserMessage(text: string, participant: Participant | undefined): void {
    if (participant) this.#speakers.add(participant.userId);
    this.append(userMessage(text, participant));
  }

  /** Appends what was said, or done with tools. */
  append(...messages: ChatMessage[]): void {
    this.#history.append(...messages);
    this.#count += messages.length;
  }

  /** Returns the messages of a request; `more` is asked about, but not appended. */
  request(...more: ChatMessage[]): readonly ChatMessage[] | Promise<readonly ChatMessage[]> {
    const { instructions, latestImage, clock, report, countPeople } = this.#context;
    const isGroup = Math.max(this.#speakers.size, countPeople?.() ?? 0) > 1;
    const all: ChatMessage[] = instructions === "" ? [] : [{ role: "system", text: instructions }];
    for (const message of [...this.messages, ...more]) {
      const isNamed = isGroup && message.role === "user" && message.name;
      all.push(isNamed ? { ...message, text: `${message.name}: ${message.text}` } : message);
    }
    if (!this.#llm.acceptsImages || !latestImage) return all;
    const encoding = waitFor(promised(latestImage), "encoding the latest image", {
      timeoutMs: IMAGE_LIMIT_MS,
      clock,
    });
    return encoding.then((image) => image ? withImage(all, image) : all, (error) => {
      report(error, "showing the model the latest image");
      return all;
    });
  }
}

/** Adds the image to the latest message of a participant. */
function withImage(messages: ChatMessage[], image: EncodedImage): ChatMessage[] {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return messages.map((one, index) =>
    one.role === "user" && index === last ? { ...one, images: [image] } : one
  );
}
