/** The SFU of the double, which plays several: who is in which call, and what is noted of it. @module */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type PublishOptionSchema,
  TrackType,
} from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import type { Leg } from "./leg.ts";
import { JoinBehaviours } from "./join_behaviours.ts";
import { Network } from "./network.ts";
import { Refused } from "./refused.ts";
import { Room } from "./call_room.ts";
import type { Seen } from "./seen.ts";
import type { Session } from "./session.ts";
import { answerCall } from "./signal_server.ts";
import { openSocket } from "./socket_server.ts";

export class Sfu {
  /** What tokens are signed with. */
  readonly key: string;
  readonly rooms = new Map<string, Room>();
  /** By session id; who left is kept, since they may still be spoken of. */
  readonly sessions = new Map<string, Session>();
  readonly joinBehaviours = new JoinBehaviours();
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
  /** What every call is answered with, unless it is 0. */
  twirpStatus = 0;
  /** Answers to offers wait for it, when it is there. */
  heldAnswers: PromiseWithResolvers<void> | undefined;
  /** No client gets through. */
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
      videoDimension: { width: 640, height: 360 },
    },
  ];
  /** Told how much was heard of a member who comes over the network. */
  onHeard: ((cid: string, userId: string, ms: number) => void) | undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Answers HTTP under `/<edge>/ws` and `/<edge>/twirp`. */
  async serve(request: Request): Promise<Response> {
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

  /** The session by which a user is in a call; the newest, if there are several. */
  sessionOf(cid: string, userId: string): Session {
    const room = this.room(cid);
    const member = [...room.members.values()].findLast((one) => one.userId === userId && one.leg);
    if (!member?.leg) throw new Error(`${userId} is not in ${cid}`);
    return { room, member, leg: member.leg };
  }

  /** The session that a call of an edge's signal server is about. */
  sessionOn(edge: string, sessionId: string): Session {
    const known = this.sessions.get(sessionId);
    const legs = known ? [...known.member.legs, known.leg] : [];
    const leg = legs.find((one) => one.edge === edge);
    if (!known || !leg) throw new Refused("participant not found", 404);
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
