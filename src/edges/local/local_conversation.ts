/**
 * The conversation that the page shows.
 *
 * @module
 */
import type { JsonValue, User } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { EdgeError } from "../../edge/errors.ts";
import type { CallConnection } from "../../edge/call_connection.ts";
import type { MediaConnection } from "../../media/parent/media_connection.ts";
import {
  MemoryConversation,
  type Message,
  type MessageChange,
  type MessageInit,
} from "../../edge/conversation.ts";
import { MAX_CUSTOM_EVENT_BYTES } from "../../edge/custom_event.ts";
import { jsonByteLength } from "../../edge/json.ts";

/** Milliseconds between updates of a message that is still growing. */
const UPDATE_MS = 100;

/** The agent's connection, over which the pages receive messages. */
export type PageConnection =
  & Pick<CallConnection, "state" | "participants" | "sendCustomEvent">
  & Pick<MediaConnection, "sendCustomEventTo">;

/** Options for a {@linkcode LocalConversation}. */
export interface LocalConversationInit {
  id: string;
  instructions: string;
  clock: Clock;
  /** The agent's user. */
  user: User;
  /** Returns the agent's connection, while there is one. */
  connection(): PageConnection | undefined;
}

/**
 * A conversation that the people in the call see: it sends each message to their pages as a custom
 * event `{ type: "transcript", id, role, participant, name, text, complete, interrupted }`, except for
 * those of the application and of tools. `participant` is the id of the participant who said it. One
 * that is removed is sent once more, complete and without a text. What only one participant heard goes
 * to their page alone.
 */
export class LocalConversation extends MemoryConversation {
  readonly #init: LocalConversationInit;
  /** Messages that changed since they were last sent. */
  readonly #waiting = new Map<string, Message>();
  /** The names of participants by id: of those who have left, too. */
  readonly #names = new Map<string, string>();
  #timer: Disposable | undefined;

  constructor(init: LocalConversationInit) {
    const { id, instructions, clock } = init;
    super({ id, instructions, clock });
    this.#init = init;
  }

  override append(init: MessageInit): Message {
    return this.#changed(super.append(init));
  }

  override update(messageId: string, change: MessageChange): Message {
    return this.#changed(super.update(messageId, change));
  }

  override remove(messageId: string): void {
    const message = this.messages.find(({ id }) => id === messageId);
    super.remove(messageId);
    // An empty message takes its line from the page.
    if (message) this.#changed({ ...message, text: "", complete: true });
  }

  override async flush(): Promise<void> {
    await this.#sendAll();
  }

  #changed(message: Message): Message {
    if (message.role === "system" || message.role === "tool") return message;
    this.#waiting.set(message.id, message);
    // A model's reply grows many times a second, faster than people read.
    if (message.complete) void this.#sendAll();
    else this.#timer ??= this.#init.clock.schedule(() => void this.#sendAll(), UPDATE_MS);
    return message;
  }

  async #sendAll(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const messages = [...this.#waiting.values()];
    this.#waiting.clear();
    const connection = this.#init.connection();
    if (!connection || connection.state === "closed") return;
    const lost: string[] = [];
    await Promise.all(messages.map(async (message) => {
      try {
        const event = this.#event(message, connection);
        // What one participant alone heard is theirs alone to read.
        if (message.to === undefined) await connection.sendCustomEvent(event);
        else await connection.sendCustomEventTo(message.to, event);
      } catch (error) {
        // A person who misses a line can still hear it: not worth an error.
        if ((error as Partial<EdgeError>).code === "media-process-replaced") lost.push(message.id);
      }
    }));
    if (lost.length === 0) return;
    // A page knows a line by its id, so that it may arrive twice; as it is by now.
    for (const message of this.messages.filter(({ id }) => lost.includes(id))) {
      this.#waiting.set(message.id, message);
    }
    await this.#sendAll();
  }

  #event(message: Message, connection: PageConnection): JsonValue {
    const { id, role, userId, participantId: participant, complete, interrupted } = message;
    const name = role === "assistant"
      ? message.agentName ?? this.#init.user.name
      : this.#nameOf(connection, { userId, participant });
    const event = (text: string) => ({
      type: "transcript",
      id,
      role,
      ...(participant === undefined ? {} : { participant }),
      name,
      text,
      complete,
      interrupted,
    });
    const whole = event(message.text);
    if (jsonByteLength(whole) <= MAX_CUSTOM_EVENT_BYTES) return whole;
    // Code points, so that no character is split.
    let letters = [...message.text.slice(0, MAX_CUSTOM_EVENT_BYTES)];
    for (;;) {
      const cut = event(`${letters.join("")}…`);
      if (letters.length === 0 || jsonByteLength(cut) <= MAX_CUSTOM_EVENT_BYTES) {
        return cut;
      }
      letters = letters.slice(0, Math.floor(letters.length * 0.8));
    }
  }

  /** By participant: one user may be here twice, under two names. */
  #nameOf(
    { participants }: PageConnection,
    { userId, participant }: { userId: string; participant: string | undefined },
  ): string {
    if (participant === undefined) {
      return [...participants.values()].find((one) => one.userId === userId)?.name ?? userId;
    }
    const name = participants.get(participant)?.name ?? this.#names.get(participant) ?? userId;
    this.#names.set(participant, name);
    return name;
  }
}
