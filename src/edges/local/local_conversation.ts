import type { JsonValue, User } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { CallConnection } from "../../edge/call_connection.ts";
import {
  MemoryConversation,
  type Message,
  type MessageChange,
  type MessageInit,
} from "../../edge/conversation.ts";
import { MAX_CUSTOM_EVENT_BYTES } from "../../edge/custom_event.ts";

/** How often a message that is still being written is shown anew. */
const RENEW_MS = 100;

/** What a {@linkcode LocalConversation} is made of. */
export interface LocalConversationInit {
  id: string;
  instructions: string;
  clock: Clock;
  /** Whose conversation it is: the agent's. */
  user: User;
  /** The agent's connection, while there is one. */
  connection(): CallConnection | undefined;
}

/**
 * A conversation that the people in the call see: each message goes to their pages as a custom
 * event `{ type: "transcript", id, role, name, text, complete, interrupted }`. What the system says
 * to the agent is not shown.
 */
export class LocalConversation extends MemoryConversation {
  readonly #init: LocalConversationInit;
  /** Messages that changed since they were last sent, and when they may be sent again. */
  readonly #waiting = new Map<string, Message>();
  #timer: Disposable | undefined;

  constructor(init: LocalConversationInit) {
    super(init);
    this.#init = init;
  }

  override append(init: MessageInit): Message {
    return this.#changed(super.append(init));
  }

  override update(messageId: string, change: MessageChange): Message {
    return this.#changed(super.update(messageId, change));
  }

  override async flush(): Promise<void> {
    await this.#sendAll();
  }

  #changed(message: Message): Message {
    if (message.role === "system") return message;
    this.#waiting.set(message.id, message);
    // A model's answer grows many times a second; nobody reads that fast.
    if (message.complete) void this.#sendAll();
    else this.#timer ??= this.#init.clock.schedule(() => void this.#sendAll(), RENEW_MS);
    return message;
  }

  async #sendAll(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const messages = [...this.#waiting.values()];
    this.#waiting.clear();
    const connection = this.#init.connection();
    if (!connection || connection.state === "closed") return;
    const sent = messages.map((message) =>
      connection.sendCustomEvent(this.#event(message, connection))
    );
    // Whoever does not see a line can still hear it: not worth an error.
    await Promise.allSettled(sent);
  }

  #event(message: Message, connection: CallConnection): JsonValue {
    const { id, role, userId, complete, interrupted } = message;
    const name = role === "assistant"
      ? this.#init.user.name
      : [...connection.participants.values()].find((one) => one.userId === userId)?.name ?? userId;
    const event = (text: string) => ({
      type: "transcript",
      id,
      role,
      name,
      text,
      complete,
      interrupted,
    });
    const whole = event(message.text);
    if (byteLength(JSON.stringify(whole)) <= MAX_CUSTOM_EVENT_BYTES) return whole;
    // Code points, so that no character is cut in two.
    let letters = [...message.text.slice(0, MAX_CUSTOM_EVENT_BYTES)];
    for (;;) {
      const cut = event(`${letters.join("")}…`);
      if (letters.length === 0 || byteLength(JSON.stringify(cut)) <= MAX_CUSTOM_EVENT_BYTES) {
        return cut;
      }
      letters = letters.slice(0, Math.floor(letters.length * 0.8));
    }
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
