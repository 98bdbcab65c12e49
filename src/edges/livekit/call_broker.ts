/** The half of a call that runs in the agent's process. @module */
import * as v from "valibot";
import type { MediaConnection, MediaLease } from "@ringline/edge/media";
import {
  AgentMutedEvent,
  type Call,
  type CallConnection,
  type Clock,
  DropCounter,
  DtmfReceivedEvent,
  type EdgeEvents,
  ErrorEvent,
  type JsonValue,
  type Participant,
  ProtocolError,
  ReconnectedEvent,
  toErrorData,
  type User,
} from "@ringline/edge/toolkit";
import { ParticipantUpdatedEvent } from "./events.ts";
import { RpcError } from "./rpc/rpc_error.ts";
import { RpcMethods } from "./rpc/rpc_methods.ts";
import {
  type CallParams,
  ipcMessage,
  type MethodCall,
  methodOutcome,
  ORDER,
  type Order,
} from "./wire/ipc.ts";
import { isUsable } from "./wire/usable_token.ts";

/** What {@linkcode CallBroker} needs. */
export interface CallBrokerInit {
  lease: MediaLease;
  events: EdgeEvents;
  clock: Clock;
  /** The agent whose call it is. */
  userId: string;
  /** Returns another token for the agent. */
  createToken: (signal: AbortSignal) => Promise<string>;
}

/** A call's broker in the agent's process, where the tokens are made. */
export class CallBroker {
  readonly id: string = crypto.randomUUID();
  /** The agent whose call it is. */
  readonly userId: string;
  /** The agent's methods, which others call. */
  readonly methods: RpcMethods = new RpcMethods((error, method) =>
    this.#report(error, `the method ${method}`)
  );
  readonly #options: CallBrokerInit;
  readonly #stop = new AbortController();
  readonly #malformed: DropCounter;
  /** The agent's connection, once it has joined. */
  connection: MediaConnection | undefined;
  /** The server's newest token, which has the rights that the agent has now. */
  #renewed: string | undefined;
  #moderated: CallParams["moderated"] = [];
  readonly #attributes: Record<string, string> = {};

  constructor(options: CallBrokerInit) {
    this.#options = options;
    this.userId = options.userId;
    this.#malformed = new DropCounter(options.clock, (dropped) => {
      const text = `dropped ${dropped} malformed messages of the media process`;
      this.#report(new ProtocolError(text, { code: "bad-message" }), "the media process");
    });
  }

  /** Those who are in the call with the agent. */
  get participants(): ReadonlyMap<string, Participant> {
    return this.connection?.participants ?? new Map();
  }

  /** Returns with what the agent joins again when its media process was replaced. */
  async rejoining(): Promise<Pick<CallParams, "token" | "moderated" | "attributes">> {
    const renewed = this.#renewed;
    const isFresh = renewed !== undefined && isUsable(renewed, this.#options.clock.epochMs());
    const token = isFresh ? renewed : await this.#options.createToken(this.#stop.signal);
    return { token, moderated: this.#moderated, attributes: { ...this.#attributes } };
  }

  /** Sets attributes of the agent, also for the media process that replaces this one. */
  async setAttributes(attributes: Readonly<Record<string, string>>): Promise<void> {
    Object.assign(this.#attributes, attributes);
    await this.order({ method: "setAttributes", attributes: { ...attributes } });
  }

  /** Has the call in the media process do something; resolves when that is done. */
  async order(order: Order): Promise<JsonValue> {
    const params = { brokerId: this.id, order } as unknown as JsonValue;
    return await this.#options.lease.request(ORDER, params);
  }

  /**
   * Calls a method of a participant, and returns its response.
   *
   * @throws {RpcError} it failed.
   */
  async callMethod(participantId: string, call: MethodCall): Promise<string> {
    const reply = await this.order({ method: "callMethod", participantId, call });
    const { payload = "", failure } = v.parse(methodOutcome, reply);
    if (!failure) return payload;
    const { code: rpcCode, message, data } = failure;
    throw new RpcError(`calling ${call.method}: ${message}`, { rpcCode, data });
  }

  /** Takes no message any more. Idempotent. */
  close(): void {
    this.#stop.abort();
  }

  /** Takes a message of the media process. Counts a malformed one. */
  onMessage(data: JsonValue, connection: MediaConnection): void {
    const parsed = v.safeParse(ipcMessage, data);
    if (!parsed.success) return this.#malformed.add();
    const message = parsed.output;
    this.connection ??= connection;
    const { events } = this.#options;
    switch (message.type) {
      case "tokenNeeded":
        this.#sendToken(message.id);
        return;
      case "tokenRenewed":
        this.#renewed = message.token;
        return;
      case "moderated":
        this.#moderated = message.tracks;
        return;
      case "reconnected":
        return events.emit(new ReconnectedEvent({ connection, ...message }));
      case "agentMuted":
        return events.emit(new AgentMutedEvent({ connection, ...message }));
      case "dtmf": {
        const participant = connection.participants.get(message.participantId);
        if (!participant) return;
        return events.send(
          new DtmfReceivedEvent({ connection, participant, digit: message.digit }),
        );
      }
      case "methodCalled": {
        const { requestId, participantId, call } = message;
        const participant = connection.participants.get(participantId);
        if (participant) this.#run(requestId, participant, call);
        return;
      }
      case "participantUpdated": {
        const participant = connection.participants.get(message.participantId);
        if (!participant) return;
        events.emit(new ParticipantUpdatedEvent({ ...message, connection, participant }));
      }
    }
  }

  async #run(requestId: string, participant: Participant, call: MethodCall): Promise<void> {
    const outcome = await this.methods.run(participant, call);
    try {
      await this.order({ method: "methodReturned", requestId, outcome });
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#report(error, `responding to ${call.method}`);
    }
  }

  async #sendToken(id: string): Promise<void> {
    const { signal } = this.#stop;
    let order: Order;
    try {
      order = { method: "token", id, token: await this.#options.createToken(signal) };
    } catch (error) {
      order = { method: "token", id, error: toErrorData(error) };
    }
    try {
      if (!signal.aborted) await this.order(order);
    } catch (error) {
      if (!signal.aborted) this.#report(error, "responding to the media process");
    }
  }

  #report(error: unknown, context: string): void {
    this.#options.events.emit(new ErrorEvent({ error, context, connection: this.connection }));
  }
}

/**
 * Returns the broker of a user's connection to a call: of that very call where there are several agents
 * of one user in one room.
 */
export function findBroker<B extends { readonly userId: string }>(
  brokers: readonly (readonly [Pick<CallConnection, "call" | "state">, B])[],
  call: Call,
  user: User,
): B | undefined {
  const found = brokers.filter(([{ call: { id, type }, state }, { userId }]) =>
    id === call.id && type === call.type && userId === user.id && state !== "closed"
  );
  return (found.find(([connection]) => connection.call === call) ?? found[0])?.[1];
}
