import type { Conversation, Message, MessageChange, MessageInit } from "../../edge/conversation.ts";

/** A message that changes while it is said. */
export interface LoggedMessage {
  update(change: MessageChange): void;
}

/**
 * Writes to the edge's conversation what is said, as it is said. Whatever goes wrong there is
 * reported and disturbs nobody who speaks.
 */
export class ConversationLog {
  readonly #conversation: Conversation;
  readonly #report: (error: unknown, context: string) => void;

  constructor(
    conversation: Conversation,
    report: (error: unknown, context: string) => void,
  ) {
    this.#conversation = conversation;
    this.#report = report;
  }

  append(init: MessageInit): LoggedMessage {
    let message: Message | undefined;
    this.#try(() => message = this.#conversation.append(init));
    return {
      update: (change) => {
        if (!message) return;
        const { text, complete, interrupted } = message;
        if (
          (change.text ?? text) === text && (change.complete ?? complete) === complete &&
          (change.interrupted ?? interrupted) === interrupted
        ) return;
        this.#try(() => message = this.#conversation.update(message!.id, change));
      },
    };
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#report(error, "writing the conversation");
    }
  }
}
