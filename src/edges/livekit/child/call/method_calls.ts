/** Calls of methods among participants (RPC), as packets: those of others, and the agent's. @module */
import { type DataPacket, RpcAck, RpcError, RpcRequest, RpcResponse } from "@livekit/protocol";
import { type Clock, messageOf } from "@ringline/edge/toolkit";
import type { IpcMessage, MethodCall, MethodFailure, MethodOutcome } from "../../wire/ipc.ts";
import { RPC_CODES } from "../../wire/rpc_codes.ts";

/** The version of the calls that is spoken here: without compression. */
const VERSION = 1;
/** How long a participant may take to confirm a call. */
const CONFIRM_MS = 7000;
/** How many calls of each participant may be unanswered, and of all. */
const MAX_OPEN_EACH = 32;
const MAX_OPEN = 256;

/** A packet's content. */
type Value = DataPacket["value"];

/** What {@linkcode MethodCalls} needs. */
export interface MethodCallsInit {
  clock: Clock;
  /** Sends a packet to one participant. */
  send: (value: Value, identity: string) => Promise<void>;
  /** Has the agent's process call one of its methods. */
  emit: (message: IpcMessage) => void;
}

/** A call of the agent's that has no response. */
interface Pending {
  readonly identity: string;
  readonly done: PromiseWithResolvers<MethodOutcome>;
  isConfirmed: boolean;
}

/** Passes calls of methods on, and responses. */
export class MethodCalls {
  readonly #options: MethodCallsInit;
  readonly #pending = new Map<string, Pending>();
  /** The callers of calls that the agent's process has not answered, by the calls' ids. */
  readonly #callers = new Map<string, string>();

  constructor(options: MethodCallsInit) {
    this.#options = options;
  }

  /** Takes a packet of a participant, who is known to the agent by this id. */
  receive(value: Value, identity: string, participantId: string | undefined): void {
    switch (value.case) {
      case "rpcRequest":
        return this.#request(value.value, identity, participantId);
      case "rpcAck": {
        const pending = this.#pending.get(value.value.requestId);
        if (pending?.identity === identity) pending.isConfirmed = true;
        return;
      }
      case "rpcResponse": {
        const { requestId, value: result } = value.value;
        const pending = this.#pending.get(requestId);
        if (pending?.identity === identity) pending.done.resolve(outcomeOf(result));
      }
    }
  }

  /** Sends the response to a call; does nothing where there is none such any more. */
  async respond(requestId: string, { payload = "", failure }: MethodOutcome): Promise<void> {
    const identity = this.#callers.get(requestId);
    this.#callers.delete(requestId);
    if (identity === undefined) return;
    const value: RpcResponse["value"] = failure
      ? { case: "error", value: new RpcError(failure) }
      : { case: "payload", value: payload };
    const response = new RpcResponse({ requestId, value });
    await this.#options.send({ case: "rpcResponse", value: response }, identity);
  }

  /** Calls a method of a participant. */
  async call(identity: string, { method, payload, timeoutMs }: MethodCall): Promise<MethodOutcome> {
    const { clock, send } = this.#options;
    const id = crypto.randomUUID();
    const done = Promise.withResolvers<MethodOutcome>();
    const pending: Pending = { identity, done, isConfirmed: false };
    this.#pending.set(id, pending);
    const give = (code: number, message: string) => done.resolve({ failure: { code, message } });
    using _limit = clock.schedule(
      () => give(RPC_CODES.responseTimeout, `no response within ${timeoutMs} ms`),
      timeoutMs,
    );
    using _confirm = clock.schedule(() => {
      if (pending.isConfirmed) return;
      give(RPC_CODES.connectionTimeout, `${identity} did not confirm it within ${CONFIRM_MS} ms`);
    }, CONFIRM_MS);
    try {
      const request = { id, method, payload, responseTimeoutMs: timeoutMs, version: VERSION };
      send({ case: "rpcRequest", value: new RpcRequest(request) }, identity)
        .catch((error) => give(RPC_CODES.sendFailed, messageOf(error)));
      return await done.promise;
    } finally {
      this.#pending.delete(id);
    }
  }

  /** A participant has left: what they were called for gets no response, nor what they have called. */
  left(identity: string): void {
    for (const pending of this.#pending.values()) {
      if (pending.identity === identity) pending.done.resolve({ failure: disconnected(identity) });
    }
    for (const [id, caller] of this.#callers) if (caller === identity) this.#callers.delete(id);
  }

  /** The call is over. */
  close(): void {
    for (const { identity, done } of this.#pending.values()) {
      done.resolve({ failure: disconnected(identity) });
    }
    this.#callers.clear();
  }

  #request(request: RpcRequest, identity: string, participantId: string | undefined): void {
    const { id, method, payload, version, responseTimeoutMs: timeoutMs } = request;
    const { emit, send } = this.#options;
    if (id === "" || this.#callers.has(id)) return;
    const own = this.#callers.values().filter((one) => one === identity).toArray().length;
    const isTooMany = own >= MAX_OPEN_EACH || this.#callers.size >= MAX_OPEN;
    this.#callers.set(id, identity);
    send({ case: "rpcAck", value: new RpcAck({ requestId: id }) }, identity).catch(() => {});
    const refuse = (failure: MethodFailure) => void this.respond(id, { failure }).catch(() => {});
    if (isTooMany) {
      const message = `${own} calls are unanswered: wait for responses first`;
      return refuse({ code: RPC_CODES.applicationError, message });
    }
    if (version > VERSION) {
      const message = `this agent speaks version ${VERSION}, got ${version}`;
      return refuse({ code: RPC_CODES.unsupportedVersion, message });
    }
    if (participantId === undefined) {
      const message = "the agent does not know the caller yet";
      return refuse({ code: RPC_CODES.applicationError, message });
    }
    emit({
      type: "methodCalled",
      requestId: id,
      participantId,
      call: { method, payload, timeoutMs },
    });
  }
}

function outcomeOf({ case: kind, value }: RpcResponse["value"]): MethodOutcome {
  if (kind === "payload") return { payload: value };
  if (kind === "error") {
    const { code, message, data } = value;
    return { failure: { code, message, ...(data === "" ? {} : { data }) } };
  }
  const message = "the response is one that this edge cannot read";
  return { failure: { code: RPC_CODES.unsupportedVersion, message } };
}

function disconnected(identity: string): MethodFailure {
  return { code: RPC_CODES.recipientDisconnected, message: `${identity} has left` };
}
