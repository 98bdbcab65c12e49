import type { Reply } from "./reply.ts";

/** A reply that was written and not said. */
export interface TextReply {
  /** The text of the reply. */
  readonly text: string;
}

/** Replies in text, without sound: shown and remembered as if they had been heard whole. */
export class TextReplies {
  readonly #open = new Set<Reply>();

  /** Resolves with the whole reply; rejects with what the model threw, or the signal's reason. */
  async read(reply: Reply, signal?: AbortSignal): Promise<TextReply> {
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
      throw signal?.aborted ? signal.reason : error;
    } finally {
      this.#open.delete(reply);
      signal?.removeEventListener("abort", cancel);
      const { text, message } = reply;
      if (text !== "") message.update({ text, complete: true, interrupted: failed });
      reply.remember([{ chars: text.length, playedChars: text.length }]);
    }
  }

  /** Cancels those that are not complete. */
  close(): void {
    for (const reply of this.#open) reply.cancel();
  }
}
