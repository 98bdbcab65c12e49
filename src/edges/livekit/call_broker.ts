/** The half of a call that runs in the agent's process. @module */
import * as v from "valibot";
import type { MediaConnection, MediaLease } from "@ringline/edge/media";
import {
  AuthenticationError,
  type Clock,
  DropCounter,
  DtmfReceivedEvent,
  EdgeError,
  type EdgeEvents,
  ErrorEvent,
  type JsonValue,
  messageOf,
  ProtocolError,
} from "@ringline/edge/toolkit";
import { AgentMutedEvent, ParticipantUpdatedEvent, ReconnectedEvent } from "./events.ts";
import { type CallParams, type ErrorData, ipcMessage, ORDER, type Order } from "./wire/ipc.ts";
import { isUsable } from "./wire/token_end.ts";

/** Options for {@linkcode CallBroker}. */
export interface CallBrokerOptions {
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
  readonly #options: CallBrokerOptions;
  readonly #stop = new AbortController();
  readonly #malformed: DropCounter;
  #connection: MediaConnection | undefined;
  /** The server's newest token, which has the rights that the agent has now. */
  #renewed: string | undefined;
  #moderated: CallParams["moderated"] = [];

  constructor(options: CallBrokerOptions) {
    this.#options = options;
    this.userId = options.userId;
    this.#malformed = new DropCounter(options.clock, (dropped) => {
      const text = `dropped ${dropped} malformed messages of the media process`;
      this.#report(new ProtocolError(text, { code: "bad-message" }), "the media process");
    });
  }

  /** Returns with what the agent joins again when its media process was replaced. */
  async rejoining(): Promise<Pick<CallParams, "token" | "moderated">> {
    const renewed = this.#renewed;
    const isFresh = renewed !== undefined && isUsable(renewed, this.#options.clock.epochMs());
    const token = isFresh ? renewed : await this.#options.createToken(this.#stop.signal);
    return { token, moderated: this.#moderated };
  }

  /** Has the call in the media process do something; resolves when that is done. */
  async order(order: Order): Promise<void> {
    await this.#options.lease.request(ORDER, { brokerId: this.id, order } as unknown as JsonValue);
  }

  /** Takes no message any more. Idempotent. */
  close(): void {
    this.#stop.abort();
  }

  /** Takes a message of the media process. Counts a malformed one. */
  onMessage(data: JsonValue, connection: MediaConnection): void {
    this.#connection = connection;
    const parsed = v.safeParse(ipcMessage, data);
    if (!parsed.success) return this.#malformed.add();
    const message = parsed.output;
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
      case "participantUpdated": {
        const participant = connection.participants.get(message.participantId);
        if (!participant) return;
        events.emit(new ParticipantUpdatedEvent({ ...message, connection, participant }));
      }
    }
  }

  async #sendToken(id: number): Promise<void> {
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
    const connection = this.#connection;
    this.#options.events.emit(
      new ErrorEvent({ error, context, ...(connection ? { connection } : {}) }),
    );
  }
}

function toErrorData(error: unknown): ErrorData {
  if (!(error instanceof EdgeError)) {
    return { kind: "connection", code: "failed", message: messageOf(error), retryable: false };
  }
  const { code, message, retryable } = error;
  const kind = error instanceof AuthenticationError
    ? "authentication"
    : error instanceof ProtocolError
    ? "protocol"
    : "connection";
  return { kind, code, message, retryable };
}
