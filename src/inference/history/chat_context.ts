import type { Participant } from "../../edge/types.ts";
import type { LLM } from "../contracts/llm.ts";
import type { ChatMessage, EncodedImage } from "../contracts/messages.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import { promised } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { ChatHistory } from "./chat_history.ts";
import { userMessage } from "../reply/user_message.ts";

/** A picture that takes longer than this is not waited for: the answer comes without it. */
const IMAGE_LIMIT_MS = 5000;

/** How a {@linkcode ChatContext} is made. */
export interface ChatContextOptions {
  llm: Pick<LLM, "acceptsImages">;
  /** How many messages it is told at most. Default 200. */
  limit?: number;
}

/** What the model is told: who it is, what was said and by whom, and what is to be seen. */
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
    // What was said before the agent came, or before it came back, is where it goes on.
    for (const { role, text, userId } of context.conversation.messages) {
      if (!/\S/.test(text)) continue;
      this.#history.append(role === "user" ? { role, text, name: userId } : { role, text });
    }
  }

  /** What was said, oldest first. */
  get messages(): readonly ChatMessage[] {
    return this.#history.messages;
  }

  /** How many there have been since the agent came, those that are forgotten included. */
  get count(): number {
    return this.#count;
  }

  /** Somebody said this, or the application. */
  heard(text: string, participant: Participant | undefined): void {
    if (participant) this.#speakers.add(participant.userId);
    this.said(userMessage(text, participant));
  }

  /** This was said, or done with tools. */
  said(...messages: ChatMessage[]): void {
    this.#history.append(...messages);
    this.#count += messages.length;
  }

  /** What the model is asked with, and with this too that is not certain to have been said. */
  request(...more: ChatMessage[]): readonly ChatMessage[] | Promise<readonly ChatMessage[]> {
    const { instructions, latestImage, clock, report, countPeople } = this.#context;
    const isGroup = Math.max(this.#speakers.size, countPeople?.() ?? 0) > 1;
    const all: ChatMessage[] = instructions === "" ? [] : [{ role: "system", text: instructions }];
    for (const message of [...this.messages, ...more]) {
      const isNamed = isGroup && message.role === "user" && message.name;
      all.push(isNamed ? { ...message, text: `${message.name}: ${message.text}` } : message);
    }
    if (!this.#llm.acceptsImages || !latestImage) return all;
    const encoding = waitFor(promised(latestImage), "encoding what is to be seen", {
      timeoutMs: IMAGE_LIMIT_MS,
      clock,
    });
    return encoding.then((image) => image ? illustrated(all, image) : all, (error) => {
      report(error, "showing the model what is to be seen");
      return all;
    });
  }
}

/** The picture belongs to what was said last. */
function illustrated(messages: ChatMessage[], image: EncodedImage): ChatMessage[] {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return messages.map((one, index) =>
    one.role === "user" && index === last ? { ...one, images: [image] } : one
  );
}
