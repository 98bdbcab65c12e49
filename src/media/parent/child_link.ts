import {
  AuthenticationError,
  ConnectionError,
  EdgeError,
  ProtocolError,
} from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { Logger } from "../../events/logger.ts";
import { waitFor } from "../../events/waiting.ts";
import type { ConnectionMessage } from "../wire/messages.ts";
import { readReport, type Report, RowReader } from "../wire/audio_frames.ts";
import {
  checkRequest,
  MalformedMessageError,
  readToAgent,
  type RequestParams,
  type ToAgent,
  type ToChild,
  WIRE_VERSION,
  type WireError,
} from "../wire/control.ts";
import { FrameKind } from "../wire/frame.ts";
import { type Frame, FrameParser } from "../wire/frame_parser.ts";
import { FrameWriter } from "../wire/frame_writer.ts";
import { readFragmentStream } from "../wire/video_frames.ts";
import { describeError, messageOf } from "../../events/error_text.ts";

/** The two pipes and the end of a process that runs a host. */
export interface SpawnedChild {
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly status: Promise<{ code: number; signal: Deno.Signal | null }>;
  kill(signal: Deno.Signal): void;
  /** The error of a process that ended before it was ready. */
  startFailure?(end: string): EdgeError;
}

/** A connection as the link sees it: what comes for its number goes to it. */
export interface LinkedConnection {
  readonly onNotice: (notice: ConnectionMessage) => void;
  readonly onSource: (source: number, participantId: string, trackId: string) => void;
  readonly onRow: (row: RowReader) => void;
  readonly onReport: (report: Report) => void;
  readonly onPiece: (frame: Frame, stream: number) => void;
  /** The process is gone. */
  readonly onLost: (error: EdgeError) => void;
}

/** Options of a {@linkcode ChildLink}. */
export interface ChildLinkOptions {
  process: SpawnedChild;
  config: JsonValue;
  clock: Clock;
  logger: Logger;
  /** When the process counts as grown, and how often it looks. */
  grown: { aboveBytes: number; everyMs: number };
  onMessage(message: JsonValue): void;
  /** The process is empty and has grown. */
  onGrown(rssBytes: number): void;
}

/** From the order to end on the process has this long to go by itself: twice what it takes. */
const LEAVE_MS = 1000;
/** What is read at once. */
const READ_BYTES = 1 << 16;

/** The wire to one process, from its start to its end. */
export class ChildLink {
  /** Resolves when the host is ready, rejects when it cannot be. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone and everybody has been told. */
  readonly gone: Promise<void>;
  readonly writer: FrameWriter;
  readonly #options: ChildLinkOptions;
  readonly #parser: FrameParser;
  readonly #ready = Promise.withResolvers<void>();
  readonly #requests = new Map<number, PromiseWithResolvers<JsonValue>>();
  readonly #connections = new Map<number, LinkedConnection>();
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #row = new RowReader();
  #nextRequest = 1;
  #lost: EdgeError | undefined;
  #closing = false;
  /** Neither ready nor failed yet. */
  #starting = true;
  #failure: EdgeError | undefined;

  constructor(options: ChildLinkOptions) {
    this.#options = options;
    const { process } = options;
    this.ready = this.#ready.promise;
    this.ready.catch(() => {});
    this.#stdin = process.stdin.getWriter();
    this.#stdin.closed.catch(() => {});
    this.writer = new FrameWriter(
      (bytes) => this.#stdin.write(bytes),
      // Whoever does not read is dead, or soon will be: its end says why.
      () => this.#kill(),
    );
    this.#parser = new FrameParser((frame) => this.#onFrame(frame));
    const { config, grown } = options;
    this.send({ type: "start", version: WIRE_VERSION, config, grown });
    const reading = this.#readAll();
    this.gone = process.status.then(async (status) => {
      this.#lose(status);
      await reading;
    });
  }

  /** Why the process cannot be used any more; `undefined` while it can. */
  get lost(): EdgeError | undefined {
    return this.#lost;
  }

  get pid(): number {
    return this.#options.process.pid;
  }

  /** Whether no connection runs over it. */
  get isIdle(): boolean {
    return this.#connections.size === 0 && this.#requests.size === 0;
  }

  attach(connectionId: number, connection: LinkedConnection): void {
    this.#connections.set(connectionId, connection);
  }
  detach(connectionId: number): void {
    this.#connections.delete(connectionId);
  }

  send(message: ToChild): void {
    this.writer.control(message);
  }

  /**
   * Asks the host for something. Rejects with its error, the signal's reason, the loss, or a
   * `TypeError` or `RangeError` when `params` cannot be sent.
   */
  async request<M extends keyof RequestParams>(
    method: M,
    params: RequestParams[M],
    options: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<JsonValue> {
    if (this.#lost !== undefined) throw this.#lost;
    options.signal?.throwIfAborted();
    checkRequest(method, params);
    const id = this.#nextRequest++;
    this.send({ type: "request", id, method, params } as ToChild);
    const reply = Promise.withResolvers<JsonValue>();
    this.#requests.set(id, reply);
    let isAnswered = false;
    reply.promise.then(() => isAnswered = true, () => isAnswered = true);
    try {
      return await waitFor(reply.promise, `the media process answering ${method}`, {
        ...options,
        clock: this.#options.clock,
      });
    } finally {
      this.#requests.delete(id);
      if (!isAnswered && this.#lost === undefined) this.send({ type: "cancel", id });
    }
  }

  /**
   * Ends the process: its input closes, it says goodbye and goes. Idempotent.
   *
   * @param reason what those are told who still use it
   */
  async close(reason?: EdgeError): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#failure ??= reason;
      const timer = setTimeout(() => this.#kill(), LEAVE_MS);
      void this.gone.finally(() => clearTimeout(timer));
      // It has nobody to say goodbye to, and does not read before it has loaded what it needs.
      if (this.#starting) this.#kill();
      await this.writer.drained();
      this.writer.close();
      // Fails when the process has gone already, which is what is wanted.
      this.#stdin.close().catch(() => {});
    }
    await this.gone;
  }

  async #readAll(): Promise<void> {
    const reader = this.#options.process.stdout.getReader({ mode: "byob" });
    let buffer = new Uint8Array(READ_BYTES);
    try {
      while (true) {
        const { value, done } = await reader.read(buffer);
        if (done || value === undefined) break;
        const space = this.#parser.space();
        space.set(value);
        const count = value.length;
        buffer = new Uint8Array(value.buffer);
        this.#parser.commit(count);
      }
    } catch (error) {
      this.#break("what came from the media process could not be used", error);
      await reader.cancel().catch(() => {});
    }
  }

  #onFrame(frame: Frame): void {
    switch (frame.kind) {
      case FrameKind.control:
        return this.#onControl(frame);
      case FrameKind.row: {
        const row = this.#row;
        row.read(frame);
        return this.#tell(row.connectionId, (connection) => connection.onRow(row));
      }
      case FrameKind.report: {
        const report = readReport(frame);
        return this.#tell(report.connectionId, (connection) => connection.onReport(report));
      }
      case FrameKind.video: {
        const { connectionId, stream } = readFragmentStream(frame);
        return this.#tell(connectionId, (connection) => connection.onPiece(frame, stream));
      }
      default:
        throw new ProtocolError(`a frame of kind ${frame.kind} came the wrong way`, {
          code: "wire-garbage",
        });
    }
  }

  #onControl(frame: Frame): void {
    let message: ToAgent;
    try {
      message = readToAgent(frame);
    } catch (error) {
      // One message that makes no sense must not end all calls.
      if (!(error instanceof MalformedMessageError)) throw error;
      if (error.requestId !== undefined) this.#requests.get(error.requestId)?.reject(error);
      else this.#options.logger.error(error.message);
      return;
    }
    this.#onMessage(message);
  }

  #onMessage(message: ToAgent): void {
    switch (message.type) {
      case "ready":
        this.#starting = false;
        this.#options.logger.debug(`media process ${this.pid} is ready (${message.kernel} kernel)`);
        return this.#ready.resolve();
      case "failed":
        this.#starting = false;
        this.#failure = fromWireError(message.error);
        return this.#ready.reject(this.#failure);
      case "reply": {
        const reply = this.#requests.get(message.id);
        if (message.error !== undefined) reply?.reject(fromWireError(message.error));
        else reply?.resolve(message.result ?? null);
        return;
      }
      case "grown":
        return this.#options.onGrown(message.rssBytes);
      case "notify":
        return this.#options.onMessage(message.message);
      case "notice":
        return this.#tell(message.connection, ({ onNotice }) => onNotice(message.notice));
      case "source": {
        const { source, participantId, trackId } = message;
        return this.#tell(
          message.connection,
          ({ onSource }) => onSource(source, participantId, trackId),
        );
      }
      case "log":
        return this.#options.logger[message.level](`media process: ${message.message}`);
    }
  }

  /** A connection that fails at what it is told must not take the others with it. */
  #tell(connectionId: number, act: (connection: LinkedConnection) => void): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    try {
      act(connection);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.#options.logger.error(
        `a connection failed at what it was told: ${describeError(error)}`,
      );
    }
  }

  /** Of a process that gave up by itself, before it could tell why over the wire. */
  #startFailure(end: string, signal: Deno.Signal | null): EdgeError | undefined {
    if (!this.#starting || this.#closing || signal !== null) return undefined;
    return this.#options.process.startFailure?.(end);
  }

  /** The wire is of no use any more: so the process is not either. */
  #break(what: string, cause: unknown): void {
    if (this.#lost !== undefined || this.#closing) return;
    this.#failure ??= new ConnectionError(`${what}: ${messageOf(cause)}`, {
      code: cause instanceof ProtocolError ? cause.code : "media-process-lost",
      cause,
      retryable: true,
    });
    this.#kill();
  }

  #kill(): void {
    try {
      this.#options.process.kill("SIGKILL");
    } catch {
      // It has gone already.
    }
  }

  #lose({ code, signal }: { code: number; signal: Deno.Signal | null }): void {
    const end = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const error = this.#failure ?? this.#startFailure(end, signal) ?? new ConnectionError(
      this.#closing ? "the media process was stopped" : `the media process ended (${end})`,
      { code: "media-process-lost", retryable: true },
    );
    this.#lost = error;
    this.writer.close();
    this.#ready.reject(error);
    for (const reply of this.#requests.values()) reply.reject(error);
    this.#requests.clear();
    for (const connection of [...this.#connections.values()]) connection.onLost(error);
    this.#connections.clear();
  }
}

/** An error of the other process as one of this one's. */
function fromWireError({ name, message, code, retryable }: WireError): EdgeError {
  const options = { code, retryable };
  switch (name) {
    case "AuthenticationError":
      return new AuthenticationError(message, options);
    case "ProtocolError":
      return new ProtocolError(message, options);
    case "ConnectionError":
      return new ConnectionError(message, options);
    default:
      return new EdgeError(message, options);
  }
}
