/** Replies that are read, and not heard. @module */
import type { Reply } from "./reply.ts";
import type { ToolRun } from "./tool_run.ts";

/** A reply that was written and not said. */
export interface TextReply {
  /** The text of the reply; where it ends the call, with the last words, which are said. */
  readonly text: string;
}

/** Returns a reply with the last words of the call that it ends; `undefined` where it ends none. */
export function endingReply(text: string, runs: readonly ToolRun[]): TextReply | undefined {
  const last = runs.find(({ endsCall }) => endsCall);
  return last && { text: [text.trim(), last.lastWords].filter((one) => one !== "").join("\n") };
}

/** Replies in text, without sound: shown and remembered as if they had been heard whole. */
export class TextReplies {
  readonly #open = new Set<Reply>();

  /**
   * Resolves with the whole reply, or with what there is of one that ends the call; rejects with what the
   * model threw, or the signal's reason.
   *
   * @param next starts the reply of an agent to which the call was handed over in this one
   */
  async read(first: Reply, next: () => Reply, signal?: AbortSignal): Promise<TextReply> {
    const texts: string[] = [];
    for (let reply = first;; reply = next()) {
      texts.push((await this.#read(reply, signal)).text);
      if (!reply.isCutShort) return { text: texts.filter((text) => text !== "").join("\n") };
    }
  }

  async #read(reply: Reply, signal: AbortSignal | undefined): Promise<TextReply> {
    const cancel = () => reply.cancel();
    this.#open.add(reply);
    signal?.addEventListener("abort", cancel, { once: true });
    let failed = true;
    try {
      reply.commit();
      for await (const _ of reply.textStream);
      failed = false;
      return { text: reply.text };
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const ending = endingReply(reply.text, reply.runs);
      if (!ending) throw error;
      failed = false;
      return ending;
    } finally {
      this.#open.delete(reply);
      signal?.removeEventListener("abort", cancel);
      const { text, message } = reply;
      message.update({ text, complete: true, interrupted: failed });
      reply.remember([{ chars: text.length, playedChars: text.length }]);
    }
  }

  /** Cancels those that are not complete. */
  close(): void {
    for (const reply of this.#open) reply.cancel();
  }
}
