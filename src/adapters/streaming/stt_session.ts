/** A recogniser's session over a WebSocket, whatever the vendor's messages are. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Channel } from "../../events/channel.ts";
import type { Clock } from "../../events/clock.ts";
import type { SttEvent, SttSession } from "../../inference/contracts/stt.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";
import type { ServiceSocket, ServiceSocketInit } from "./service_socket.ts";

/** Audio for a service that takes none is too old to be of use after about a minute. */
const MAX_BUFFERED_BYTES = 8_000_000;
/** How long the service may take for its last text after the end. */
const END_LIMIT_MS = 5000;

/** What a vendor's codec does its work with. */
export interface SttIo {
  readonly clock: Clock;
  /** Sends a message of the vendor. */
  send(message: string | Uint8Array): void;
  /** Emits an event of the session. */
  emit(event: SttEvent): void;
  /** The connection is of no more use. */
  fail(error: InferenceError): void;
}

/** The messages of one connection. */
export interface SttCodec extends Disposable {
  /** Whether the service still owes text for audio that it was sent. */
  readonly isOwed: boolean;
  /** Sends audio. */
  sendAudio(pcm: PcmChunk): void;
  /** Ends the current segment; emits `committed` when its text is complete. */
  commit(): void;
  /**
   * Says that no more audio comes. The session is over when the service closes the connection, or
   * owes nothing any more.
   */
  end(): void;
  /** Takes a message of the service. An error that it throws ends the connection. */
  receive(data: string | Uint8Array<ArrayBuffer>): void;
}

/** Options for a {@linkcode StreamingSttSession}. */
export interface StreamingSttSessionInit {
  readonly name: string;
  readonly clock: Clock;
  readonly connect: (
    options: Pick<ServiceSocketInit, "onMessage" | "onLost">,
  ) => ServiceSocket;
  readonly codec: (io: SttIo) => SttCodec;
  readonly onError: (error: InferenceError) => void;
}

/** A connection, and what is said on it. */
interface Connection {
  readonly socket: ServiceSocket;
  readonly codec: SttCodec;
}

/**
 * A session with one connection. It fails when the connection is lost while text is due; an idle one
 * that the service closes is opened again with the next audio.
 */
export class StreamingSttSession implements SttSession {
  readonly #init: StreamingSttSessionInit;
  readonly #events = new Channel<SttEvent>();
  readonly #closing = new Set<Promise<void>>();
  #connection: Connection | undefined;
  #endLimit: Disposable | undefined;
  #isOver = false;

  constructor(init: StreamingSttSessionInit) {
    this.#init = init;
    this.#open();
  }

  sendAudio(pcm: PcmChunk): void {
    if (this.#isOver || this.#endLimit) return;
    const { socket, codec } = this.#open();
    if (socket.bufferedBytes > MAX_BUFFERED_BYTES) {
      return this.#fail(this.#error("takes no audio", { code: "cut-off", retryable: true }));
    }
    codec.sendAudio(pcm);
  }

  commit(): void {
    if (this.#isOver || this.#endLimit) return;
    if (this.#connection) this.#connection.codec.commit();
    else this.#events.push({ type: "committed" });
  }

  end(): void {
    if (this.#isOver || this.#endLimit) return;
    if (!this.#connection?.codec.isOwed) return this.#finish();
    this.#connection.codec.end();
    this.#endLimit = this.#init.clock.schedule(() => this.#finish(), END_LIMIT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish();
    await Promise.all(this.#closing);
  }

  [Symbol.asyncIterator](): AsyncIterator<SttEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  #open(): Connection {
    if (this.#connection) return this.#connection;
    const { clock, connect, codec: create } = this.#init;
    const isCurrent = () => this.#connection === connection;
    const socket = connect({
      onMessage: (data) => isCurrent() && this.#receive(data),
      onLost: (error) => isCurrent() && this.#lost(error),
    });
    const codec = create({
      clock,
      send: (message) => socket.send(message),
      emit: (event) => isCurrent() && this.#events.push(event),
      fail: (error) => isCurrent() && this.#failed(error),
    });
    const connection: Connection = { socket, codec };
    return this.#connection = connection;
  }

  #receive(data: string | Uint8Array<ArrayBuffer>): void {
    const { codec } = this.#connection!;
    try {
      codec.receive(data);
      if (this.#endLimit && !codec.isOwed) this.#finish();
    } catch (cause) {
      const options = { code: "malformed", retryable: true, cause };
      this.#fail(this.#error("sent a message that cannot be read", options));
    }
  }

  #lost(error: InferenceError): void {
    // After the end the service closes.
    if (this.#endLimit) return this.#finish();
    this.#failed(error);
  }

  /** An idle connection may be closed, and that may be said as an error: the next audio opens another. */
  #failed(error: InferenceError): void {
    const isRefused = error.status !== undefined || !error.retryable;
    if (!this.#connection!.codec.isOwed && !isRefused) return this.#close();
    this.#fail(error);
  }

  #fail(error: InferenceError): void {
    this.#init.onError(error);
    this.#events.fail(error);
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    this.#endLimit?.[Symbol.dispose]();
    this.#events.end();
    this.#close();
  }

  #close(): void {
    if (!this.#connection) return;
    const { socket, codec } = this.#connection;
    this.#connection = undefined;
    codec[Symbol.dispose]();
    const closing = socket[Symbol.asyncDispose]().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #error(what: string, options: { code: string; retryable: boolean; cause?: unknown }) {
    return new InferenceError(`${this.#init.name} ${what}`, options);
  }
}

/** The commits of a connection, each settled once and in order. */
export class Commits implements Disposable {
  readonly #io: SttIo;
  readonly #limits: Disposable[] = [];

  constructor(io: SttIo) {
    this.#io = io;
  }

  /** How many are not settled. */
  get count(): number {
    return this.#limits.length;
  }

  /**
   * A commit was sent.
   *
   * @param limitMs how long the service may take for the text before it, which it may have none of
   */
  add(limitMs: number): void {
    this.#limits.push(this.#io.clock.schedule(() => this.settle(), limitMs));
  }

  /** Settles the oldest. */
  settle(): void {
    const limit = this.#limits.shift();
    if (!limit) return;
    limit[Symbol.dispose]();
    this.#io.emit({ type: "committed" });
  }

  [Symbol.dispose](): void {
    for (const limit of this.#limits.splice(0)) limit[Symbol.dispose]();
  }
}
