/** The signal server of the SFU: Twirp calls, strictly checked. @module */
import { type DescMessage, fromJson, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import {
  IceRestartRequestSchema,
  IceTrickleSchema,
  PeerType,
  SendAnswerRequestSchema,
  SendStatsRequestSchema,
  SetPublisherRequestSchema,
  TrackType,
  UpdateMuteStatesRequestSchema,
  UpdateSubscriptionsRequestSchema,
} from "../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import { checkToken } from "../jwt.ts";
import { Refused } from "./refused.ts";
import type { Session } from "./session.ts";
import type { Sfu } from "./sfu.ts";

const SERVICE = "stream.video.sfu.signal.SignalServer";

/** Answers a call to an edge's signal server. */
export async function answerCall(
  sfu: Sfu,
  request: Request,
  { edge, service, method }: { edge: string; service: string; method: string },
): Promise<Response> {
  if (service !== SERVICE) return new Response(null, { status: 404 });
  const { calls, faults } = sfu.seen;
  calls[method] = (calls[method] ?? 0) + 1;
  const text = await request.text().catch(() => undefined);
  // The client has left meanwhile.
  if (text === undefined) return new Response(null, { status: 400 });
  if (sfu.twirpStatus) {
    const body = { code: "internal", msg: "failed on command" };
    return Response.json(body, { status: sfu.twirpStatus });
  }
  const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
  const checked = await checkToken(token, sfu.key);
  if (!("claims" in checked) || checked.claims.edge !== edge) {
    return Response.json({ code: "unauthenticated", msg: "the token" }, { status: 401 });
  }
  try {
    if (request.method !== "POST" || request.headers.get("content-type") !== "application/json") {
      throw new Refused("not a Twirp request");
    }
    const run = METHODS.get(method);
    if (!run) throw new Refused(`unknown method "${method}"`);
    return Response.json(await run(sfu, edge, JSON.parse(text)) ?? {});
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof Refused && !error.isFault)) faults.push(`${method}: ${message}`);
    if (error instanceof Refused) {
      return Response.json({ error: { code: error.code, message, shouldRetry: false } });
    }
    return Response.json({ code: "malformed", msg: message }, { status: 400 });
  }
}

type Method = (sfu: Sfu, edge: string, json: JsonValue) => Promise<object | void>;

/** Returns a method that refuses fields which are not in the schema. */
function method<S extends DescMessage>(
  schema: S,
  act: (
    session: Session,
    request: MessageShape<S>,
    sfu: Sfu,
  ) => Promise<object | void> | object | void,
): Method {
  return async (sfu, edge, json) => {
    const request = fromJson(schema, json);
    const { sessionId } = request as { sessionId?: string };
    return await act(sfu.sessionOn(edge, sessionId ?? ""), request, sfu);
  };
}

const METHODS = new Map<string, Method>([
  [
    "SetPublisher",
    method(SetPublisherRequestSchema, async ({ leg }, { sdp, sessionId, tracks }, { seen }) => {
      seen.tracks = tracks.map(({ trackType, mid, codec, muted }) => ({
        trackType,
        mid,
        codec: codec?.name,
        muted,
      }));
      return { sdp: await leg.setPublisher(sdp, tracks), sessionId };
    }),
  ],
  [
    "SendAnswer",
    method(SendAnswerRequestSchema, async ({ leg }, { sdp, peerType, negotiationId }, sfu) => {
      if (peerType !== PeerType.SUBSCRIBER) throw new Refused("an answer of the publisher");
      await sfu.heldAnswers?.promise;
      await leg.answer(negotiationId, sdp);
    }),
  ],
  [
    "IceTrickle",
    method(IceTrickleSchema, async ({ leg }, { peerType, iceCandidate }) => {
      const candidate = JSON.parse(iceCandidate);
      if (typeof candidate.candidate !== "string") throw new Refused("no candidate");
      await leg.addCandidate(peerType, candidate);
    }),
  ],
  [
    "UpdateSubscriptions",
    method(UpdateSubscriptionsRequestSchema, ({ member, room }, { tracks }, { seen }) => {
      for (const { trackType, dimension } of tracks) {
        if (trackType === TrackType.AUDIO) throw new Refused("audio is subscribed by itself");
        if (trackType !== TrackType.SCREEN_SHARE_AUDIO && !dimension?.width) {
          throw new Refused("a subscription without a size");
        }
      }
      seen.subscriptions = tracks.map(({ sessionId, trackType, dimension }) => ({
        sessionId,
        trackType,
        width: dimension?.width ?? 0,
      }));
      member.subscriptions = tracks;
      room.sync();
    }),
  ],
  [
    "UpdateMuteStates",
    method(UpdateMuteStatesRequestSchema, ({ member, room }, { muteStates }) => {
      for (const { trackType, muted } of muteStates) {
        if (!member.types.includes(trackType)) throw new Refused("muting what is not published");
        room.setMuted(member, trackType, muted);
      }
    }),
  ],
  [
    "IceRestart",
    method(IceRestartRequestSchema, ({ leg }, { peerType }) => {
      if (peerType !== PeerType.SUBSCRIBER) throw new Refused("the publisher restarts by itself");
      leg.restartIce();
    }),
  ],
  [
    "SendStats",
    method(SendStatsRequestSchema, ({ member }, { subscriberStats, publisherStats, sdk }) => {
      for (const stats of [subscriberStats, publisherStats]) {
        if (!Array.isArray(JSON.parse(stats))) throw new Refused("statistics are no list");
      }
      if (!sdk) throw new Refused("statistics without an SDK");
      member.statsReports++;
    }),
  ],
]);
