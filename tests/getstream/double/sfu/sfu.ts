/** The SFU of the double: sockets, Twirp, and the commands of a test. @module */
import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  IceRestartRequestSchema,
  IceTrickleSchema,
  type JoinRequest,
  PeerType,
  type PublishOptionSchema,
  ReconnectStrategy,
  SendAnswerRequestSchema,
  SendStatsRequestSchema,
  SetPublisherRequestSchema,
  type SfuRequest,
  SfuRequestSchema,
  TrackType,
  UpdateMuteStatesRequestSchema,
  UpdateSubscriptionsRequestSchema,
} from "../../../../src/edge/getstream/proto/signal_pb.ts";
import { checkToken } from "../jwt.ts";
import { Leg } from "./leg.ts";
import { Picture, Voice } from "./person.ts";
import { Refused } from "./refused.ts";
import { Member, Room } from "./room.ts";

const SERVICE = "stream.video.sfu.signal.SignalServer";

/** A join as a test can look at it. */
export interface SeenJoin {
  edge: string;
  sessionId: string;
  strategy: number;
  fast: boolean;
  previousSessionId: string;
  fromSfuId: string;
  announced: number;
  attempt: number;
}

/** How joins are to be answered that come next. */
interface Manner {
  /** Refuse with this code; 0 accepts. */
  code: number;
  strategy: number;
  /** Say nothing at all. */
  silent: boolean;
  /** Say something else. */
  garbage: boolean;
}

interface Session {
  room: Room;
  member: Member;
  leg: Leg;
}

export class Sfu {
  readonly #key: string;
  readonly #rooms = new Map<string, Room>();
  readonly #sessions = new Map<string, Session>();
  readonly #manners: { edge: string; manner: Manner; times: number }[] = [];
  readonly #deadEdges = new Set<string>();
  /** What clients did wrong. */
  readonly faults: string[] = [];
  readonly joins: SeenJoin[] = [];
  readonly calls: Record<string, number> = {};
  fastDeadlineSeconds = 10;
  twirpStatus = 0;
  /** Nobody gets through. */
  isOffline = false;
  /** Told how much was heard of somebody who comes over the network. */
  onHeard: ((cid: string, userId: string, ms: number) => void) | undefined;
  healthChecks = 0;
  lastSubscriptions: unknown = [];
  lastTracks: unknown = [];
  publishOptions: MessageInitShape<typeof PublishOptionSchema>[] = [
    {
      id: 1,
      trackType: TrackType.AUDIO,
      codec: { name: "opus", clockRate: 48_000 },
      bitrate: 64_000,
    },
    {
      id: 2,
      trackType: TrackType.VIDEO,
      codec: { name: "vp8", clockRate: 90_000 },
      bitrate: 500_000,
      fps: 15,
      videoDimension: { width: 640, height: 360 },
    },
  ];

  constructor(key: string) {
    this.#key = key;
  }

  /** Answers HTTP under `/<edge>/ws` and `/<edge>/twirp`. */
  async serve(request: Request): Promise<Response> {
    const [, edge = "", what = "", service = "", method = ""] = new URL(request.url).pathname
      .split("/");
    if (this.isOffline || this.#deadEdges.has(edge)) return new Response(null, { status: 503 });
    if (what === "ws") return this.#upgrade(request, edge);
    if (what !== "twirp" || service !== SERVICE) return new Response(null, { status: 404 });
    return await this.#twirp(request, edge, method);
  }

  room(cid: string): Room {
    let room = this.#rooms.get(cid);
    if (!room) this.#rooms.set(cid, room = new Room(cid));
    return room;
  }

  /** The sessions of a user in a call, the newest last. */
  sessionsOf(cid: string, userId: string): Session[] {
    return [...this.room(cid).members.values()]
      .filter((member) => member.userId === userId && member.leg)
      .map((member) => ({ room: this.room(cid), member, leg: member.leg! }));
  }

  /** What a test orders. */
  async command(name: string, p: Record<string, unknown>): Promise<unknown> {
    const cid = String(p.cid);
    const person = () => {
      const member = this.room(cid).members.get(String(p.sessionId));
      if (!member) throw new Error(`nobody has the session ${p.sessionId}`);
      return member;
    };
    const agent = () => {
      const session = this.sessionsOf(cid, String(p.userId)).at(-1);
      if (!session) throw new Error(`${p.userId} is not in ${cid}`);
      return session;
    };
    const type = Number(p.type ?? TrackType.AUDIO) as TrackType;
    switch (name) {
      case "addPerson": {
        const { sessionId } = this.room(cid).addPerson({
          userId: String(p.userId),
          name: String(p.name ?? p.userId),
        });
        return sessionId;
      }
      case "removePerson":
        return await this.room(cid).remove(person());
      case "speak":
        return this.room(cid).publish(
          person(),
          type,
          new Voice(Number(p.frequency ?? 0), Number(p.amplitude ?? 0.3)),
        );
      case "say": {
        const voice = person().own.get(type);
        if (!(voice instanceof Voice)) throw new Error("no microphone");
        const bytes = Uint8Array.fromBase64(String(p.samples));
        const samples = new Int16Array(bytes.buffer);
        return await voice.say(samples, Number(p.sampleRate), Number(p.channels));
      }
      case "click": {
        const voice = person().own.get(type);
        if (!(voice instanceof Voice)) throw new Error("no microphone");
        return await voice.click();
      }
      case "setTone": {
        const tone = person().own.get(type);
        if (tone instanceof Voice) {
          tone.amplitude = Number(p.amplitude);
          tone.frequency = Number(p.frequency ?? tone.frequency);
        }
        return;
      }
      case "show":
        return this.room(cid).publish(
          person(),
          type,
          new Picture(Number(p.width ?? 160), Number(p.height ?? 120), Number(p.luma ?? 90)),
        );
      case "unpublish":
        return this.room(cid).unpublish(person(), type);
      case "setMuted":
        return this.room(cid).setMuted(person(), type, Boolean(p.muted));
      case "record":
        this.room(cid).recorder(String(p.userId));
        return this.room(cid).sync();
      case "heard": {
        const { heard } = this.room(cid).recorder(String(p.userId));
        return heard.filter(({ at }) => at >= Number(p.since ?? 0));
      }
      case "seen": {
        const { frames, size, luma } = this.room(cid).recorder(String(p.userId));
        return { frames, size, luma };
      }
      case "now":
        return performance.now();
      case "mediaFirst":
        this.room(cid).mediaFirst = Boolean(p.on);
        return;
      case "members":
        return [...this.room(cid).members.values()].map((member) => ({
          userId: member.userId,
          sessionId: member.sessionId,
          types: member.types,
          muted: [...member.muted],
          edges: member.legs.map(({ edge }) => edge),
          statsReports: member.statsReports,
        }));
      case "report":
        return {
          faults: this.faults,
          joins: this.joins,
          calls: this.calls,
          healthChecks: this.healthChecks,
          subscriptions: this.lastSubscriptions,
          tracks: this.lastTracks,
        };
      case "dropSocket":
        return agent().leg.socket?.close(4000);
      case "silence":
        agent().leg.isMute = true;
        return;
      case "garbage": {
        const { socket } = agent().leg;
        for (let index = 0; index < Number(p.count ?? 1); index++) {
          socket?.send(crypto.getRandomValues(new Uint8Array(64)).fill(0xff, 0, 4));
          socket?.send("no message");
        }
        return;
      }
      case "goAway":
        return agent().leg.send({ case: "goAway", value: { reason: 1 } });
      case "error":
        return agent().leg.send({
          case: "error",
          value: {
            error: { code: Number(p.code ?? 500), message: "an error on command" },
            reconnectStrategy: Number(p.strategy ?? 0) as ReconnectStrategy,
          },
        });
      case "endCall":
        return this.room(cid).tell({ case: "callEnded", value: { reason: 1 } });
      case "offline":
        this.isOffline = Boolean(p.on);
        if (this.isOffline) { for (const one of this.#allLegs()) one.socket?.close(4000); }
        return;
      case "reportHeard":
        // For whoever looks at what is heard without waiting for an answer.
        this.room(cid).onHeard = (userId, ms) => this.onHeard?.(cid, userId, ms);
        return this.room(cid).sync();
      case "closePeers":
        return await agent().leg.breakPeers();
      case "iceRestart":
        if (p.peer === "subscriber") return agent().leg.restartIce();
        return agent().leg.send({
          case: "iceRestart",
          value: { peerType: PeerType.PUBLISHER },
        });
      case "forget": {
        const { room, member } = agent();
        return await room.remove(member);
      }
      case "manner":
        this.#manners.push({
          edge: String(p.edge ?? ""),
          times: Number(p.times ?? 1),
          manner: {
            code: Number(p.code ?? 0),
            strategy: Number(p.strategy ?? 0),
            silent: Boolean(p.silent),
            garbage: Boolean(p.garbage),
          },
        });
        return;
      case "set":
        if (p.twirpStatus !== undefined) this.twirpStatus = Number(p.twirpStatus);
        if (p.fastDeadlineSeconds !== undefined) {
          this.fastDeadlineSeconds = Number(p.fastDeadlineSeconds);
        }
        if (p.publishOptions !== undefined) {
          this.publishOptions = p.publishOptions as typeof this.publishOptions;
        }
        return;
      case "killEdge": {
        const edge = String(p.edge);
        this.#deadEdges.add(edge);
        for (const room of this.#rooms.values()) {
          for (const member of [...room.members.values()]) {
            if (member.leg?.edge === edge) await room.remove(member);
          }
        }
        return;
      }
      case "close":
        await Promise.all([...this.#rooms.values()].map((room) => room.close()));
        return;
      default:
        throw new Error(`no command is called "${name}"`);
    }
  }

  #allLegs(): Leg[] {
    return [...this.#rooms.values()].flatMap((room) =>
      [...room.members.values()].flatMap((member) => member.legs)
    );
  }

  #upgrade(request: Request, edge: string): Response {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    let session: Session | undefined;
    socket.onmessage = async ({ data }) => {
      if (session?.leg.isMute) return;
      let payload: SfuRequest["payload"];
      try {
        if (typeof data === "string") throw new Refused("a text frame");
        payload = fromBinary(SfuRequestSchema, new Uint8Array(data)).payload;
        if (payload.case === undefined) throw new Refused("a request of no known kind");
        if (payload.case === "joinRequest") {
          if (session) throw new Refused("a second join on one socket");
          session = await this.#join(socket, edge, payload.value);
          // Who gave up meanwhile is not here for ever.
          if (session && socket.readyState !== WebSocket.OPEN) this.#lost(session, socket);
        } else if (!session) throw new Refused(`${payload.case} before the join`);
        else if (payload.case === "healthCheckRequest") {
          this.healthChecks++;
          session.leg.send({
            case: "healthCheckResponse",
            value: { participantCount: { total: session.room.members.size } },
          });
        } else if (payload.case === "leaveCallRequest") {
          if (payload.value.sessionId !== session.member.sessionId) {
            throw new Refused("leaving as somebody else");
          }
          session.leg.socket = undefined;
          await session.room.remove(session.member);
        }
      } catch (error) {
        this.#refuse(socket, error);
      }
    };
    socket.onclose = () => {
      if (session) this.#lost(session, socket);
    };
    socket.onerror = (event) => event.preventDefault();
    return response;
  }

  async #join(socket: WebSocket, edge: string, join: JoinRequest): Promise<Session | undefined> {
    const details = join.reconnectDetails;
    const strategy = details?.strategy ?? ReconnectStrategy.UNSPECIFIED;
    this.joins.push({
      edge,
      sessionId: join.sessionId,
      strategy,
      fast: join.fastReconnect,
      previousSessionId: details?.previousSessionId ?? "",
      fromSfuId: details?.fromSfuId ?? "",
      announced: details?.announcedTracks.length ?? 0,
      attempt: details?.reconnectAttempt ?? 0,
    });
    const manner = this.#manner(edge);
    if (manner?.silent) return undefined;
    if (manner?.garbage) {
      socket.send(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
      return undefined;
    }
    if (manner?.code) {
      const leg = new Leg(edge, () => {});
      leg.socket = socket;
      leg.send({
        case: "error",
        value: {
          error: { code: manner.code, message: "refused on command" },
          reconnectStrategy: manner.strategy,
        },
      });
      return undefined;
    }
    const checked = await checkToken(join.token, this.#key);
    if (!("claims" in checked)) throw new Refused(`the token: ${checked.fault}`, 401);
    const { user_id: userId = "", cid, edge: of, name } = checked.claims;
    if (of !== edge) throw new Refused(`a token of ${of}`, 401);
    this.#checkJoin(join, strategy);
    const room = this.room(String(cid));
    const known = this.#sessions.get(join.sessionId);
    const isKnown = known !== undefined && room.members.get(join.sessionId) === known.member;
    let session: Session;
    let reconnected = false;
    if (strategy === ReconnectStrategy.FAST && isKnown) {
      session = known;
      clearTimeout(session.member.removal);
      session.leg.socket = socket;
      session.leg.isMute = false;
      reconnected = true;
    } else if (strategy === ReconnectStrategy.MIGRATE && isKnown) {
      if (details?.fromSfuId !== known.leg.edge) {
        throw new Refused(`migrating from ${details?.fromSfuId}, being on ${known.leg.edge}`);
      }
      const leg = new Leg(edge, () => room.sync());
      leg.socket = socket;
      known.member.nextLeg = leg;
      session = { room, member: known.member, leg };
      room.migrate(known.member);
    } else {
      if (isKnown) throw new Refused("the session is here already");
      const member = new Member(userId, join.sessionId, String(name ?? userId));
      member.leg = new Leg(edge, () => room.sync());
      member.leg.socket = socket;
      session = { room, member, leg: member.leg };
      room.add(member);
    }
    this.#sessions.set(join.sessionId, session);
    session.leg.send({
      case: "joinResponse",
      value: {
        reconnected,
        fastReconnectDeadlineSeconds: this.fastDeadlineSeconds,
        publishOptions: this.publishOptions,
        callState: {
          participants: [...room.members.values()].map((member) => member.describe()),
          participantCount: { total: room.members.size },
        },
      },
    });
    if (reconnected) session.leg.restartIce();
    room.sync();
    return session;
  }

  #checkJoin(join: JoinRequest, strategy: ReconnectStrategy): void {
    if (!/^[0-9a-f-]{36}$/.test(join.sessionId)) throw new Refused("the session id is no uuid");
    for (const sdp of [join.publisherSdp, join.subscriberSdp]) {
      if (!/^v=0\r?\n[^]*^m=audio/m.test(sdp)) throw new Refused("a capability offer is missing");
    }
    if (join.fastReconnect !== (strategy === ReconnectStrategy.FAST)) {
      throw new Refused("fast_reconnect and the strategy contradict each other");
    }
    const details = join.reconnectDetails;
    if (strategy === ReconnectStrategy.REJOIN && !details?.previousSessionId) {
      throw new Refused("a rejoin names no previous session");
    }
    if (strategy === ReconnectStrategy.MIGRATE && !details?.fromSfuId) {
      throw new Refused("a migration names no SFU");
    }
  }

  #manner(edge: string): Manner | undefined {
    const index = this.#manners.findIndex((one) => one.edge === "" || one.edge === edge);
    const found = this.#manners[index];
    if (!found) return undefined;
    if (--found.times <= 0) this.#manners.splice(index, 1);
    return found.manner;
  }

  #lost({ room, member, leg }: Session, socket: WebSocket): void {
    if (leg.socket !== socket || leg.isClosed) return;
    leg.loseSocket();
    if (member.leg === leg && member.nextLeg && !this.isOffline) {
      this.faults.push("the old socket was closed before the migration was through");
    }
    if (member.leg !== leg) return void leg.close();
    member.removal = setTimeout(
      () => room.remove(member),
      this.fastDeadlineSeconds * 1000,
    );
  }

  #refuse(socket: WebSocket, error: unknown): void {
    const refused = error instanceof Refused ? error : new Refused(String(error));
    this.faults.push(refused.message);
    const leg = new Leg("", () => {});
    leg.socket = socket;
    leg.send({
      case: "error",
      value: { error: { code: refused.code, message: refused.message } },
    });
    socket.close(4400);
  }

  async #twirp(request: Request, edge: string, method: string): Promise<Response> {
    this.calls[method] = (this.calls[method] ?? 0) + 1;
    const text = await request.text().catch(() => undefined);
    // Whoever asked has left meanwhile.
    if (text === undefined) return new Response(null, { status: 400 });
    if (this.twirpStatus) {
      return Response.json({ code: "internal", msg: "failed on command" }, {
        status: this.twirpStatus,
      });
    }
    const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    const checked = await checkToken(token, this.#key);
    if (!("claims" in checked) || checked.claims.edge !== edge) {
      return Response.json({ code: "unauthenticated", msg: "the token" }, { status: 401 });
    }
    try {
      if (request.method !== "POST" || request.headers.get("content-type") !== "application/json") {
        throw new Refused("not a Twirp request");
      }
      return Response.json(await this.#call(method, JSON.parse(text), edge));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!(error instanceof Refused && !error.isFault)) this.faults.push(`${method}: ${message}`);
      if (error instanceof Refused) {
        return Response.json({ error: { code: error.code, message, shouldRetry: false } });
      }
      return Response.json({ code: "malformed", msg: message }, { status: 400 });
    }
  }

  /** Strict: a field that is not in the schema is refused. */
  async #call(method: string, json: JsonValue, edge: string): Promise<object> {
    const read = <S extends DescMessage>(schema: S) => fromJson(schema, json);
    switch (method) {
      case "SetPublisher": {
        const { sdp, sessionId, tracks } = read(SetPublisherRequestSchema);
        const { leg } = this.#session(sessionId, edge);
        this.lastTracks = tracks.map(({ trackType, mid, codec, muted }) => ({
          trackType,
          mid,
          codec: codec?.name,
          muted,
        }));
        if (leg.isBroken) throw new Refused("the connection is gone", 500, { isFault: false });
        return { sdp: await leg.setPublisher(sdp, tracks), sessionId };
      }
      case "SendAnswer": {
        const { sdp, sessionId, peerType, negotiationId } = read(SendAnswerRequestSchema);
        if (peerType !== PeerType.SUBSCRIBER) throw new Refused("an answer of the publisher");
        this.#session(sessionId, edge).leg.answer(negotiationId, sdp);
        return {};
      }
      case "IceTrickle": {
        const { peerType, iceCandidate, sessionId } = read(IceTrickleSchema);
        const candidate = JSON.parse(iceCandidate);
        if (typeof candidate.candidate !== "string") throw new Refused("no candidate");
        await this.#session(sessionId, edge).leg.addCandidate(peerType, candidate);
        return {};
      }
      case "UpdateSubscriptions": {
        const { sessionId, tracks } = read(UpdateSubscriptionsRequestSchema);
        const { member, room } = this.#session(sessionId, edge);
        for (const { trackType, dimension } of tracks) {
          if (trackType === TrackType.AUDIO) throw new Refused("audio is subscribed by itself");
          if (trackType !== TrackType.SCREEN_SHARE_AUDIO && !dimension?.width) {
            throw new Refused("a subscription without a size");
          }
        }
        this.lastSubscriptions = tracks.map(({ sessionId, trackType, dimension }) => ({
          sessionId,
          trackType,
          width: dimension?.width ?? 0,
        }));
        member.subscriptions = tracks;
        room.sync();
        return {};
      }
      case "UpdateMuteStates": {
        const { sessionId, muteStates } = read(UpdateMuteStatesRequestSchema);
        const { member, room } = this.#session(sessionId, edge);
        for (const { trackType, muted } of muteStates) {
          if (!member.types.includes(trackType)) throw new Refused("muting what is not published");
          room.setMuted(member, trackType, muted);
        }
        return {};
      }
      case "IceRestart": {
        const { sessionId, peerType } = read(IceRestartRequestSchema);
        if (peerType !== PeerType.SUBSCRIBER) throw new Refused("the publisher restarts by itself");
        this.#session(sessionId, edge).leg.restartIce();
        return {};
      }
      case "SendStats": {
        const { sessionId, subscriberStats, publisherStats, sdk } = read(SendStatsRequestSchema);
        for (const stats of [subscriberStats, publisherStats]) {
          if (!Array.isArray(JSON.parse(stats))) throw new Refused("statistics are no list");
        }
        if (!sdk) throw new Refused("statistics of nobody");
        this.#session(sessionId, edge).member.statsReports++;
        return {};
      }
      default:
        throw new Refused(`no method is called "${method}"`);
    }
  }

  #session(sessionId: string, edge: string): Session {
    const known = this.#sessions.get(sessionId);
    const legs = known?.member.legs ?? [];
    const leg = legs.find((one) => one.edge === edge) ??
      (known?.leg.edge === edge ? known.leg : undefined);
    if (!known || !leg) throw new Refused("participant not found", 404);
    return { ...known, leg };
  }
}
