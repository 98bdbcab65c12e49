/** The half of a call that runs in the agent's process. @module */
import * as v from "valibot";
import type { MediaConnection, MediaLease } from "@ringline/edge/media";
import {
  AgentMutedEvent,
  type Call,
  type CallConnection,
  CallEndedEvent,
  CustomEventReceivedEvent,
  DropCounter,
  type EdgeEvents,
  ErrorEvent,
  type JsonValue,
  ProtocolError,
  ReconnectedEvent,
  TextReceivedEvent,
  toErrorData,
} from "@ringline/edge/toolkit";
import { type CoordinatorEvent, CoordinatorSocket } from "./coordinator_socket.ts";
import {
  AudioLevelsEvent,
  ConnectionQualityEvent,
  DominantSpeakerEvent,
  StreamCallEvent,
  type StreamCallEventData,
} from "./events.ts";
import {
  type CallParams,
  ipcMessage,
  type MutedTrack,
  RECONNECT,
  type Request,
  RESPONSE,
  type Response,
  RESPONSE_MS,
  type Strategy,
} from "./wire/ipc.ts";
import type { GetStreamSettings } from "./settings.ts";
import { CustomEventReader, textOf } from "./custom_events.ts";
import type { SfuCredentials } from "./wire/credentials.ts";
import type { JoinRequest, StreamService } from "./service/stream_service.ts";

/** What {@linkcode CallBroker} needs. */
export interface CallBrokerInit {
  call: Call;
  userId: string;
  service: StreamService;
  settings: GetStreamSettings;
  lease: MediaLease;
  events: EdgeEvents;
  /** Whether a user is one of this edge's own agents. */
  isOwnAgent: (userId: string) => boolean;
}

/**
 * A call's broker in the agent's process, where the secret is: it responds to requests of the media
 * process, and keeps the coordinator's socket, which brings custom events and the call's end.
 */
export class CallBroker {
  readonly id: string = crypto.randomUUID();
  readonly #options: CallBrokerInit;
  readonly #coordinator: CoordinatorSocket;
  readonly #stop = new AbortController();
  readonly #malformed: DropCounter;
  readonly #customEvents = new CustomEventReader();
  /** Events that came before there was a connection. */
  readonly #early: CoordinatorEvent[] = [];
  #connection: CallConnection | undefined;
  #capabilities: readonly string[] = [];
  /** The agent's session with an SFU, once there is one. */
  #sessionId: string | undefined;
  /** The agent's tracks that others have muted. */
  #muted: readonly MutedTrack[] = [];

  constructor(options: CallBrokerInit) {
    this.#options = options;
    const { call, userId, service, settings } = options;
    const { clock } = service;
    this.#malformed = new DropCounter(clock, (dropped) => {
      this.#report(
        new ProtocolError(`dropped ${dropped} malformed messages of the media process`, {
          code: "bad-message",
        }),
        "the media process",
      );
    });
    this.#coordinator = new CoordinatorSocket({
      videoUrl: settings.videoUrl,
      apiKey: settings.apiKey,
      user: { id: userId },
      token: service.userToken(userId),
      clock,
      subscribe: (connectionId, signal) =>
        service.subscribeToCall(call, userId, connectionId, signal),
      onEvent: (event) => this.#onEvent(event),
      onError: (error) => this.#report(error, "the coordinator's socket"),
    });
  }

  /** What the agent may do in the call, as the service said last. */
  get capabilities(): readonly string[] {
    return this.#capabilities;
  }

  /** Takes what the service said when the agent joined, also again. */
  takeCredentials({ capabilities }: SfuCredentials): void {
    if (capabilities) this.#capabilities = capabilities;
  }

  /** Resolves when events come; rejects when the first try failed (the socket keeps trying). */
  get ready(): Promise<void> {
    return this.#coordinator.ready;
  }

  /** Returns what it takes to join again in the place of a media process that was lost. */
  async rejoinParams(
    signal: AbortSignal,
  ): Promise<Pick<CallParams, "credentials" | "previousSessionId" | "muted">> {
    const { service, settings } = this.#options;
    const credentials = await this.#credentials({
      deadline: service.clock.now() + settings.reconnectTimeoutMs,
      signal: AbortSignal.any([signal, this.#stop.signal]),
    });
    return { credentials, previousSessionId: this.#sessionId, muted: [...this.#muted] };
  }

  /** Sends events to this connection from now on. */
  open(connection: CallConnection): void {
    this.#connection = connection;
    for (const event of this.#early.splice(0)) this.#onEvent(event);
  }

  /** Has the media process reconnect the call. */
  async reconnect(strategy: Strategy): Promise<void> {
    await this.#options.lease.request(RECONNECT, { brokerId: this.id, strategy });
  }

  /** Closes the socket. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#coordinator.close();
  }

  /** Takes a message of the media process. Counts a malformed one. */
  onMessage(data: JsonValue, connection: MediaConnection): void {
    const parsed = v.safeParse(ipcMessage, data);
    if (!parsed.success) return this.#malformed.add();
    const message = parsed.output;
    const { events } = this.#options;
    switch (message.type) {
      case "request":
        this.#respond(message.id, message.request);
        return;
      case "session":
        this.#sessionId = message.sessionId;
        return;
      case "mutedTracks":
        this.#muted = message.muted;
        return;
      case "reconnected":
        return events.emit(new ReconnectedEvent({ connection, ...message }));
      case "agentMuted":
        return events.emit(new AgentMutedEvent({ connection, ...message }));
      case "dominantSpeaker": {
        const participant = connection.participants.get(message.participantId);
        if (participant) events.emit(new DominantSpeakerEvent({ connection, participant }));
        return;
      }
      case "connectionQuality": {
        const qualities = message.qualities.flatMap(({ participantId, quality }) => {
          const participant = connection.participants.get(participantId);
          return participant ? [{ participant, quality }] : [];
        });
        if (qualities.length > 0) {
          events.emit(new ConnectionQualityEvent({ connection, qualities }));
        }
        return;
      }
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
      response = { brokerId: this.id, id, result: await this.#handle(request) };
    } catch (error) {
      response = { brokerId: this.id, id, error: toErrorData(error) };
    }
    try {
      await this.#options.lease.request(RESPONSE, response as unknown as JsonValue);
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#report(error, "responding to the media process");
    }
  }

  async #handle(request: Request): Promise<JsonValue> {
    const { service, call, userId, isOwnAgent } = this.#options;
    const { signal } = this.#stop;
    switch (request.method) {
      case "credentials": {
        const deadline = service.clock.now() + RESPONSE_MS;
        const found = await this.#credentials({ migratingFrom: request.leaving, deadline, signal });
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

  async #credentials(request: JoinRequest): Promise<SfuCredentials> {
    const { service, call, userId } = this.#options;
    const found = await service.joinCall(call, userId, request);
    this.takeCredentials(found);
    return found;
  }

  #onEvent(event: CoordinatorEvent): void {
    const connection = this.#connection;
    if (!connection) {
      if (this.#early.length < 64) this.#early.push(event);
      return;
    }
    const { call, userId, events } = this.#options;
    if (connection.state === "closed" || event.call_cid !== `${call.type}:${call.id}`) return;
    if (event.type.startsWith("call.")) {
      const data = event as unknown as StreamCallEventData;
      events.emit(new StreamCallEvent({ connection, data }));
    }
    const sender = (event.user as { id?: unknown } | null | undefined)?.id;
    switch (event.type) {
      case "custom": {
        // Stream sends an event to all participants, the sender included.
        if (sender === userId) return;
        const participant = [...connection.participants.values()]
          .find((one) => one.userId === sender);
        const data = this.#customEvents.read(event.custom ?? null);
        if (data === undefined) return;
        const text = textOf(data);
        if (participant && text !== undefined) {
          return events.send(new TextReceivedEvent({ connection, participant, text }));
        }
        return events.send(new CustomEventReceivedEvent({ connection, data, participant }));
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
    this.#options.events.emit(new ErrorEvent({ error, context, connection: this.#connection }));
  }
}
