import {
  AddTrackRequest,
  DisconnectReason,
  LeaveRequest,
  MuteTrackRequest,
  ParticipantInfo,
  ParticipantUpdate,
  RequestResponse,
  RequestResponse_Reason,
  RoomMovedResponse,
  SpeakersChanged,
  SubscriptionError,
  SubscriptionResponse,
} from "@livekit/protocol";
import { assertEquals } from "@std/assert";
import { takeMessage } from "../../../../src/edges/livekit/child/call/server_messages.ts";
import type { ServerMessage } from "../../../../src/edges/livekit/child/signal/signal_socket.ts";

function taken(message: ServerMessage): string[] {
  const log: string[] = [];
  takeMessage(message, {
    onParticipants: (all) => void log.push(`participants ${all.map(({ sid }) => sid)}`),
    onMuted: (sid, muted) => void log.push(`${muted ? "mute" : "unmute"} ${sid}`),
    onLeave: ({ name }) => void log.push(`leave ${name}`),
    onToken: (token) => void log.push(`token ${token}`),
    onMoved: (own, others) => void log.push(`moved ${own.sid} ${others.length}`),
    onUndecodable: (sid) => void log.push(`undecodable ${sid}`),
    onTrackRefused: (cid, reason) => void log.push(`refused ${cid}: ${reason}`),
    onError: ({ message }) => void log.push(message),
  });
  return log;
}

const own = new ParticipantInfo({ sid: "PA_1" });
const response = (init: ConstructorParameters<typeof RequestResponse>[0]): ServerMessage => ({
  case: "requestResponse",
  value: new RequestResponse(init),
});
const subscription = (err: SubscriptionError): ServerMessage => ({
  case: "subscriptionResponse",
  value: new SubscriptionResponse({ trackSid: "TR_1", err }),
});

const cases: [string, ServerMessage, string[]][] = [
  ["an update", { case: "update", value: new ParticipantUpdate({ participants: [own] }) }, [
    "participants PA_1",
  ]],
  ["a mute", { case: "mute", value: new MuteTrackRequest({ sid: "TR_1", muted: true }) }, [
    "mute TR_1",
  ]],
  ["a leave", {
    case: "leave",
    value: new LeaveRequest({ reason: DisconnectReason.ROOM_DELETED }),
  }, ["leave room-deleted"]],
  ["a token", { case: "refreshToken", value: "newer" }, ["token newer"]],
  ["another room", {
    case: "roomMoved",
    value: new RoomMovedResponse({ token: "other", participant: own, otherParticipants: [own] }),
  }, ["token other", "moved PA_1 1"]],
  ["a codec", subscription(SubscriptionError.SE_CODEC_UNSUPPORTED), ["undecodable TR_1"]],
  ["a track that has gone", subscription(SubscriptionError.SE_TRACK_NOTFOUND), []],
  ["consent", response({ reason: RequestResponse_Reason.OK }), []],
  [
    "a refused track",
    response({
      reason: RequestResponse_Reason.NOT_ALLOWED,
      request: { case: "addTrack", value: new AddTrackRequest({ cid: "voice" }) },
    }),
    ["refused voice: NOT_ALLOWED"],
  ],
  ["another refusal", response({ reason: RequestResponse_Reason.NOT_FOUND, message: "no" }), [
    "the server refuses a request: no",
  ]],
  ["what nothing needs", { case: "speakersChanged", value: new SpeakersChanged() }, []],
];
for (const [name, message, expected] of cases) {
  Deno.test(`takeMessage passes on ${name}`, () => assertEquals(taken(message), expected));
}
