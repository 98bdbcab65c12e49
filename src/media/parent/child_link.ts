/** The wire to a media process, and the signs of its end. @module */
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
import { type PlayoutReportFrame, readPlayoutReport, RowReader } from "../wire/audio_frames.ts";
import {
  checkRequest,
  MalformedMessageError,
  type MemoryLimit,
  readResult,
  readToParent,
  type RequestMethod,
  type RequestParams,
  type RequestResults,
  type ToChild,
  type ToParent,
  WIRE_VERSION,
  type WireError,
} from "../wire/control.ts";
import { FrameKind } from "../wire/frame.ts";
import { type Frame, FrameParser } from "../wire/frame_parser.ts";
import { FrameWriter } from "../wire/frame_writer.ts";
import { readFragmentStream } from "../wire/video_frames.ts";
import { describeError, messageOf } from "../../events/error_text.ts";
import { Heartbeat } from "../../events/heartbeat.ts";
import type { Suspect } from "./restarts.ts";

/** A spawned media process: its two pipes and its end. */
export interface SpawnedChild {
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly status: Promise<{ code: number; signal: Deno.Signal | null }>;
  kill(signal: Deno.Signal): void;
  /** The error of a process that ended before it was ready. */
  startFailure?(end: string): EdgeError;
}

/** A connection as the link sees it: takes what arrives for its number. */
export interface LinkedConnection {
  readonly onMessage: (message: ConnectionMessage) => void;
  readonly onSource: (source: number, participantId: string, trackId: string) => void;
  readonly onRow: (row: RowReader) => void;
  readonly onReport: (report: PlayoutReportFrame) => void;
  readonly onFragment: (frame: Frame, stream: number) => void;
}

/** Options of a {@linkcode ChildLink}. */
export interface ChildLinkInit {
  process: SpawnedChild;
  config: JsonValue;
  clock: Clock;
  logger: Logger;
  memoryLimit: MemoryLimit;
  /** Whether it takes the place of another. */
  replaces: boolean;
  /** The process is gone. Called before its requests fail. */
  onLost(error: EdgeError): void;
  onMessage(message: JsonValue): void;
  /** The process is empty and exceeds its memory limit. */
  onMemoryLimitExceeded(rssBytes: number): void;
}

/** How a request waits for its reply. */
export interface RequestOptions {
  /** Aborts the wait. */
  signal?: AbortSignal;
  /** Limits it, in milliseconds. */
  timeoutMs?: number;
  /** It only says goodbye: a process that has said nothing for 1 s is not waited for. */
  isGoodbye?: boolean;
}

/** How long the process has to end by itself once its input closes: twice what it takes. */
const LEAVE_MS = 1000;
/** How long what a dead process has written may take to be read. */
const DRAIN_MS = 200;
/** How soon after a call's message a process goes silent for the message to be suspected. */
const SUSPECT_MS = 1000;
/** Bytes of one read. */
const READ_BYTES = 1 << 16;

/** The wire to one media process, from its start to its end. */
export class ChildLink {
  /** Resolves when the child is ready, rejects when it cannot be. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone and its requests have failed. */
  readonly gone: Promise<void>;
  readonly writer: FrameWriter;
  readonly #options: ChildLinkInit;
  readonly #parser: FrameParser;
  readonly #ready = Promise.withResolvers<void>();
  readonly #requests = new Map<number, PromiseWithResolvers<JsonValue>>();
  /** Those of them that only say goodbye. */
  readonly #goodbyes = new Set<number>();
  readonly #connections = new Map<number, LinkedConnection>();
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #row = new RowReader();
  #heartbeat: Heartbeat | undefined;
  /** Whose message came last, and when. */
  #handling: { suspect: Suspect; at: number } | undefined;
  #nextRequest = 1;
  #lost: EdgeError | undefined;
  #closing = false;
  /** Neither ready nor failed yet. */
  #starting = true;
  #failure: EdgeError | undefined;

  constructor(options: ChildLinkInit) {
    this.#options = options;
    const { process } = options;
    this.ready = this.#ready.promise;
    this.ready.catch(() => {});
    this.#stdin = process.stdin.getWriter();
    this.#stdin.closed.catch(() => {});
    this.writer = new FrameWriter(
      (bytes) => this.#stdin.write(bytes),
      // A process that does not read is dead, or soon will be: its end says why.
      () => this.#kill(),
    );
    this.#parser = new FrameParser((frame) => this.#onFrame(frame));
    const { config, memoryLimit, replaces } = options;
    this.send({ type: "start", version: WIRE_VERSION, config, memoryLimit, replaces });
    const reading = this.#readAll();
    this.gone = process.status.then(async (status) => {
      // Its last words say which call it was busy with.
      await waitFor(reading, "the end of its output", { timeoutMs: DRAIN_MS }).catch(() => {});
      this.#lose(status);
      await reading;
    });
  }

  /** Why the process cannot be used any more; `undefined` while it can. */
  get lost(): EdgeError | undefined {
    return this.#lost;
  }

  /** Whether the process has started and can be used. */
  get isReady(): boolean {
    return !this.#starting && !this.#closing && this.#lost === undefined;
  }

  get pid(): number {
    return this.#options.process.pid;
  }

  /** Whose message came right before the process said its last. */
  get suspect(): Suspect | undefined {
    if (this.#handling === undefined || this.#heartbeat === undefined) return undefined;
    const { suspect, at } = this.#handling;
    return this.#heartbeat.saidAt - at <= SUSPECT_MS ? suspect : undefined;
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
   * Sends a request and resolves with its reply. Rejects with the child's error, the signal's reason,
   * the loss of the process, or a `TypeError` or `RangeError` when `params` cannot be sent.
   */
  async request<M extends RequestMethod>(
    method: M,
    params: RequestParams[M],
    options: RequestOptions = {},
  ): Promise<RequestResults[M]> {
    const { isGoodbye = false, ...wait } = options;
    if (this.#lost !== undefined) throw this.#lost;
    wait.signal?.throwIfAborted();
    if (isGoodbye && this.#heartbeat?.isQuiet) throw quietError();
    checkRequest(method, params);
    const id = this.#nextRequest++;
    this.writer.control({ type: "request", id, method, params });
    const reply = Promise.withResolvers<JsonValue>();
    this.#requests.set(id, reply);
    if (isGoodbye) this.#goodbyes.add(id);
    let isSettled = false;
    reply.promise.then(() => isSettled = true, () => isSettled = true);
    try {
      const result = await waitFor(reply.promise, `the media process replying to ${method}`, {
        ...wait,
        clock: this.#options.clock,
      });
      return readResult(method, result);
    } finally {
      this.#requests.delete(id);
      this.#goodbyes.delete(id);
      if (!isSettled && this.#lost === undefined) this.send({ type: "cancel", id });
    }
  }

  /**
   * Ends the process: closes its input, upon which it says goodbye and exits. Idempotent.
   *
   * @param reason the error of connections and requests that still use it
   */
  async close(reason?: EdgeError): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#failure ??= reason;
      const timer = setTimeout(() => this.#kill(), LEAVE_MS);
      void this.gone.finally(() => clearTimeout(timer));
      // It has no participants to say goodbye to, and reads nothing before its modules are loaded; or it
      // reads nothing any more.
      if (this.#starting || this.#heartbeat?.isQuiet) this.#kill();
      await this.writer.drained();
      this.writer.close();
      // Fails when the process is gone already: then the input is closed.
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
        this.#heartbeat?.says();
        const count = value.length;
        buffer = new Uint8Array(value.buffer);
        this.#parser.commit(count);
      }
    } catch (error) {
      this.#break("unusable data from the media process", error);
      await reader.cancel().catch(() => {});
    }
  }

  #onFrame(frame: Frame): void {
    switch (frame.kind) {
      case FrameKind.control:
        return this.#onControl(frame);
      case FrameKind.participantAudio: {
        const row = this.#row;
        row.read(frame);
        return this.#deliver(row.connectionId, (connection) => connection.onRow(row));
      }
      case FrameKind.playoutReport: {
        const report = readPlayoutReport(frame);
        return this.#deliver(report.connectionId, (connection) => connection.onReport(report));
      }
      case FrameKind.video: {
        const { connectionId, stream } = readFragmentStream(frame);
        return this.#deliver(connectionId, (connection) => connection.onFragment(frame, stream));
      }
      default:
        throw new ProtocolError(`unexpected frame kind ${frame.kind} in this direction`, {
          code: "wire-garbage",
        });
    }
  }

  #onControl(frame: Frame): void {
    let message: ToParent;
    try {
      message = readToParent(frame);
    } catch (error) {
      // One malformed message must not end all calls.
      if (!(error instanceof MalformedMessageError)) throw error;
      if (error.requestId !== undefined) this.#requests.get(error.requestId)?.reject(error);
      else this.#options.logger.error(error.message);
      return;
    }
    this.#onMessage(message);
  }

  #onMessage(message: ToParent): void {
    switch (message.type) {
      case "ready":
        this.#starting = false;
        this.#heartbeat = new Heartbeat({
          onQuiet: () => this.#onQuiet(),
          onSilent: () => this.#hang(),
        });
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
      case "beat":
        return;
      case "handling":
        this.#handling = {
          suspect: { ...message.call, userId: message.userId },
          at: this.#heartbeat?.saidAt ?? -Infinity,
        };
        return;
      case "memoryLimitExceeded":
        return this.#options.onMemoryLimitExceeded(message.rssBytes);
      case "edge":
        return this.#options.onMessage(message.message);
      case "connection":
        return this.#deliver(message.connection, ({ onMessage }) => onMessage(message.message));
      case "source": {
        const { source, participantId, trackId } = message;
        return this.#deliver(
          message.connection,
          ({ onSource }) => onSource(source, participantId, trackId),
        );
      }
      case "log":
        return this.#options.logger[message.level](`media process: ${message.message}`);
    }
  }

  /** One connection's failure must not take the others with it. */
  #deliver(connectionId: number, act: (connection: LinkedConnection) => void): void {
    const connection = this.#connections.get(connectionId);
    if (connection === undefined) return;
    try {
      act(connection);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      this.#options.logger.error(
        `a connection failed at a message: ${describeError(error)}`,
      );
    }
  }

  /** The error of a process that ended by itself before it could say why over the wire. */
  #startFailure(end: string, signal: Deno.Signal | null): EdgeError | undefined {
    if (!this.#starting || this.#closing || signal !== null) return undefined;
    return this.#options.process.startFailure?.(end);
  }

  /** The wire is unusable, and so is the process. */
  #break(what: string, cause: unknown): void {
    if (this.#lost !== undefined || this.#closing) return;
    this.#failure ??= new ConnectionError(`${what}: ${messageOf(cause)}`, {
      code: cause instanceof ProtocolError ? cause.code : "media-process-lost",
      cause,
      retryable: true,
    });
    this.#kill();
  }

  /** It may come back within 3 s: only goodbyes do not wait for that. */
  #onQuiet(): void {
    for (const id of this.#goodbyes) this.#requests.get(id)?.reject(quietError());
  }

  #hang(): void {
    this.#failure ??= new ConnectionError("the media process hung: it said nothing for 3 s", {
      code: "media-process-lost",
      retryable: true,
    });
    this.#kill();
  }

  #kill(): void {
    try {
      this.#options.process.kill("SIGKILL");
    } catch {
      // It is gone already.
    }
  }

  #lose({ code, signal }: { code: number; signal: Deno.Signal | null }): void {
    const end = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const error = this.#failure ?? this.#startFailure(end, signal) ?? new ConnectionError(
      this.#closing ? "the media process was stopped" : `the media process ended (${end})`,
      { code: "media-process-lost", retryable: true },
    );
    this.#lost = error;
    this.#heartbeat?.[Symbol.dispose]();
    this.writer.close();
    this.#connections.clear();
    this.#options.onLost(error);
    this.#ready.reject(error);
    for (const reply of this.#requests.values()) reply.reject(error);
    this.#requests.clear();
  }
}

function quietError(): ConnectionError {
  return new ConnectionError(
    "the media process has said nothing for 1 s: its end goes on without it",
    {
      code: "media-process-silent",
    },
  );
}

/** Returns the child's error as one of this process. */
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
