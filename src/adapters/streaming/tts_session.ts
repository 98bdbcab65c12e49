/** A voice's session over a WebSocket, whatever the vendor's messages are. @module */
import type { Clock } from "../../events/clock.ts";
import type { TtsSession, TtsStream } from "../../inference/contracts/tts.ts";
import { InferenceError } from "../../inference/contracts/errors.ts";
import type { ServiceSocket, ServiceSocketInit } from "./service_socket.ts";
import type { TtsCodec, TtsIo } from "./tts_codec.ts";
import { StreamingTtsStream } from "./tts_stream.ts";

/** How long a service may send nothing of a stream that was cancelled before it confirms that. */
const CANCEL_LIMIT_MS = 1500;
/** So often a text is sent again of which no sound has come when the connection is lost. */
const MAX_TRIES = 2;

/** Options for a {@linkcode StreamingTtsSession}. */
export interface StreamingTtsSessionInit {
  readonly name: string;
  readonly clock: Clock;
  /** The rate of the service's PCM. */
  readonly sampleRate: number;
  /** The most streams that one connection speaks at the same time. */
  readonly maxStreams: number;
  readonly connect: (
    options: Pick<ServiceSocketInit, "onMessage" | "onLost">,
  ) => ServiceSocket;
  readonly codec: (io: TtsIo) => TtsCodec;
  readonly onError: (error: InferenceError) => void;
}

/** A connection, and the streams that it speaks. */
interface Connection {
  readonly socket: ServiceSocket;
  readonly codec: TtsCodec;
  /** By id, those whose cancelling is not confirmed included. */
  readonly streams: Map<string, StreamingTtsStream>;
}

/**
 * A session with one connection, which is open before the first text comes and opened again where it
 * was lost. Streams that it has no room for wait.
 */
export class StreamingTtsSession implements TtsSession {
  readonly #init: StreamingTtsSessionInit;
  readonly #waiting: StreamingTtsStream[] = [];
  readonly #closing = new Set<Promise<void>>();
  #connection: Connection | undefined;
  #count = 0;
  #isOver = false;

  constructor(init: StreamingTtsSessionInit) {
    this.#init = init;
    this.#connect();
  }

  speak(): TtsStream {
    const { name, sampleRate } = this.#init;
    const stream = new StreamingTtsStream({
      id: `stream-${++this.#count}`,
      name,
      sampleRate,
      onText: () => this.#begin(),
      onCancel: () => this.#cancelled(stream),
    });
    if (this.#isOver) stream.cancel();
    else this.#waiting.push(stream);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const stream of this.#waiting.splice(0)) stream.cancel();
    const connection = this.#connection;
    if (connection) {
      for (const stream of connection.streams.values()) stream.finish();
      this.#close(connection);
    }
    await Promise.all(this.#closing);
  }

  /** Begins the streams that have text, as far as there is room. */
  #begin(): void {
    const { maxStreams } = this.#init;
    for (let at = 0; at < this.#waiting.length;) {
      const stream = this.#waiting[at]!;
      const { streams } = this.#connect();
      if (streams.size >= maxStreams) return;
      if (stream.hasText) {
        this.#waiting.splice(at, 1);
        this.#attach(stream);
      } else if (stream.isOver) {
        this.#waiting.splice(at, 1);
      } else {
        at++;
      }
    }
  }

  #attach(stream: StreamingTtsStream): void {
    const { codec, streams } = this.#connect();
    streams.set(stream.id, stream);
    stream.attach(codec);
  }

  #cancelled(stream: StreamingTtsStream): void {
    const connection = this.#connection;
    if (!connection?.streams.has(stream.id)) return this.#begin();
    connection.codec.cancel(stream.id);
    if (connection.streams.has(stream.id)) this.#awaitEnd(connection, stream);
  }

  /** A service may speak a cancelled stream to its end; one that does neither has no room for others. */
  #awaitEnd(connection: Connection, stream: StreamingTtsStream): void {
    stream.limit(this.#init.clock.schedule(() => {
      if (connection === this.#connection) this.#replace(connection);
    }, CANCEL_LIMIT_MS));
  }

  #connect(): Connection {
    if (this.#connection) return this.#connection;
    const isCurrent = () => this.#connection === connection;
    const socket = this.#init.connect({
      onMessage: (data) => isCurrent() && this.#receive(connection, data),
      onLost: (error) => isCurrent() && this.#lost(connection, error),
    });
    const streams = new Map<string, StreamingTtsStream>();
    const find = (id: string | undefined) => {
      return id === undefined ? streams.values().next().value : streams.get(id);
    };
    const codec = this.#init.codec({
      send: (message) => socket.send(message),
      sound: (id, bytes, chars) => {
        const stream = find(id);
        if (stream?.isOver) this.#awaitEnd(connection, stream);
        else stream?.sound(bytes, chars);
      },
      words: (id, words) => find(id)?.words(words),
      ended: (id) => {
        const stream = find(id);
        if (!stream) return;
        streams.delete(stream.id);
        stream.finish();
        if (isCurrent()) this.#begin();
      },
      fail: (error) => isCurrent() && this.#lost(connection, error),
    });
    const connection: Connection = { socket, codec, streams };
    return this.#connection = connection;
  }

  #receive(connection: Connection, data: string | Uint8Array<ArrayBuffer>): void {
    try {
      connection.codec.receive(data);
    } catch (cause) {
      const message = `${this.#init.name} sent a message that cannot be read`;
      this.#lost(
        connection,
        new InferenceError(message, { code: "malformed", retryable: true, cause }),
      );
    }
  }

  #lost(connection: Connection, error: InferenceError): void {
    const streams = [...connection.streams.values()].filter(({ isOver }) => !isOver);
    // Nothing was being said: the next text opens a connection, and reports what is wrong with it.
    const isIdle = streams.length === 0 && this.#waiting.every(({ hasText }) => !hasText);
    this.#close(connection);
    if (isIdle || this.#isOver) return;
    const isFinal = error.status !== undefined || !error.retryable || error.code === "malformed";
    const failed = [...streams, ...this.#waiting.filter(({ hasText }) => hasText)];
    const again: StreamingTtsStream[] = [];
    for (const stream of failed) {
      if (!isFinal && stream.mayTryAgain(MAX_TRIES)) again.push(stream);
      else stream.fail(error);
    }
    if (again.length < failed.length) this.#init.onError(error);
    for (const stream of again) if (!this.#waiting.includes(stream)) this.#waiting.unshift(stream);
    this.#begin();
  }

  /** Leaves a connection that does not do as it is told; what it still speaks begins again. */
  #replace(connection: Connection): void {
    const options = { code: "timeout", retryable: true };
    const message = `${this.#init.name} does not end a cancelled stream`;
    this.#lost(connection, new InferenceError(message, options));
  }

  #close(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
    for (const stream of connection.streams.values()) stream.detach();
    const closing = connection.socket[Symbol.asyncDispose]().finally(() => {
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
  }
}
