/** The messages of a call. @module */
import { type Clock, systemClock } from "../events/clock.ts";
import { checkOptions, shown } from "../events/checks.ts";
import type { JsonValue } from "./types.ts";

/** The author of a message: the application, a participant, the agent, or a tool of the agent's. */
export type MessageRole = "system" | "user" | "assistant" | "tool";

/** A call of a tool, as a transcript keeps it. */
export interface MessageToolCall {
  /** Unique within the conversation. */
  readonly id: string;
  /** The name of the tool. */
  readonly name: string;
  /** The arguments. */
  readonly input: JsonValue;
  /** The outcome, or the error's description; `undefined` while there is none. */
  readonly result?: string;
  /** Whether the call failed. */
  readonly isError?: boolean;
}

/** One message of a conversation. */
export interface Message {
  /** Unique within the conversation. */
  readonly id: string;
  /** The kind of author. */
  readonly role: MessageRole;
  /** The id of the {@linkcode User} whose message it is. */
  readonly userId: string;
  /** The id of the participant whose message it is, if one's. */
  readonly participantId?: string;
  /** Which agent spoke, where one has handed the call over to another: its name. */
  readonly agentName?: string;
  /** The id of the only participant who heard it, where others did not: they are not to read it. */
  readonly to?: string;
  /** The text. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Whether more text may follow, as from a model that is still generating. */
  readonly complete: boolean;
  /** Whether it was interrupted: `text` is then the part that was heard. */
  readonly interrupted: boolean;
  /** The call and its outcome, of a message of a tool. */
  readonly toolCall?: MessageToolCall;
}

/** A message to append. */
export interface MessageInit {
  /** The kind of author. */
  role: MessageRole;
  /** The id of the user whose message it is. */
  userId: string;
  /** The id of the participant whose message it is: a user may be here with two devices. */
  participantId?: string;
  /** Which agent speaks, where one has handed the call over to another. */
  agentName?: string;
  /** The id of the only participant who hears it. Default: all do. */
  to?: string;
  /** The text. */
  text: string;
  /** Unique within the conversation. Default: a new id. */
  id?: string;
  /** Whether the message is complete. Default `true`. */
  complete?: boolean;
  /** The call, of a message of a tool. */
  toolCall?: MessageToolCall;
}

/** A change of a message. */
export interface MessageChange {
  /** The whole text. */
  text?: string;
  /** Whether the message is complete. */
  complete?: boolean;
  /** Whether it was interrupted. */
  interrupted?: boolean;
  /** The call and its outcome. */
  toolCall?: MessageToolCall;
}

/**
 * The messages of a call. People may be shown those of participants and of the agent; those of the
 * application and of tools are not theirs to read. `append` and `update` return the message itself, not a
 * promise: changes are visible immediately. An edge that keeps conversations elsewhere writes them in the
 * background, and `flush` waits for that.
 */
export interface Conversation {
  /** Identifies the conversation within the edge. */
  readonly id: string;
  /** The agent's instructions. */
  readonly instructions: string;
  /** The messages, oldest first. */
  readonly messages: readonly Message[];
  /** Appends a message and returns it. */
  append(message: MessageInit): Message;
  /**
   * Changes a message and returns the new version.
   *
   * @throws {RangeError} there is no message with this id.
   */
  update(messageId: string, change: MessageChange): Message;
  /** Removes a message of which nothing was said or heard. Does nothing where there is none. */
  remove(messageId: string): void;
  /** Resolves when all changes so far are written. */
  flush(): Promise<void>;
}

const MESSAGE = {
  role: true,
  userId: true,
  participantId: true,
  agentName: true,
  to: true,
  text: true,
  id: true,
  complete: true,
  toolCall: true,
} as const;

/** A {@linkcode Conversation} in memory, of at most `capacity` messages: it drops the oldest. */
export class MemoryConversation implements Conversation {
  readonly id: string;
  readonly instructions: string;
  /** Messages that were dropped because the conversation was full. */
  dropped = 0;
  readonly #messages: Message[] = [];
  readonly #capacity: number;
  readonly #clock: Clock;
  #created = 0;

  /** Creates an empty conversation. */
  constructor(
    init: { id: string; instructions?: string; capacity?: number; clock?: Clock },
  ) {
    checkOptions(
      init,
      "init",
      { id: true, instructions: true, capacity: true, clock: true },
      'an object like { id: "kitchen" }',
    );
    if (typeof init.id !== "string") {
      throw new TypeError(`init.id: expected a text, got ${shown(init.id)}`);
    }
    const { capacity = 1000 } = init;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`capacity: expected an integer >= 1, got ${capacity}`);
    }
    this.id = init.id;
    this.instructions = init.instructions ?? "";
    this.#capacity = capacity;
    this.#clock = init.clock ?? systemClock;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** Appends a message and returns it; drops the oldest when there are more than `capacity`. */
  append(init: MessageInit): Message {
    checkOptions(init, "init", MESSAGE, 'a message like { role: "user", userId, text }');
    const id = init.id ?? `${this.id}-${++this.#created}`;
    if (this.#messages.some((one) => one.id === id)) {
      throw new RangeError(`init.id: the conversation already has a message ${JSON.stringify(id)}`);
    }
    const message: Message = {
      id,
      role: init.role,
      userId: init.userId,
      ...(init.participantId === undefined ? {} : { participantId: init.participantId }),
      ...(init.agentName === undefined ? {} : { agentName: init.agentName }),
      ...(init.to === undefined ? {} : { to: init.to }),
      text: init.text,
      createdAtMs: this.#clock.epochMs(),
      complete: init.complete ?? true,
      interrupted: false,
      ...init.toolCall ? { toolCall: init.toolCall } : {},
    };
    this.#messages.push(message);
    if (this.#messages.length > this.#capacity) {
      this.#messages.shift();
      this.dropped++;
    }
    return message;
  }

  update(messageId: string, change: MessageChange): Message {
    // The message that changes is nearly always the last one.
    const index = this.#messages.findLastIndex((one) => one.id === messageId);
    if (index < 0) throw new RangeError(`there is no message ${JSON.stringify(messageId)}`);
    const message = { ...this.#messages[index]!, ...change };
    this.#messages[index] = message;
    return message;
  }

  remove(messageId: string): void {
    const index = this.#messages.findLastIndex((one) => one.id === messageId);
    if (index >= 0) this.#messages.splice(index, 1);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}
