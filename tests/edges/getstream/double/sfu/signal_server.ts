/**
 * The signal server of the SFU: Twirp calls in JSON or protobuf, strictly checked. It answers as Stream's
 * generated server does: in the format of the request, JSON with the names of the schema.
 *
 * @module
 */
import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import {
  ErrorCode,
  type ErrorSchema,
  IceRestartRequestSchema,
  IceTrickleSchema,
  PeerType,
  SendAnswerRequestSchema,
  SendStatsRequestSchema,
  SetPublisherRequestSchema,
  SetPublisherResponseSchema,
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
  const bytes = await request.bytes().catch(() => undefined);
  // The client has left meanwhile.
  if (bytes === undefined) return new Response(null, { status: 400 });
  const fault = sfu.rpcFaults.take(method);
  if (fault?.status) return twirpError(fault.status, "internal", "failed on command");
  if (sfu.twirpStatus) return twirpError(sfu.twirpStatus, "internal", "failed on command");
  const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
  const checked = await checkToken(token, sfu.key);
  if (!("claims" in checked) || checked.claims.edge !== edge) {
    return twirpError(401, "unauthenticated", "the token");
  }
  const format = request.headers.get("content-type") ?? "";
  if (!request.headers.get("x-stream-client")) faults.push(`${method}: no client`);
  try {
    if (request.method !== "POST" || !FORMATS.includes(format)) {
      throw new Refused("not a Twirp request");
    }
    const run = METHODS.get(method);
    if (!run) throw new Refused(`unknown method "${method}"`);
    if (fault) return respond(format, { error: fault.error });
    return respond(format, await run(sfu, edge, format, bytes) ?? {});
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof Refused && !error.isFault)) faults.push(`${method}: ${message}`);
    if (!(error instanceof Refused)) return twirpError(400, "malformed", message);
    return respond(format, { error: { code: error.code, message, shouldRetry: false } });
  }
}

const FORMATS = ["application/json", "application/protobuf"];

interface Answer {
  sdp?: string;
  sessionId?: string;
  error?: MessageInitShape<typeof ErrorSchema>;
}

/**
 * Returns an answer: in JSON every field is there, under its name in the schema. Clients in browsers take
 * any `error` but null for one.
 */
function respond(format: string, answer: Answer): Response {
  const message = create(SetPublisherResponseSchema, answer);
  if (format !== "application/json") {
    return new Response(toBinary(SetPublisherResponseSchema, message), {
      headers: { "content-type": format },
    });
  }
  const json = toJson(SetPublisherResponseSchema, message, {
    useProtoFieldName: true,
    alwaysEmitImplicit: true,
  });
  return Response.json({ error: null, ...json as object });
}

function twirpError(status: number, code: string, msg: string): Response {
  return Response.json({ code, msg }, { status });
}

type Method = (
  sfu: Sfu,
  edge: string,
  format: string,
  bytes: Uint8Array,
) => Promise<Answer | void>;

/** Returns a method, which skips fields that are not in our schema, as Stream's server does. */
function method<S extends DescMessage>(
  schema: S,
  act: (
    session: Session,
    request: MessageShape<S>,
    sfu: Sfu,
  ) => Promise<Answer | void> | Answer | void,
): Method {
  return async (sfu, edge, format, bytes) => {
    const request = format === "application/json"
      ? fromJson(schema, JSON.parse(new TextDecoder().decode(bytes)), { ignoreUnknownFields: true })
      : fromBinary(schema, bytes);
    const { sessionId } = request as { sessionId?: string };
    return await act(sfu.sessionOn(edge, sessionId ?? ""), request, sfu);
  };
}

const METHODS = new Map<string, Method>([
  [
    "SetPublisher",
    method(SetPublisherRequestSchema, async (session, { sdp, sessionId, tracks }, { seen }) => {
      const { leg, member, room } = session;
      for (const { trackType, muted } of tracks) {
        if (muted || room.mayPublish(member.userId, trackType)) continue;
        const text = `no right to publish ${TrackType[trackType]}`;
        throw new Refused(text, ErrorCode.PERMISSION_DENIED, { isFault: false });
      }
      seen.tracks = tracks.map(({ trackType, mid, codec, muted, layers }) => ({
        trackType,
        mid,
        codec: codec?.name,
        muted,
        layers: layers.map(({ videoDimension: { width = 0, height = 0 } = {}, bitrate, fps }) => [
          ...[width, height],
          ...[bitrate, fps],
        ]),
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
        // Clients mute a screen's sound also where it has none.
        if (!member.types.includes(trackType)) continue;
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
