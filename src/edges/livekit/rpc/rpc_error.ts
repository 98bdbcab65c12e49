/** The error of a method's call. @module */
import { EdgeError } from "@ringline/edge/toolkit";
import { RPC_CODES } from "../wire/rpc_codes.ts";

/** Options for an {@linkcode RpcError}. */
export interface RpcErrorOptions extends ErrorOptions {
  /** LiveKit's number, or one of the application's own. Default 1500: the method failed. */
  rpcCode?: number;
  /** Data of the application's own about it. */
  data?: string;
}

/**
 * A call of a method failed: thrown by {@linkcode LiveKitEdge.performRpc}, and by a method of the
 * agent's whose callers are to know why. Its `code` is `"rpc-failed"`.
 */
export class RpcError extends EdgeError {
  /** The class's name. */
  override name = "RpcError";
  /**
   * LiveKit's number: 1400 there is no such method, 1401 no such participant, 1402 and 1504 the payload
   * or the response is too large, 1500 the method failed, 1501 the participant did not confirm the call,
   * 1502 it took too long, 1503 they have left, 1505 it could not be sent; or one of the application's.
   */
  readonly rpcCode: number;
  /** Data of the application's own about it. */
  readonly data: string | undefined;

  /** Creates an error. */
  constructor(message: string, options: RpcErrorOptions = {}) {
    super(message, { ...options, code: "rpc-failed" });
    this.rpcCode = options.rpcCode ?? RPC_CODES.applicationError;
    this.data = options.data;
  }
}
