import * as v from "valibot";
import type { MediaConnection, MediaLease } from "@ringline/edge/media";
import {
  AuthenticationError,
  type Call,
  type CallConnection,
  CallEndedEvent,
  CustomEventReceivedEvent,
  DropCounter,
  EdgeError,
  type EdgeEvents,
  ErrorEvent,
  type JsonValue,
  messageOf,
  ProtocolError,
} from "@ringline/edge/toolkit";
import { type CoordinatorEvent, CoordinatorSocket } from "./coordinator_socket.ts";
import { AudioLevelsEvent, ReconnectedEvent } from "./events.ts";
import {
  type ErrorData,
  ipcMessage,
  RECONNECT,
  type Request,
  RESPONSE,
  type Response,
  type Strategy,
} from "./wire/ipc.ts";
import type { GetStreamSettings } from "./settings.ts";
import { CustomEventReader } from "./custom_events.ts";
import type { StreamService } from "./stream_service.ts";

/** What a {@linkcode CallBroker} needs. */
export interface CallBrokerOptions {
  call: Call;
  userId: string;
  service: StreamService;
  settings: GetStreamSettings;
  lease: MediaLease;
  events: EdgeEvents;
  /** Whether this edge knows a user for one of its own agents. */
  isOwnAgent: (userId: string) => boolean;
}

/**
 * What a call needs in the agent's process, where the secret is: it responds to the media process's
 * requests, and keeps the coordinator's socket, by which custom events and the call's end come.
 */
export class CallBroker {
  readonly id: string = crypto.randomUUID();
  readonly #options: CallBrokerOptions;
  readonly #coordinator: CoordinatorSocket;
  readonly #stop = new AbortController();
  readonly #malformed: DropCounter;
  readonly #customEvents = new CustomEventReader();
  /** What came before there was a connection to tell it to. */
  readonly #early: CoordinatorEvent[] = [];
  #connection: CallConnection | undefined;

  constructor(options: CallBrokerOptions) {
    this.#options = options;
    const { call, userId, service, settings, events } = options;
    const { clock } = service;
    this.#malformed = new DropCounter(clock, (dropped) => {
      this.#report(
        new ProtocolError(`${dropped} notices of the media process were malformed`, {
          code: "bad-notice",
        }),
        "the media process",
      );
    });
    this.#coordinator = new CoordinatorSocket({
      videoUrl: settings.videoUrl,
      apiKey: settings.apiKey,
      userId,
      token: service.userToken(userId),
      clock,
      watch: (connectionId, signal) => service.watchCall(call, userId, connectionId, signal),
      onEvent: (event) => this.#onEvent(event),
      onError: (error) => {
        events.emit(
          new ErrorEvent({
            error,
            context: "the coordinator's socket",
            ...(this.#connection ? { connection: this.#connection } : {}),
          }),
        );
      },
    });
  }

  /** Resolves when events come; rejects when the first try failed (it goes on trying). */
  get ready(): Promise<void> {
    return this.#coordinator.ready;
  }

  /** There is a connection: events go to it from now on. */
  open(connection: CallConnection): void {
    this.#connection = connection;
    for (const event of this.#early.splice(0)) this.#onEvent(event);
  }

  /** Orders the media process to find the call again. */
  async reconnect(strategy: Strategy): Promise<void> {
    await this.#options.lease.request(RECONNECT, { brokerId: this.id, strategy });
  }

  /** Ends the socket. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#coordinator.close();
  }

  /** Takes a message of the media process. */
  onNotice(data: JsonValue, connection: MediaConnection): void {
    const parsed = v.safeParse(ipcMessage, data);
    if (!parsed.success) return this.#malformed.add();
    const message = parsed.output;
    const { events } = this.#options;
    switch (message.type) {
      case "request":
        this.#respond(message.id, message.request);
        return;
      case "reconnected":
        return events.emit(new ReconnectedEvent({ connection, ...message }));
      case "audioLevels": {
        if (!events.has(AudioLevelsEvent)) return;
        const levels = message.levels.flatMap(({ participantId, level, speaking }) => {
          const participant = connection.participants.get(participantId);
          return participant ? [{ participant, level, speaking }] : [];
        });
        events.emit(new AudioLevelsEvent({ connection, levels }));
      }
    }
  }

  async #respond(id: number, request: Request): Promise<void> {
    let response: Response;
    try {
      response = { brokerId: this.id, id, result: await this.#find(request) };
    } catch (error) {
      response = { brokerId: this.id, id, error: toErrorData(error) };
    }
    try {
      await this.#options.lease.request(RESPONSE, response as unknown as JsonValue);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#report(error, "answering the media process");
    }
  }

  async #find(request: Request): Promise<JsonValue> {
    const { service, call, userId, isOwnAgent } = this.#options;
    const { signal } = this.#stop;
    switch (request.method) {
      case "credentials": {
        const migratingFrom = request.leaving;
        const found = await service.joinCall(call, userId, { migratingFrom, signal });
        return found as unknown as JsonValue;
      }
      case "sendCustomEvent":
        await service.sendCallEvent(call, userId, request.data);
        return null;
      case "findAgents": {
        const own = request.userIds.filter(isOwnAgent);
        const others = request.userIds.filter((id) => !own.includes(id));
        return others.length === 0 ? own : [...own, ...await service.findAgents(others, signal)];
      }
    }
  }

  #onEvent(event: CoordinatorEvent): void {
    const connection = this.#connection;
    if (!connection) {
      if (this.#early.length < 64) this.#early.push(event);
      return;
    }
    const { call, userId, events } = this.#options;
    if (connection.state === "closed" || event.call_cid !== `${call.type}:${call.id}`) return;
    const sender = (event.user as { id?: unknown } | null | undefined)?.id;
    switch (event.type) {
      case "custom": {
        // Stream sends everybody's events to everybody, the sender included.
        if (sender === userId) return;
        const participant = [...connection.participants.values()]
          .find((one) => one.userId === sender);
        const data = this.#customEvents.read(event.custom ?? null);
        if (data === undefined) return;
        return events.send(
          new CustomEventReceivedEvent({
            connection,
            data,
            ...(participant ? { participant } : {}),
          }),
        );
      }
      case "call.ended":
        return events.send(new CallEndedEvent({ connection, reason: "call-ended" }));
      case "call.blocked_user":
      case "call.kicked_user":
        if (sender !== userId) return;
        return events.send(new CallEndedEvent({ connection, reason: "kicked" }));
    }
  }

  #report(error: unknown, context: string): void {
    this.#options.events.emit(
      new ErrorEvent({
        error,
        context,
        ...(this.#connection ? { connection: this.#connection } : {}),
      }),
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
