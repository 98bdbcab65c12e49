/**
 * The socket to an SFU: binary messages, a join response within a time limit, health checks.
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
  type SocketPort,
  waitFor,
} from "@ringline/edge/toolkit";
import {
  type JoinRequestSchema,
  type JoinResponse,
  type SfuEvent,
  SfuEventSchema,
  SfuRequestSchema,
} from "../proto/signal_pb.ts";
import { joinError } from "./sfu_error.ts";

/** Time limit for opening, and for the join response. */
const JOIN_MS = 5000;
/** The part of the longest silence after which the client sends a health check. */
const PING_PART = 5 / 12;

/** The close code of an agent that will be back; 1000 follows a leave request or a move. */
const STAYING = 4000;

/** One event of an SFU. */
export type SfuPayload = SfuEvent["payload"];

/** Options for {@linkcode SfuSocket.join}. */
export interface SfuSocketOptions {
  url: string;
  /** The join request. */
  join: MessageInitShape<typeof JoinRequestSchema>;
  /** An event after the join response. */
  onEvent: (event: SfuPayload) => void;
  /** The socket ended; not called after {@linkcode SfuSocket.close}. */
  onEnd: (end: SocketEnd) => void;
  /** Malformed frames came; called at most once a second. */
  onGarbage: (dropped: number) => void;
  silenceMs: number;
  signal?: AbortSignal;
  clock: Clock;
  connect?: (url: string) => SocketPort;
}

/** An SFU's socket that has joined. */
export class SfuSocket {
  /** The SFU's response to the join. */
  readonly response: JoinResponse;
  readonly #socket: KeepaliveSocket;

  private constructor(socket: KeepaliveSocket, response: JoinResponse) {
    this.#socket = socket;
    this.response = response;
  }

  /**
   * Opens a socket and joins.
   *
   * @throws {EdgeError} the SFU refuses, does not respond within 5 s, or sends another message first.
   */
  static async join(options: SfuSocketOptions): Promise<SfuSocket> {
    const { clock, signal, onEvent, onEnd, connect, silenceMs } = options;
    const joined = Promise.withResolvers<JoinResponse>();
    joined.promise.catch(() => {});
    let isJoined = false;
    const garbage = new DropCounter(clock, options.onGarbage);
    const socket = await KeepaliveSocket.open(options.url, {
      name: "the SFU's socket",
      openTimeoutMs: JOIN_MS,
      keepalive: {
        intervalMs: silenceMs * PING_PART,
        // An SFU refuses a health check before the join, even one that comes with its time limit.
        message: () => isJoined ? encode({ case: "healthCheckRequest", value: {} }) : undefined,
        silenceMs,
      },
      onMessage: (data) => {
        const event = decode(data);
        if (isJoined) {
          if (event === undefined) return garbage.add();
          if (event.case !== undefined) onEvent(event);
          return;
        }
        if (event?.case === "joinResponse") {
          isJoined = true;
          return joined.resolve(event.value);
        }
        if (event?.case === "error") {
          return joined.reject(joinError(event.value, "joining the SFU"));
        }
        joined.reject(
          new ProtocolError(
            `joining the SFU: expected a join response, got ${event?.case ?? "no message"}`,
            { code: "bad-response", retryable: true },
          ),
        );
      },
      onEnd: (end) => {
        if (isJoined && end.kind !== "closed") return onEnd(end);
        joined.reject(
          new ConnectionError("joining the SFU: its socket was lost", {
            code: "lost",
            retryable: true,
          }),
        );
      },
      signal,
      clock,
      connect,
    });
    try {
      socket.send(encode({ case: "joinRequest", value: options.join }));
      const response = await waitFor(joined.promise, "the SFU's join response", {
        timeoutMs: JOIN_MS,
        signal,
        clock,
      });
      return new SfuSocket(socket, response);
    } catch (error) {
      // Not awaited: a socket without a response may not close in time either.
      socket.close();
      if (error instanceof EdgeError || signal?.aborted) throw error;
      throw new ConnectionError(`joining the SFU: no response within ${JOIN_MS} ms`, {
        code: "timeout",
        retryable: true,
      });
    }
  }

  /** Whether the socket is open. */
  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Leaves the call, and closes the socket. */
  async leave(sessionId: string, reason: string): Promise<void> {
    this.#socket.send(encode({ case: "leaveCallRequest", value: { sessionId, reason } }));
    await this.#socket.close(1000);
  }

  /** Closes the socket of an agent that stays in the call, on this SFU or, `moved`, on another. */
  async close(options: { moved?: boolean } = {}): Promise<void> {
    // After any other code an SFU keeps what belongs to the participant.
    await this.#socket.close(options.moved ? 1000 : STAYING);
  }
}

type Payload = NonNullable<MessageInitShape<typeof SfuRequestSchema>["payload"]>;

function encode(payload: Payload): Uint8Array<ArrayBuffer> {
  return toBinary(SfuRequestSchema, create(SfuRequestSchema, { payload }));
}

/** Returns the event in a frame; `undefined` for a malformed one. */
function decode(data: string | Uint8Array): SfuPayload | undefined {
  if (typeof data === "string") return undefined;
  try {
    return fromBinary(SfuEventSchema, data).payload;
  } catch {
    return undefined;
  }
}
