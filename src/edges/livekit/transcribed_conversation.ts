/** A conversation whose messages a room's participants see as transcriptions. @module */
import {
  type Clock,
  MemoryConversation,
  type Message,
  type MessageChange,
  type MessageInit,
} from "@ringline/edge/toolkit";

/** The shortest interval between two states of a growing message. */
const SHOW_MS = 150;

/** A state of a transcription, as LiveKit's front ends show it. */
export interface Transcription {
  /** The same for all states of a message. */
  readonly segmentId: string;
  /** The whole text so far. */
  readonly text: string;
  /** Whether more may follow. */
  readonly isFinal: boolean;
  /** Whose speech it is; `undefined` for the agent's. */
  readonly participantId: string | undefined;
  /** The only participant who may read it; `undefined` if all may. */
  readonly to: string | undefined;
}

/** What {@linkcode TranscribedConversation} needs. */
export interface TranscribedConversationInit {
  id: string;
  instructions: string;
  clock: Clock;
  /** Returns whether a participant has written a text, so that the room has it already. */
  isWritten: (participantId: string, text: string) => boolean;
  /** Sends a state to the room. A rejection is reported. */
  send: (transcription: Transcription) => Promise<void>;
  onError: (error: unknown) => void;
}

/**
 * A conversation in memory. What people and the agent say is sent to the room in the background, in
 * order; of a growing message only its latest state.
 */
export class TranscribedConversation extends MemoryConversation {
  readonly #options: TranscribedConversationInit;
  /** Messages with states that are not sent, in the order of the first of them. */
  readonly #changed = new Map<string, Message>();
  /** Messages of which the room knows a state. */
  readonly #shown = new Set<string>();
  #sending: Promise<void> | undefined;

  constructor(options: TranscribedConversationInit) {
    const { id, instructions, clock } = options;
    super({ id, instructions, clock });
    this.#options = options;
  }

  override append(init: MessageInit): Message {
    // Segments are shared with other agents of the room.
    const message = super.append({ ...init, id: init.id ?? crypto.randomUUID() });
    const { role, participantId, text, complete } = message;
    const isWritten = role === "user" && complete && participantId !== undefined &&
      this.#options.isWritten(participantId, text);
    if (!isWritten) this.#queue(message);
    return message;
  }

  override update(messageId: string, change: MessageChange): Message {
    const message = super.update(messageId, change);
    this.#queue(message);
    return message;
  }

  override remove(messageId: string): void {
    const message = this.messages.find(({ id }) => id === messageId);
    super.remove(messageId);
    this.#changed.delete(messageId);
    // LiveKit has no removal: an empty text shows nothing.
    if (message && this.#shown.has(messageId)) {
      this.#queue({ ...message, text: "", complete: true });
    }
  }

  override async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  #queue(message: Message): void {
    // The agent's instructions and its tools are no speech.
    if (message.role !== "user" && message.role !== "assistant") return;
    // Of a person who is not in the room: as the agent's it would be another's words.
    if (message.role === "user" && message.participantId === undefined) return;
    if (message.text === "" && !this.#shown.has(message.id)) return;
    this.#changed.set(message.id, message);
    this.#sending ??= this.#send().finally(() => this.#sending = undefined);
  }

  async #send(): Promise<void> {
    const { clock, send, onError } = this.#options;
    // What changes in the same turn is sent together.
    await Promise.resolve();
    for (const [id, message] of this.#changed) {
      this.#changed.delete(id);
      this.#shown.add(id);
      if (message.complete) this.#shown.delete(id);
      const { role, text, complete, participantId, to } = message;
      try {
        await send({
          segmentId: id,
          text,
          isFinal: complete,
          to,
          participantId: role === "user" ? participantId : undefined,
        });
      } catch (error) {
        onError(error);
      }
      if (complete) continue;
      const paused = Promise.withResolvers<void>();
      using _timer = clock.schedule(() => paused.resolve(), SHOW_MS);
      await paused.promise;
    }
  }
}
