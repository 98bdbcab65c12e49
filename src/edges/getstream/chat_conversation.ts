/** A conversation on a channel of Stream's chat. @module */
import {
  type Clock,
  DropCounter,
  EdgeError,
  MemoryConversation,
  type Message,
  type MessageChange,
  type MessageInit,
  sleep,
  systemClock,
} from "@ringline/edge/toolkit";
import { chunksOf } from "./chat_chunks.ts";
import { retrying } from "./wire/retrying.ts";
import type { StreamChatMessage, StreamService } from "./service/stream_service.ts";

/** The part of the service that a conversation writes to. */
export type ChatWriter = Pick<
  StreamService,
  "openChannel" | "sendMessage" | "showMessage" | "finishMessage" | "deleteMessage"
>;

/** Options for {@linkcode ChatConversation}. */
export interface ChatConversationOptions {
  id: string;
  instructions: string;
  channelId: string;
  /** The user who creates the channel. */
  ownerId: string;
  writer: ChatWriter;
  clock?: Clock;
  /** Aborting it ends all writing. */
  signal?: AbortSignal;
  /** Receives the promise of each run of writing, which never rejects. */
  onWriting?: (writing: Promise<void>) => void;
  /** A message could not be written, or was dropped. */
  onError: (error: unknown) => void;
}

/** The most messages that may wait to be written. */
const MAX_WAITING = 500;
/** The number of tries in all for a failing write, and the pause before the second one; it doubles. */
const RETRY = { tries: 5, firstMs: 500 };
/** The shortest interval between two updates of a growing message. */
const UPDATE_MS = 250;

/**
 * A conversation on a channel of Stream's chat. A message is in the conversation immediately and is
 * written later, one request after the other and in order. Only its latest state is written, so that
 * a slow service costs intermediate states and nothing else.
 */
export class ChatConversation extends MemoryConversation {
  readonly #options: ChatConversationOptions;
  readonly #clock: Clock;
  /** Messages with unwritten changes, in the order of their first unwritten change. */
  readonly #dirty = new Map<string, Message>();
  readonly #written = new Map<string, Written>();
  readonly #removed = new Set<string>();
  readonly #drops: DropCounter;
  readonly #signal: AbortSignal;
  #isOpen = false;
  #writing: Promise<void> | undefined;

  constructor(options: ChatConversationOptions) {
    const { id, instructions, clock = systemClock } = options;
    super({ id, instructions, clock });
    this.#options = options;
    this.#clock = clock;
    this.#signal = options.signal ?? new AbortController().signal;
    this.#drops = new DropCounter(this.#clock, (dropped, total) => {
      options.onError(
        new EdgeError(
          `dropped ${dropped} messages (${total} in all): the chat is slower than the conversation`,
          {
            code: "chat-overflow",
            retryable: true,
          },
        ),
      );
    });
  }

  override append(init: MessageInit): Message {
    // The channel is shared with other programs: an id must be unique there, too.
    const message = super.append({ ...init, id: init.id ?? crypto.randomUUID() });
    this.#queue(message);
    return message;
  }

  override update(messageId: string, change: MessageChange): Message {
    const message = super.update(messageId, change);
    this.#queue(message);
    return message;
  }

  override remove(messageId: string): void {
    const message = this.messages.find(({ id }) => id === messageId);
    if (!message) return;
    super.remove(messageId);
    this.#removed.add(messageId);
    this.#queue({ ...message, complete: true });
  }

  override async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  #queue(message: Message): void {
    // The agent's instructions and its tools are no messages of the call.
    if (message.role === "system" || message.role === "tool" || this.#signal.aborted) return;
    this.#dirty.set(message.id, message);
    if (this.#dirty.size > MAX_WAITING) {
      this.#dirty.delete(this.#dirty.keys().next().value!);
      this.#drops.add();
    }
    this.#start();
  }

  #start(): void {
    if (this.#writing) return;
    this.#writing = this.#write().finally(() => this.#writing = undefined).then(() => {
      // A message may have come after the last write.
      if (this.#dirty.size > 0 && !this.#signal.aborted) this.#start();
    });
    this.#options.onWriting?.(this.#writing);
  }

  async #write(): Promise<void> {
    // Changes in the same turn of the loop are one state.
    await Promise.resolve();
    if (!await this.#open()) return this.#dirty.clear();
    for (const [id] of this.#dirty) {
      if (this.#signal.aborted) break;
      await this.#awaitTurn(id);
      // Looked up late: it may have grown, and only the latest state counts.
      const message = this.#dirty.get(id);
      this.#dirty.delete(id);
      if (message) await this.#writeMessage(message);
    }
  }

  /** Creates the channel with the first message, so that joining a call does not wait for it. */
  async #open(): Promise<boolean> {
    const { writer, channelId, ownerId } = this.#options;
    this.#isOpen ||= await this.#attempt(() => writer.openChannel(channelId, ownerId, [ownerId]));
    return this.#isOpen;
  }

  /** Delays the update of a growing message; a complete one is written immediately. */
  async #awaitTurn(id: string): Promise<void> {
    const written = this.#written.get(id);
    while (written && this.#dirty.get(id)?.complete === false && !this.#signal.aborted) {
      const rest = written.shownAt + UPDATE_MS - this.#clock.now();
      if (rest <= 0 || this.#dirty.size > 1) return;
      await sleep(Math.min(rest, 50), { clock: this.#clock, signal: this.#signal })
        .catch(() => {});
    }
  }

  async #writeMessage(message: Message): Promise<void> {
    const { writer, channelId } = this.#options;
    const texts = this.#removed.delete(message.id) ? [] : chunksOf(message.text);
    const written = this.#written.get(message.id) ?? { texts: [], complete: false, shownAt: 0 };
    this.#written.set(message.id, written);
    const total = texts.length;
    const isRegrouped = total !== written.texts.length;
    for (let index = 0; index < Math.max(total, written.texts.length); index++) {
      const before = written.texts[index];
      const text = texts[index];
      const id = chunkId(message.id, index);
      if (text === undefined) {
        await this.#attempt(() => writer.deleteMessage(id, message.userId));
        continue;
      }
      const isNews = text !== before || message.complete !== written.complete || isRegrouped;
      if (!isNews) continue;
      const chat = streamChatMessage(message, { id, text, index, total });
      if (before === undefined) {
        let isRepeated = false;
        const isSent = await this.#attempt(() => {
          // A write that seemed to fail may have arrived: then the message exists already.
          if (isRepeated) {
            return writer.sendMessage(channelId, chat).catch((error) => {
              if (error instanceof EdgeError && error.code === "refused") {
                return writer.finishMessage(chat);
              }
              throw error;
            });
          }
          isRepeated = true;
          return writer.sendMessage(channelId, chat);
        });
        if (!isSent) continue;
      } else if (message.complete) {
        await this.#attempt(() => writer.finishMessage(chat));
      } else await this.#attempt(() => writer.showMessage(chat));
      written.texts[index] = text;
    }
    written.texts.length = Math.min(written.texts.length, total);
    written.complete = message.complete;
    written.shownAt = this.#clock.now();
    if (!message.complete) return;
    // A finished message can still be cut to what was heard, but not after many others.
    if (this.#written.size > MAX_WAITING) {
      this.#written.delete(this.#written.keys().next().value!);
    }
  }

  /** Tries until it succeeds or cannot succeed; returns whether it did. */
  async #attempt(act: () => Promise<void>): Promise<boolean> {
    const signal = this.#signal;
    try {
      await retrying(act, { ...RETRY, signal, clock: this.#clock });
      return true;
    } catch (error) {
      if (!signal.aborted) this.#options.onError(error);
      return false;
    }
  }
}

/** The state of a message on the channel. */
interface Written {
  texts: string[];
  complete: boolean;
  shownAt: number;
}

function chunkId(messageId: string, index: number): string {
  return index === 0 ? messageId : `${messageId}-${index}`;
}

function streamChatMessage(
  message: Message,
  chunk: { id: string; text: string; index: number; total: number },
): StreamChatMessage {
  return {
    id: chunk.id,
    text: chunk.text,
    user_id: message.userId,
    custom: {
      generating: !message.complete,
      chunk_group: message.id,
      chunk_index: chunk.index,
      total_chunks: chunk.total,
      ...(message.interrupted ? { interrupted: true } : {}),
    },
  };
}
