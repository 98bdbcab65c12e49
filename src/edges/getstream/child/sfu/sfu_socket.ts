/**
 * The socket to an SFU: binary messages, a greeting that must come in time, health checks.
 *
 * @module
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type Clock,
  ConnectionError,
  DropCounter,
  EdgeError,
  KeepaliveSocket,
  ProtocolError,
  type SocketEnd,
  waitFor,
} from "@ringline/edge/toolkit";
import {
  type JoinRequestSchema,
  type JoinResponse,
  type SfuEvent,
  SfuEventSchema,
  SfuRequestSchema,
} from "../proto/signal_pb.ts";
import { sfuError } from "./sfu_error.ts";

/** How long opening and greeting may take, each. */
const GREETING_MS = 5000;
/** The part of the longest silence after which a sign of life is asked for. */
const PING_PART = 5 / 12;

/** Closing with 1000 follows a leave request: who stays in the call closes otherwise. */
const STAYING = 4000;

/** One event of an SFU. */
export type SfuPayload = SfuEvent["payload"];

/** How a socket is used. */
export interface SfuSocketOptions {
  url: string;
  /** Without the time: what the SFU is told of us. */
  join: MessageInitShape<typeof JoinRequestSchema>;
  /** Everything that comes after the greeting. */
  onEvent: (event: SfuPayload) => void;
  /** The socket is gone; not called when we close it. */
  onEnd: (end: SocketEnd) => void;
  /** Frames came that are no messages; called at most once a second. */
  onGarbage: (dropped: number) => void;
  silenceMs: number;
  signal?: AbortSignal;
  clock: Clock;
  connect?: (url: string) => WebSocket;
}

/** An SFU's socket that has greeted us. */
export class SfuSocket {
  /** What the SFU answered to the join. */
  readonly response: JoinResponse;
  readonly #socket: KeepaliveSocket;

  private constructor(socket: KeepaliveSocket, response: JoinResponse) {
    this.#socket = socket;
    this.response = response;
  }

  /**
   * Opens a socket and joins.
   *
   * @throws {EdgeError} the SFU refuses, is silent for 5 s, or says something else first.
   */
  static async join(options: SfuSocketOptions): Promise<SfuSocket> {
    const { clock, signal, onEvent, onEnd, connect, silenceMs } = options;
    const greeting = Promise.withResolvers<JoinResponse>();
    greeting.promise.catch(() => {});
    let isGreeted = false;
    const garbage = new DropCounter(clock, options.onGarbage);
    const socket = await KeepaliveSocket.open(options.url, {
      name: "the SFU's socket",
      openTimeoutMs: GREETING_MS,
      keepalive: {
        intervalMs: silenceMs * PING_PART,
        message: () => encode({ case: "healthCheckRequest", value: {} }),
        silenceMs,
      },
      onMessage: (data) => {
        const event = decode(data);
        if (isGreeted) {
          if (event === undefined) return garbage.add();
          if (event.case !== undefined && event.case !== "healthCheckResponse") onEvent(event);
          return;
        }
        if (event?.case === "joinResponse") {
          isGreeted = true;
          return greeting.resolve(event.value);
        }
        if (event?.case === "error") {
          return greeting.reject(sfuError(event.value.error, "joining the SFU"));
        }
        greeting.reject(
          new ProtocolError(
            `joining the SFU: expected a join response, got ${event?.case ?? "no message"}`,
            { code: "bad-answer", retryable: true },
          ),
        );
      },
      onEnd: (end) => {
        if (isGreeted && end.kind !== "closed") return onEnd(end);
        greeting.reject(
          new ConnectionError("joining the SFU: its socket was lost", {
            code: "lost",
            retryable: true,
          }),
        );
      },
      signal,
      clock,
      ...(connect ? { connect } : {}),
    });
    try {
      socket.send(encode({ case: "joinRequest", value: options.join }));
      const response = await waitFor(greeting.promise, "the SFU's greeting", {
        timeoutMs: GREETING_MS,
        signal,
        clock,
      });
      return new SfuSocket(socket, response);
    } catch (error) {
      // Nobody waits for a socket that did not greet.
      socket.close();
      if (error instanceof EdgeError || signal?.aborted) throw error;
      throw new ConnectionError(`joining the SFU: no answer within ${GREETING_MS} ms`, {
        code: "timeout",
        retryable: true,
      });
    }
  }

  /** Whether it can be used. */
  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Says that we leave the call, and closes. */
  async leave(sessionId: string, reason: string): Promise<void> {
    this.#socket.send(encode({ case: "leaveCallRequest", value: { sessionId, reason } }));
    await this.#socket.close(1000);
  }

  /** Closes without leaving the call. */
  async close(): Promise<void> {
    await this.#socket.close(STAYING);
  }
}

type Payload = NonNullable<MessageInitShape<typeof SfuRequestSchema>["payload"]>;

function encode(payload: Payload): Uint8Array<ArrayBuffer> {
  return toBinary(SfuRequestSchema, create(SfuRequestSchema, { payload }));
}

/** The event in a frame; `undefined` when there is none. */
function decode(data: string | Uint8Array): SfuPayload | undefined {
  if (typeof data === "string") return undefined;
  try {
    return fromBinary(SfuEventSchema, data).payload;
  } catch {
    return undefined;
  }
}
