import { type Clock, systemClock } from "../events/clock.ts";
import { checkObject, shown } from "../events/checks.ts";

/** Who speaks in a conversation: the application, a participant, or the agent. */
export type MessageRole = "system" | "user" | "assistant";

/** One message of a conversation. */
export interface Message {
  /** Unique within the conversation. */
  readonly id: string;
  /** Who speaks. */
  readonly role: MessageRole;
  /** Whose message it is: a {@linkcode User}'s id. */
  readonly userId: string;
  /** What is said. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Whether more text may follow, as from a model that is still answering. */
  readonly complete: boolean;
  /** Whether it was cut off: `text` is then what was heard of it. */
  readonly interrupted: boolean;
}

/** What is said when a message is appended. */
export interface MessageInit {
  /** Who speaks. */
  role: MessageRole;
  /** Whose message it is: a user's id. */
  userId: string;
  /** What is said. */
  text: string;
  /** Unique within the conversation; made up unless given. */
  id?: string;
  /** Default `true`. */
  complete?: boolean;
}

/** What can be changed of a message. */
export interface MessageChange {
  /** What is said, all of it. */
  text?: string;
  /** Whether the message is complete. */
  complete?: boolean;
  /** Whether it was cut off. */
  interrupted?: boolean;
}

/**
 * What was said in a call. Changes are visible at once: `append` and `update` give the message, and
 * no promise of it. An edge that keeps conversations elsewhere writes them behind, and `flush` waits
 * for that.
 */
export interface Conversation {
  /** Identifies the conversation within the edge. */
  readonly id: string;
  /** What the agent was told to be. */
  readonly instructions: string;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Adds a message at the end and returns it. */
  append(message: MessageInit): Message;
  /**
   * Changes a message and returns it as it is now.
   *
   * @throws {RangeError} there is no message with this id.
   */
  update(messageId: string, change: MessageChange): Message;
  /** Resolves when everything so far is written. */
  flush(): Promise<void>;
}

/** A {@linkcode Conversation} in memory, of at most `capacity` messages: the oldest go first. */
export class MemoryConversation implements Conversation {
  readonly id: string;
  readonly instructions: string;
  /** Messages that were dropped because the conversation was full. */
  dropped = 0;
  readonly #messages: Message[] = [];
  readonly #capacity: number;
  readonly #clock: Clock;
  #made = 0;

  /** Makes a memory conversation. */
  constructor(
    init: { id: string; instructions?: string; capacity?: number; clock?: Clock },
  ) {
    checkObject(init, "init", 'an object like { id: "kitchen" }');
    if (typeof init.id !== "string") {
      throw new TypeError(`init.id: expected a text, got ${shown(init.id)}`);
    }
    const { capacity = 1000 } = init;
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`capacity must be an integer >= 1, got ${capacity}`);
    }
    this.id = init.id;
    this.instructions = init.instructions ?? "";
    this.#capacity = capacity;
    this.#clock = init.clock ?? systemClock;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** Adds a message at the end and returns it; drops the oldest when there are too many. */
  append(init: MessageInit): Message {
    checkObject(init, "init", 'a message like { role: "user", userId, text }');
    const id = init.id ?? `${this.id}-${++this.#made}`;
    if (this.#messages.some((one) => one.id === id)) {
      throw new RangeError(`a message ${JSON.stringify(id)} is in the conversation already`);
    }
    const message: Message = {
      id,
      role: init.role,
      userId: init.userId,
      text: init.text,
      createdAtMs: this.#clock.epochMs(),
      complete: init.complete ?? true,
      interrupted: false,
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

  flush(): Promise<void> {
    return Promise.resolve();
  }
}
