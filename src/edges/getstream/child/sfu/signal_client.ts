/**
 * A client of an SFU's signal server: Twirp in JSON. It sends numbers for enumerations and accepts names
 * and numbers, and fields in either of protobuf's two notations (`should_retry`, `shouldRetry`).
 *
 * @module
 */
import {
  create,
  type DescMessage,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  toJson,
} from "@bufbuild/protobuf";
import { type Clock, ProtocolError } from "@ringline/edge/toolkit";
import { requestJson } from "../../wire/http.ts";
import { STREAM_CLIENT } from "../../wire/client.ts";
import { retrying, TRIES } from "../../wire/retrying.ts";
import {
  ErrorCode,
  IceRestartRequestSchema,
  IceTrickleSchema,
  SendAnswerRequestSchema,
  SendStatsRequestSchema,
  SetPublisherRequestSchema,
  SetPublisherResponseSchema,
  UpdateMuteStatesRequestSchema,
  UpdateSubscriptionsRequestSchema,
} from "../proto/signal_pb.ts";
import { rpcError } from "./sfu_error.ts";

const SERVICE = "stream.video.sfu.signal.SignalServer";
const CALL_MS = 5000;

/** The methods: their request types, and how often a call is tried in all. */
const METHODS = {
  SetPublisher: { schema: SetPublisherRequestSchema, tries: TRIES },
  // The caller asks the SFU for another offer after these.
  SendAnswer: { schema: SendAnswerRequestSchema, tries: TRIES },
  // A call without which the session is of no use is tried until it works, or the session ends.
  IceTrickle: { schema: IceTrickleSchema, tries: Infinity },
  UpdateMuteStates: { schema: UpdateMuteStatesRequestSchema, tries: Infinity },
  IceRestart: { schema: IceRestartRequestSchema, tries: TRIES },
  // The caller tries again, with the list as it is then.
  UpdateSubscriptions: { schema: UpdateSubscriptionsRequestSchema, tries: 1 },
  // A report may be lost.
  SendStats: { schema: SendStatsRequestSchema, tries: 1 },
} as const;

/** A client of one SFU, with the token of one join. */
export class SignalClient {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #token: string;

  /** @param options `signal` aborts all calls in progress */
  constructor(
    options: { url: string; token: string; clock: Clock; signal: AbortSignal },
  ) {
    this.#url = options.url;
    this.#token = options.token;
    this.#clock = options.clock;
    this.#signal = options.signal;
  }

  /** Uses another token from now on. */
  set token(token: string) {
    this.#token = token;
  }

  /**
   * Calls a method, several times if it fails for a reason that passes; returns the response's session
   * description, or an empty text.
   *
   * @throws {EdgeError} the SFU refuses or does not respond.
   */
  call<M extends keyof typeof METHODS>(
    method: M,
    request: MessageInitShape<typeof METHODS[M]["schema"]>,
  ): Promise<string> {
    const { tries } = METHODS[method];
    return retrying(() => this.#call(method, request, tries), {
      tries,
      clock: this.#clock,
      signal: this.#signal,
    });
  }

  async #call<M extends keyof typeof METHODS>(
    method: M,
    request: MessageInitShape<typeof METHODS[M]["schema"]>,
    tries: number,
  ): Promise<string> {
    const schema: DescMessage = METHODS[method].schema;
    const body = toJson(schema, create(schema, request as Record<string, unknown>), {
      enumAsInteger: true,
      // Zero is a value here: the publisher is peer 0.
      alwaysEmitImplicit: true,
    });
    const { sdp, error } = readResponse(
      method,
      await requestJson({
        url: new URL(`${this.#url}/${SERVICE}/${method}`),
        headers: { authorization: `Bearer ${this.#token}`, "x-stream-client": STREAM_CLIENT },
        body,
        doing: method,
        timeoutMs: CALL_MS,
        tries,
        signal: this.#signal,
        clock: this.#clock,
      }),
    );
    // Some servers set the field without an error.
    if (error && (error.code !== ErrorCode.UNSPECIFIED || error.message !== "")) {
      throw rpcError(error, method);
    }
    return sdp;
  }
}

function readResponse(method: string, response: unknown) {
  try {
    return fromJson(SetPublisherResponseSchema, response as JsonValue, {
      ignoreUnknownFields: true,
    });
  } catch {
    throw new ProtocolError(`${method}: malformed response`, { code: "bad-response" });
  }
}
