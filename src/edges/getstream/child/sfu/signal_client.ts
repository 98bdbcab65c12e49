/**
 * A client of an SFU's signal server: Twirp in JSON, with numbers for enumerations, so that it does
 * not depend on Stream's names for them.
 *
 * @module
 */
import { create, type DescMessage, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import * as v from "valibot";
import { type Clock, ProtocolError } from "@ringline/edge/toolkit";
import { postJson } from "../../wire/http.ts";
import {
  IceRestartRequestSchema,
  IceTrickleSchema,
  SendAnswerRequestSchema,
  SendStatsRequestSchema,
  SetPublisherRequestSchema,
  UpdateMuteStatesRequestSchema,
  UpdateSubscriptionsRequestSchema,
} from "../proto/signal_pb.ts";
import { sfuError } from "./sfu_error.ts";

const SERVICE = "stream.video.sfu.signal.SignalServer";
const CALL_MS = 5000;

/** The methods and their request types. */
const METHODS = {
  SetPublisher: SetPublisherRequestSchema,
  SendAnswer: SendAnswerRequestSchema,
  IceTrickle: IceTrickleSchema,
  UpdateSubscriptions: UpdateSubscriptionsRequestSchema,
  UpdateMuteStates: UpdateMuteStatesRequestSchema,
  IceRestart: IceRestartRequestSchema,
  SendStats: SendStatsRequestSchema,
} as const;

/** The fields of every response. Lenient: an error's code may be one of Stream's names. */
const responseSchema = v.looseObject({
  sdp: v.optional(v.string(), ""),
  error: v.nullish(v.looseObject({
    code: v.optional(v.union([v.number(), v.string()]), 0),
    message: v.optional(v.string(), ""),
    shouldRetry: v.optional(v.boolean(), false),
  })),
});

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
   * Calls a method; returns the response's session description, or an empty text.
   *
   * @throws {EdgeError} the SFU refuses or does not respond.
   */
  async call<M extends keyof typeof METHODS>(
    method: M,
    request: MessageInitShape<typeof METHODS[M]>,
  ): Promise<string> {
    const schema: DescMessage = METHODS[method];
    const body = toJson(schema, create(schema, request as Record<string, unknown>), {
      enumAsInteger: true,
      // Zero is a value here: the publisher is peer 0.
      alwaysEmitImplicit: true,
    });
    const response = v.safeParse(
      responseSchema,
      await postJson({
        url: new URL(`${this.#url}/${SERVICE}/${method}`),
        headers: { authorization: `Bearer ${this.#token}` },
        body,
        doing: method,
        timeoutMs: CALL_MS,
        signal: this.#signal,
        clock: this.#clock,
      }),
    );
    if (!response.success) {
      throw new ProtocolError(`${method}: malformed response`, { code: "bad-response" });
    }
    const { error, sdp } = response.output;
    if (error && (error.code !== 0 || error.message !== "")) {
      const code = typeof error.code === "number" ? error.code : 0;
      const message = typeof error.code === "string"
        ? `${error.code} ${error.message}`
        : error.message;
      throw sfuError({ code, message, shouldRetry: error.shouldRetry }, method);
    }
    return sdp;
  }
}
