/**
 * LocalEdge's half in the media process: the calls, and who may join them.
 *
 * @module
 */
import * as v from "valibot";
import type {
  AgentConnection,
  ChildContext,
  EdgeChild,
  ParticipantAudioStats,
  PublishedKinds,
} from "../../../media/child/contract.ts";
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import { EdgeError } from "../../../edge/errors.ts";
import type { JsonValue } from "../../../edge/types.ts";
import { callSecret, newSecret, sameSecret } from "../wire/auth.ts";
import { type Invitation, isInvitation, readInvitation } from "../wire/invitation.ts";
import { RateLimit } from "../wire/limits.ts";
import { ResumeTokens } from "../wire/resume.ts";
import {
  type CallMessage,
  type CallParams,
  callParams,
  openParams,
  revokeParams,
  serveParams,
  type ServerAddress,
  startedParams,
} from "../wire/messages.ts";
import { Rejection } from "../wire/rejection.ts";
import { Room } from "./room.ts";
import type { RoomMedia } from "./room_media.ts";
import { HttpServer } from "./http_server.ts";
import { type LocalSettings, settingsFromJson } from "../wire/settings.ts";
import {
  type ClientMessage,
  type Hello,
  type Look,
  PROTOCOL_VERSION,
  type ServerMessage,
  type Start,
} from "../wire/signalling.ts";
import type { Socket } from "./socket.ts";
import { messageOf } from "../../../events/error_text.ts";
import { callKey } from "../wire/call_key.ts";

/** How long a person who started a call waits for its agent. */
const AGENT_WAIT_MS = 15_000;
/** How long pages wait until what was open is open again. */
const REOPEN_MS = 3000;
/** Limit for goodbyes before the process ends. */
const GOODBYE_MS = 250;

interface OpenCall extends CallParams {
  room: Room;
  /** Runs while no agent has joined a call that a page started. */
  unanswered: Disposable | undefined;
}

/** Creates the mixer and peers of a new room. */
export type RoomMediaFactory = (context: ChildContext) => RoomMedia;

/** The calls of one LocalEdge. */
export class LocalChild implements EdgeChild {
  readonly #context: ChildContext;
  readonly #createMedia: RoomMediaFactory;
  readonly #settings: LocalSettings;
  #server!: HttpServer;
  readonly #calls = new Map<string, OpenCall>();
  readonly #roomOf = new Map<number, OpenCall>();
  /** The ids of invitations that were revoked. */
  readonly #revoked: Set<string>;
  readonly #warnings: RateLimit;
  #suppressed = 0;
  /** The secret of the start page, while there is one. */
  #startSecret: string | undefined;
  /** Whether the agent's program is asked about each call that a page starts. */
  #asks = false;
  #isLeaving = false;
  /** The pages that started a call and wait for the agent's program, by the call's id. */
  readonly #starting = new Map<string, {
    socket: Socket;
    started: Extract<ServerMessage, { type: "started" }>;
  }>();
  /** Resolves when what the agent's program had open is open again. */
  readonly #reopened = Promise.withResolvers<void>();

  private constructor(context: ChildContext, createMedia: RoomMediaFactory) {
    this.#context = context;
    this.#createMedia = createMedia;
    this.#warnings = new RateLimit(context.clock, 2);
    this.#settings = settingsFromJson(context.config);
    this.#revoked = new Set(this.#settings.revoked);
    if (context.replaces) context.clock.schedule(this.#reopened.resolve, REOPEN_MS);
    else this.#reopened.resolve();
  }

  /**
   * Listens.
   *
   * @throws {EdgeError} `address-in-use` or `cannot-listen`
   */
  static async open(context: ChildContext, createMedia: RoomMediaFactory): Promise<LocalChild> {
    const child = new LocalChild(context, createMedia);
    try {
      child.#server = await HttpServer.open({
        settings: child.#settings,
        clock: context.clock,
        log: (line) => child.#warn(line),
        onLost: ({ message }) => context.send({ type: "listenerLost", message }),
        onFirstMessage: (socket, message) => child.#firstMessage(socket, message),
      });
    } catch (error) {
      throw listenError(error, child.#settings);
    }
    return child;
  }

  /** The origin of the server, as pages name it. */
  get origin(): string {
    return this.#server.origin;
  }

  join(connection: AgentConnection, params: JsonValue): Promise<ServerAddress> {
    const call = this.#open(v.parse(callParams, params));
    call.unanswered?.[Symbol.dispose]();
    call.unanswered = undefined;
    this.#roomOf.set(connection.connectionId, call);
    call.room.addAgent(connection);
    return Promise.resolve({ origin: this.#server.origin });
  }

  publish(connection: AgentConnection, tracks: PublishedKinds): Promise<void> {
    this.#room(connection).publish(connection, tracks);
    return Promise.resolve();
  }

  videoTrack(connection: AgentConnection, trackId: string): RtcTrack | undefined {
    return this.#roomOf.get(connection.connectionId)?.room.videoTrack(trackId);
  }

  sendCustomEvent(connection: AgentConnection, data: JsonValue): Promise<void> {
    this.#room(connection).sendCustomEvent(connection, data);
    return Promise.resolve();
  }

  sendCustomEventTo(connection: AgentConnection, to: string, data: JsonValue): Promise<void> {
    this.#room(connection).sendCustomEvent(connection, data, to);
    return Promise.resolve();
  }

  audioStats(connection: AgentConnection): Promise<ParticipantAudioStats[]> {
    return this.#room(connection).audioStats();
  }

  async leave(connection: AgentConnection): Promise<void> {
    const call = this.#roomOf.get(connection.connectionId);
    this.#roomOf.delete(connection.connectionId);
    await call?.room.removeAgent(connection);
  }

  async request(method: string, params: JsonValue): Promise<JsonValue> {
    switch (method) {
      case "open": {
        const { isAwaited, ...init } = v.parse(openParams, params);
        const call = this.#open(init);
        if (isAwaited && call.room.agentCount === 0) this.#awaitAgent(call);
        return { origin: this.#server.origin };
      }
      case "started":
        return this.#respondToStart(v.parse(startedParams, params));
      case "reopened":
        this.#reopened.resolve();
        return null;
      case "serve": {
        const { secret, asks } = v.parse(serveParams, params);
        this.#startSecret = secret ?? undefined;
        this.#asks = asks;
        return { origin: this.#server.origin };
      }
      case "end": {
        const { callType, callId } = v.parse(callParams, params);
        await this.#calls.get(callKey({ type: callType, id: callId }))?.room.end("call-ended");
        return null;
      }
      case "endUnanswered": {
        const { callType, callId } = v.parse(callParams, params);
        const call = this.#calls.get(callKey({ type: callType, id: callId }));
        if (call?.room.agentCount === 0) await call.room.end("no-agent");
        return null;
      }
      case "revoke": {
        const { id } = v.parse(revokeParams, params);
        this.#revoked.add(id);
        for (const { room } of this.#calls.values()) room.removeInvited(id);
        return null;
      }
      default:
        throw new EdgeError(`LocalEdge's media process got an unknown request "${method}"`, {
          code: "unknown-request",
        });
    }
  }

  isEmpty(): boolean {
    return [...this.#calls.values()].every(({ room, unanswered }) =>
      room.agentCount === 0 && room.participantCount === 0 && unanswered === undefined
    );
  }

  async goodbye(): Promise<void> {
    this.#isLeaving = true;
    const ends = [...this.#calls.values()].map(({ room }) => room.end("server-closing"));
    await Promise.race([
      Promise.allSettled([...ends, this.#server.socketsClosed()]),
      new Promise<void>((resolve) => this.#context.clock.schedule(resolve, GOODBYE_MS)),
    ]);
  }

  /** Stops the server; when the process ends, this is not needed. */
  async close(): Promise<void> {
    await this.#server.close();
  }

  #open(init: CallParams): OpenCall {
    const key = callKey({ type: init.callType, id: init.callId });
    const open = this.#calls.get(key);
    if (open) return open;
    if (this.#calls.size >= this.#settings.limits.calls) {
      throw new EdgeError(`${this.#calls.size} calls are open: raise limits.calls, or end one`, {
        code: "too-many-calls",
        retryable: true,
      });
    }
    const { clock } = this.#context;
    const call: OpenCall = {
      ...init,
      unanswered: undefined,
      room: new Room({
        media: this.#createMedia(this.#context),
        clock,
        limits: this.#settings.limits,
        rtc: this.#settings,
        handling: (userId) =>
          this.#context.handling({ type: init.callType, id: init.callId }, userId),
        isRefused: (userId) =>
          this.#settings.refused.some((one) =>
            one.userId === userId && one.callType === init.callType && one.callId === init.callId
          ),
        resume: new ResumeTokens(this.#settings.secret, init),
        assertSpace: () => this.#assertPort(),
        log: (line) => this.#context.log("info", `${init.callId}: ${line}`),
        onEnd: () => {
          call.unanswered?.[Symbol.dispose]();
          this.#calls.delete(key);
          // What ends with the process is open again in the next one.
          if (!this.#isLeaving) this.#emit("callEnded", call);
        },
      }),
    };
    this.#calls.set(key, call);
    return call;
  }

  async #firstMessage(socket: Socket, message: ClientMessage): Promise<void> {
    // A page that comes back before its call would be told that there is none.
    await this.#reopened.promise;
    if (!socket.isOpen) return;
    const { type } = message;
    if (type !== "hello" && type !== "look" && type !== "start") {
      throw new Rejection("bad-message", `unexpected ${type} before hello`);
    }
    if (message.version !== PROTOCOL_VERSION) {
      throw new Rejection(
        "wrong-version",
        `expected version ${PROTOCOL_VERSION}, got ${message.version}`,
      );
    }
    if (message.type === "start") return this.#start(socket, message);
    const { call, invitation } = await this.#find(message);
    // Unless the page has left in the meantime.
    if (!socket.isOpen) return;
    if (message.type === "hello") return call.room.enter(socket, message, invitation);
    if (invitation?.expired) throw new Rejection("invitation-expired");
    socket.send({ type: "call", participants: call.room.members });
    socket.close();
  }

  /** Returns the call of a link, or throws a rejection. */
  async #find(link: Hello | Look): Promise<{ call: OpenCall; invitation?: Invitation }> {
    const find = () => this.#calls.get(callKey({ type: link.callType, id: link.callId }));
    if (!isInvitation(link.secret)) {
      const call = find();
      // One rejection and one duration for both: outsiders do not learn which calls exist.
      const right = sameSecret(link.secret, call?.secret ?? newSecret());
      if (call && right) return { call };
      throw new Rejection("wrong-link", call ? "the secret is wrong" : "no call has this id");
    }
    const invitation = await readInvitation(link.secret, this.#settings.secret, {
      ...link,
      nowMs: this.#context.clock.epochMs(),
    });
    if (this.#revoked.has(invitation.id)) {
      throw new Rejection("wrong-link", "the invitation was revoked");
    }
    const call = find();
    if (!call) throw new Rejection("wrong-link", "no call has this id");
    return { call, invitation };
  }

  /** Without a UDP port wrtc would offer TCP, which candidates.ts removes: this says so instead. */
  #assertPort(): void {
    const range = this.#settings.udpPortRange;
    if (!range) return;
    const ports = range.max - range.min + 1;
    let count = 0;
    for (const { room } of this.#calls.values()) count += room.participantCount;
    if (count >= ports) throw new Rejection("room-full", `udpPortRange has ${ports} ports`);
  }

  #start(socket: Socket, start: Start): void {
    if (!sameSecret(start.secret, this.#startSecret ?? newSecret())) {
      throw new Rejection(this.#startSecret === undefined ? "not-serving" : "wrong-link");
    }
    const { limits } = this.#settings;
    if (this.#calls.size + this.#starting.size >= limits.calls) {
      throw new Rejection("too-many-calls");
    }
    const name = {
      callType: "default",
      callId: crypto.getRandomValues(new Uint8Array(6)).toHex(),
    };
    const secret = callSecret(this.#settings.secret, name.callType, name.callId);
    if (this.#settings.isolated || this.#asks) {
      this.#starting.set(name.callId, { socket, started: { type: "started", ...name, secret } });
      void socket.ended.then(() => this.#starting.delete(name.callId));
      return this.#emit("callStarted", { ...name, secret });
    }
    const call = this.#open({ ...name, secret });
    this.#awaitAgent(call);
    this.#emit("callStarted", call);
    socket.send({ type: "started", ...name, secret });
    socket.close();
  }

  /** Ends a call that a page started when no agent comes. */
  #awaitAgent(call: OpenCall): void {
    call.unanswered?.[Symbol.dispose]();
    call.unanswered = this.#context.clock.schedule(
      () => void call.room.end("no-agent"),
      AGENT_WAIT_MS,
    );
  }

  /**
   * Lets a page into the call that it started, here or in a process of the call's own; or does not.
   * Returns whether it is let in: it may have left.
   */
  #respondToStart({ callId, origin }: v.InferOutput<typeof startedParams>): boolean {
    const starting = this.#starting.get(callId);
    this.#starting.delete(callId);
    if (starting === undefined) return false;
    const { socket, started } = starting;
    if (origin === null) {
      socket.reject(new Rejection("too-many-calls"));
      return false;
    }
    if (origin === undefined) this.#awaitAgent(this.#open(started));
    socket.send({ ...started, origin });
    socket.close();
    return true;
  }

  #emit(type: CallMessage["type"], call: CallParams): void {
    const { callType, callId, secret } = call;
    const message: CallMessage = { type, callType, callId, secret };
    this.#context.send({ ...message });
  }

  #room(connection: AgentConnection): Room {
    const call = this.#roomOf.get(connection.connectionId);
    if (!call) {
      throw new EdgeError("the agent is in no call: join one first", { code: "not-joined" });
    }
    return call.room;
  }

  /** Logs a rejection; repeated rejections must not fill the log. */
  #warn(line: string): void {
    if (!this.#warnings.take()) {
      this.#suppressed++;
      return;
    }
    const more = this.#suppressed > 0
      ? ` (${this.#suppressed} lines before it were suppressed)`
      : "";
    this.#suppressed = 0;
    this.#context.log("warn", `LocalEdge: ${line}${more}`);
  }
}

function listenError(error: unknown, { host, port }: LocalSettings): EdgeError {
  if ((error as { code?: unknown }).code === "EADDRINUSE") {
    return new EdgeError(`port ${port} of ${host} is in use: use another, or 0 for a free one`, {
      code: "address-in-use",
      cause: error,
      retryable: true,
    });
  }
  const what = messageOf(error);
  return new EdgeError(`the server cannot listen on ${host}:${port}: ${what}`, {
    code: "cannot-listen",
    cause: error,
  });
}
