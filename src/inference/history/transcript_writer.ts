import type { Message, MessageChange, MessageInit } from "../../edge/conversation.ts";
import type { Participant } from "../../edge/types.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import { type Expected, UserHook } from "../../events/user_code.ts";
import { TranscriptEvent } from "../contracts/events.ts";

/** A message that changes while it is said. */
export interface LoggedMessage {
  update(change: MessageChange): void;
}

type Writing = { readonly init: MessageInit } | {
  readonly id: string;
  readonly change: MessageChange;
};

const aMessage: Expected<Message> = {
  what: "the message as it is now",
  is: (value): value is Message =>
    typeof value === "object" && value !== null && "id" in value && typeof value.id === "string",
};

/**
 * Writes to the edge's conversation what is said, as it is said. Whatever goes wrong there is
 * reported and disturbs nobody who speaks.
 */
export class TranscriptWriter {
  readonly #context: PipelineContext;
  readonly #write: UserHook<Writing>;
  /** What people are saying right now. */
  readonly #turns = new Map<unknown, LoggedMessage>();

  constructor(context: PipelineContext) {
    const { conversation, clock, report } = context;
    this.#context = context;
    this.#write = new UserHook<Writing>(
      (one) =>
        "init" in one ? conversation.append(one.init) : conversation.update(one.id, one.change),
      { clock, report, context: "writing the conversation" },
    );
  }

  /** Somebody is to be answered, or the application itself where there is no participant. */
  asked(text: string, participant: Participant | undefined): void {
    const { agentUser } = this.#context;
    const role = participant ? "user" : "system";
    this.#append({ role, userId: participant?.userId ?? agentUser.id, text });
  }

  /** The agent says something: this, or what it will be shown with its first text. */
  agentSays(text?: string): LoggedMessage {
    const { id: userId } = this.#context.agentUser;
    const init = { role: "assistant", userId, complete: false } as const;
    return text === undefined ? this.#growing(init) : this.#append({ ...init, text });
  }

  /**
   * Shows what somebody says, in the conversation and as an event.
   *
   * @param turn tells one turn from the next
   * @param said all that was understood of it so far
   */
  participantSays(
    turn: unknown,
    said: { participant: Participant; text: string; final: boolean },
  ): void {
    const { participant, text, final } = said;
    const { userId } = participant;
    const message = this.#turns.get(turn) ?? this.#growing({ role: "user", userId });
    if (final) this.#turns.delete(turn);
    else this.#turns.set(turn, message);
    if (!/\S/.test(text)) {
      // What was shown of it turned out to be nothing: it is not waited for any more.
      if (final) message.update({ complete: true });
      return;
    }
    message.update({ text, complete: final });
    this.#context.emit(new TranscriptEvent({ participant, text, final }));
  }

  /** Nobody says any more: what was open is as complete as it gets. */
  close(): void {
    for (const message of this.#turns.values()) message.update({ complete: true });
    this.#turns.clear();
  }

  /** A message that is there from its first text on. */
  #growing(init: Omit<MessageInit, "text">): LoggedMessage {
    let message: LoggedMessage | undefined;
    return {
      update: (change) => {
        if (message) message.update(change);
        else if (change.text) {
          const { text, complete = false } = change;
          message = this.#append({ ...init, text, complete });
        }
      },
    };
  }

  #append(init: MessageInit): LoggedMessage {
    let message = this.#write.ask({ init }, undefined, aMessage);
    return {
      update: (change) => {
        if (!message) return;
        const { text, complete, interrupted } = message;
        if (
          (change.text ?? text) === text && (change.complete ?? complete) === complete &&
          (change.interrupted ?? interrupted) === interrupted
        ) return;
        message = this.#write.ask({ id: message.id, change }, undefined, aMessage) ?? message;
      },
    };
  }
}
