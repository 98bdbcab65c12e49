/** What the messages of a server say to a call. @module */
import {
  type ParticipantInfo,
  type RequestResponse,
  RequestResponse_Reason,
  SubscriptionError,
} from "@livekit/protocol";
import { EdgeError } from "@ringline/edge/toolkit";
import { type Leaving, readLeave } from "../signal/leaving.ts";
import type { ServerMessage } from "../signal/signal_socket.ts";

/** The parts of a call that follow a server's messages. */
export interface MessageHandlers {
  onParticipants(participants: readonly ParticipantInfo[]): void;
  /** Others mute a track of the agent, or let it be heard again. */
  onMuted(sid: string, muted: boolean): void;
  onLeave(leaving: Leaving): void;
  /** The token for the next join. */
  onToken(token: string): void;
  /** The agent is in another room now. */
  onMoved(own: ParticipantInfo, others: readonly ParticipantInfo[]): void;
  /** A track cannot be subscribed to for its codec. */
  onUndecodable(trackSid: string): void;
  /** The server refuses a track of the agent. */
  onTrackRefused(cid: string, reason: string): void;
  onError(error: EdgeError): void;
}

/** Passes a message on; ignores those that say nothing that a call needs. */
export function takeMessage({ case: name, value }: ServerMessage, handlers: MessageHandlers): void {
  switch (name) {
    case "update":
      return handlers.onParticipants(value.participants);
    case "mute":
      return handlers.onMuted(value.sid, value.muted);
    case "leave":
      return handlers.onLeave(readLeave(value));
    case "refreshToken":
      return handlers.onToken(value);
    case "roomMoved":
      handlers.onToken(value.token);
      if (value.participant) handlers.onMoved(value.participant, value.otherParticipants);
      return;
    case "subscriptionResponse":
      if (value.err !== SubscriptionError.SE_CODEC_UNSUPPORTED) return;
      return handlers.onUndecodable(value.trackSid);
    case "requestResponse":
      return takeResponse(value, handlers);
  }
}

function takeResponse({ reason, message, request }: RequestResponse, on: MessageHandlers): void {
  const { OK, QUEUED } = RequestResponse_Reason;
  if (reason === OK || reason === QUEUED) return;
  const why = message || RequestResponse_Reason[reason] || "no reason";
  if (request.case === "addTrack") return on.onTrackRefused(request.value.cid, why);
  const text = `the server refuses ${request.case ?? "a request"}: ${why}`;
  on.onError(new EdgeError(text, { code: "refused" }));
}

/** Returns the error of a participant whose video cannot be decoded here. */
export function undecodable(who: string): EdgeError {
  return new EdgeError(
    `${who} sends H264 only, which wrtc cannot decode, and is not seen: have clients publish VP8, or ` +
      "let the server accept nothing else (room: {enabled_codecs: [{mime: audio/opus}, {mime: " +
      "audio/red}, {mime: video/vp8}, {mime: video/rtx}]})",
    { code: "no-codec" },
  );
}
