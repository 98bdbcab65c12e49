/** The methods of an agent that other participants call (RPC). @module */
import type { Participant } from "@ringline/edge/toolkit";
import type { MethodCall, MethodFailure, MethodOutcome } from "../wire/ipc.ts";
import { isTooLarge, MAX_PAYLOAD_BYTES, RPC_CODES } from "../wire/rpc_codes.ts";
import { RpcError } from "./rpc_error.ts";

/** A call of one of the agent's methods. */
export interface RpcCall {
  /** The method's name. */
  readonly method: string;
  /** The caller's text, often JSON. */
  readonly payload: string;
  /** The caller. */
  readonly participant: Participant;
  /** How long the caller waits for the response, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * A method of the agent. Its text, of at most 15 KB, is the response; an {@linkcode RpcError} that it
 * throws is passed on to the caller, of another error only that there was one.
 */
export type RpcMethod = (call: RpcCall) => string | Promise<string>;

/** The methods of one agent in one call. */
export class RpcMethods {
  readonly #methods = new Map<string, RpcMethod>();
  readonly #onError: (error: unknown, method: string) => void;

  /** @param onError takes what a method throws and its caller is not told */
  constructor(onError: (error: unknown, method: string) => void) {
    this.#onError = onError;
  }

  /**
   * Registers a method until the result is disposed.
   *
   * @throws {TypeError} the name or the method is not valid, or there is one of this name.
   */
  register(name: string, method: RpcMethod): Disposable {
    if (typeof name !== "string" || name === "") {
      throw new TypeError(`method: expected a name, got ${JSON.stringify(name)}`);
    }
    if (typeof method !== "function") {
      throw new TypeError(`the method ${name}: expected a function, got ${typeof method}`);
    }
    if (this.#methods.has(name)) {
      throw new TypeError(`there is a method ${name} already: dispose it first`);
    }
    this.#methods.set(name, method);
    return { [Symbol.dispose]: () => void this.#methods.delete(name) };
  }

  /** Runs a method; never rejects. */
  async run(participant: Participant, call: MethodCall): Promise<MethodOutcome> {
    const method = this.#methods.get(call.method);
    if (!method) {
      const message = `this agent has no method ${JSON.stringify(call.method)}`;
      return { failure: { code: RPC_CODES.unsupportedMethod, message } };
    }
    try {
      const payload: unknown = await method({ ...call, participant });
      if (typeof payload !== "string") {
        throw new TypeError(`the method ${call.method}: expected a text, got ${typeof payload}`);
      }
      if (!isTooLarge(payload)) return { payload };
      const message = `the response may have ${MAX_PAYLOAD_BYTES} bytes`;
      return { failure: { code: RPC_CODES.responseTooLarge, message } };
    } catch (error) {
      return { failure: this.#failureOf(error, call.method) };
    }
  }

  #failureOf(error: unknown, method: string): MethodFailure {
    if (error instanceof RpcError) {
      const { rpcCode: code, message, data } = error;
      return { code, message, ...(data === undefined ? {} : { data }) };
    }
    this.#onError(error, method);
    return { code: RPC_CODES.applicationError, message: "the method failed" };
  }
}
