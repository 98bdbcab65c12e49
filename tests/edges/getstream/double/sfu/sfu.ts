/** The SFU of the double, which plays several. @module */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  ErrorCode,
  type PublishOptionSchema,
  TrackType,
} from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { preflight, readable } from "../cors.ts";
import type { Leg } from "./leg.ts";
import { JoinBehaviours } from "./join_behaviours.ts";
import { Network } from "./network.ts";
import { Refused } from "./refused.ts";
import { RpcFaults } from "./rpc_faults.ts";
import { Room } from "./call_room.ts";
import type { Seen } from "./seen.ts";
import type { Session } from "./session.ts";
import { answerCall } from "./signal_server.ts";
import { openSocket } from "./socket_server.ts";

export class Sfu {
  /** The key of tokens. */
  readonly key: string;
  readonly rooms = new Map<string, Room>();
  /** By session id; sessions that ended are kept, since later messages may name them. */
  readonly sessions = new Map<string, Session>();
  readonly joinBehaviours = new JoinBehaviours();
  readonly rpcFaults = new RpcFaults();
  readonly network = new Network();
  readonly deadEdges = new Set<string>();
  readonly seen: Seen = {
    faults: [],
    joins: [],
    calls: {},
    healthChecks: 0,
    subscriptions: [],
    tracks: [],
  };
  fastDeadlineSeconds = 10;
  /** Whether calls are encrypted from end to end. */
  isEncrypted = false;
  /** The status of every Twirp response, unless it is 0. */
  twirpStatus = 0;
  /** Answers to offers wait for it, when it is set. */
  heldAnswers: PromiseWithResolvers<void> | undefined;
  /** Whether no client can reach the SFU. */
  isOffline = false;
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
      maxSpatialLayers: 1,
      maxTemporalLayers: 1,
      videoDimension: { width: 640, height: 360 },
    },
    {
      id: 3,
      trackType: TrackType.SCREEN_SHARE,
      codec: { name: "vp8", clockRate: 90_000 },
      bitrate: 500_000,
      fps: 15,
      maxSpatialLayers: 1,
      maxTemporalLayers: 1,
      videoDimension: { width: 1280, height: 720 },
    },
    {
      id: 4,
      trackType: TrackType.SCREEN_SHARE_AUDIO,
      codec: { name: "opus", clockRate: 48_000 },
      bitrate: 128_000,
    },
  ];
  /** Receives the audible milliseconds of a member over the network. */
  onHeard: ((cid: string, userId: string, ms: number) => void) | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Answers HTTP under `/<edge>/ws` and `/<edge>/twirp`. */
  async serve(request: Request): Promise<Response> {
    return preflight(request) ?? readable(request, await this.#serve(request));
  }

  async #serve(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [, edge = "", what = "", service = "", method = ""] = pathname.split("/");
    if (this.isOffline || this.deadEdges.has(edge)) return new Response(null, { status: 503 });
    if (what === "ws") return openSocket(this, request, edge);
    if (what === "twirp") return await answerCall(this, request, { edge, service, method });
    return new Response(null, { status: 404 });
  }

  room(cid: string): Room {
    return this.rooms.getOrInsertComputed(cid, () => new Room(cid));
  }

  /** Returns a user's session in a call; the newest, if there are several. */
  sessionOf(cid: string, userId: string): Session {
    const room = this.room(cid);
    const member = [...room.members.values()].findLast((one) => one.userId === userId && one.leg);
    if (!member?.leg) throw new Error(`${userId} is not in ${cid}`);
    return { room, member, leg: member.leg };
  }

  /** Returns the session that a request to an edge names. */
  sessionOn(edge: string, sessionId: string): Session {
    const known = this.sessions.get(sessionId);
    const legs = known ? [...known.member.legs, known.leg] : [];
    const leg = legs.find((one) => one.edge === edge);
    if (!known || !leg) throw new Refused("participant not found", ErrorCode.PARTICIPANT_NOT_FOUND);
    return { ...known, leg };
  }

  get legs(): Leg[] {
    return [...this.rooms.values()].flatMap((room) =>
      [...room.members.values()].flatMap((member) => member.legs)
    );
  }

  async close(): Promise<void> {
    this.heldAnswers?.resolve();
    await Promise.all([...this.rooms.values()].map((room) => room.close()));
    await this.network[Symbol.asyncDispose]();
  }
}
