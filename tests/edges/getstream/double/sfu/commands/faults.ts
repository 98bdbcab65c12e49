/** Commands for faults of an SFU and a network. @module */
import {
  CallEndedReason,
  ConnectionQuality,
  PeerType,
  TrackType,
  TrackUnpublishReason,
} from "../../../../../../src/edges/getstream/child/proto/signal_pb.ts";
import type { Command } from "./params.ts";

export const FAULTS: Record<string, Command> = {
  set: (sfu, p) => {
    if (p.has("twirpStatus")) sfu.twirpStatus = p.number("twirpStatus");
    if (p.has("isEncrypted")) sfu.isEncrypted = p.flag("isEncrypted");
    if (p.has("fastDeadlineSeconds")) sfu.fastDeadlineSeconds = p.number("fastDeadlineSeconds");
    if (p.has("publishOptions")) {
      sfu.publishOptions = p.raw.publishOptions as typeof sfu.publishOptions;
    }
  },
  joinBehaviour: (sfu, p) => {
    const joinBehaviour = {
      code: p.number("code"),
      strategy: p.number("strategy"),
      silent: p.flag("silent"),
      garbage: p.flag("garbage"),
    };
    sfu.joinBehaviours.add(p.text("edge"), joinBehaviour, p.number("times", 1));
  },
  rpcFault: (sfu, p) => {
    if (p.flag("clear")) return sfu.rpcFaults.clear(p.text("method"));
    const error = {
      code: p.number("code"),
      message: "refused on command",
      shouldRetry: p.flag("shouldRetry"),
    };
    sfu.rpcFaults.add(
      p.text("method"),
      { status: p.number("status"), error },
      p.number("times", 1),
    );
  },
  mediaFirst: (_, p) => void (p.room.mediaFirst = p.flag("on")),
  goAway: (_, p) => p.agent.leg.send({ case: "goAway", value: { reason: 1 } }),
  error: (_, p) =>
    p.agent.leg.send({
      case: "error",
      value: {
        error: { code: p.number("code", 500), message: "an error on command" },
        reconnectStrategy: p.number("strategy"),
      },
    }),
  endCall: (_, p) => p.room.send({ case: "callEnded", value: { reason: p.number("reason", 1) } }),
  speakers: (_, p) => {
    const { userId, sessionId } = p.participant;
    p.room.send({ case: "dominantSpeakerChanged", value: { userId, sessionId } });
    const connectionQualityUpdates = [{
      userId,
      sessionId,
      connectionQuality: ConnectionQuality.POOR,
    }];
    p.room.send({ case: "connectionQualityChanged", value: { connectionQualityUpdates } });
  },
  moderate: (_, p) => {
    const { userId, sessionId } = p.agent.member;
    const cause = TrackUnpublishReason.MODERATION;
    p.room.send({
      case: "trackUnpublished",
      value: { userId, sessionId, type: p.trackType, cause },
    });
  },
  options: (sfu, p) => {
    sfu.publishOptions = p.raw.publishOptions as typeof sfu.publishOptions;
    const { publishOptions } = sfu;
    p.agent.leg.send({ case: "changePublishOptions", value: { publishOptions } });
  },
  quality: (_, p) => {
    const layer = {
      name: "q",
      active: p.flag("active"),
      maxBitrate: p.number("maxBitrate"),
      maxFramerate: p.number("maxFramerate"),
      scaleResolutionDownBy: p.number("scaleDownBy"),
    };
    const publishOptionId = p.number("option", 2);
    const sender = { trackType: TrackType.VIDEO, publishOptionId, layers: [layer] };
    p.agent.leg.send({ case: "changePublishQuality", value: { videoSenders: [sender] } });
  },
  grant: (_, p) => {
    const { room, leg, member } = p.agent;
    const [canPublishAudio, canPublishVideo] = [p.flag("audio"), p.flag("video")];
    room.rights.set(member.userId, { audio: canPublishAudio, video: canPublishVideo });
    const currentGrants = { canPublishAudio, canPublishVideo };
    leg.send({ case: "callGrantsUpdated", value: { currentGrants } });
  },
  kick: async (_, p) => {
    const { leg, member } = p.agent;
    leg.send({ case: "callEnded", value: { reason: CallEndedReason.KICKED } });
    await p.room.remove(member);
  },
  forget: (_, p) => p.room.remove(p.agent.member),
  iceRestart: (_, p) => {
    const { leg } = p.agent;
    if (p.text("peer") === "subscriber") leg.restartIce();
    else leg.send({ case: "iceRestart", value: { peerType: PeerType.PUBLISHER } });
  },
  dropSocket: (_, p) => p.agent.leg.socket?.close(4000),
  silence: (_, p) => void (p.agent.leg.isMute = true),
  garbage: (_, p) => {
    const { socket } = p.agent.leg;
    for (let index = 0; index < p.number("count", 1); index++) {
      socket?.send(crypto.getRandomValues(new Uint8Array(64)).fill(0xff, 0, 4));
      socket?.send("no message");
    }
  },
  holdAnswers: (sfu, p) => {
    sfu.heldAnswers?.resolve();
    sfu.heldAnswers = p.flag("on") ? Promise.withResolvers() : undefined;
  },
  closePeers: (_, p) => p.agent.leg.breakPeers(),
  detour: (sfu) => sfu.network.detour(),
  offline: (sfu, p) => {
    sfu.isOffline = p.flag("on");
    if (sfu.isOffline) { for (const leg of sfu.legs) leg.socket?.close(4000); }
  },
  killEdge: async (sfu, p) => {
    const edge = p.text("edge");
    sfu.deadEdges.add(edge);
    for (const room of sfu.rooms.values()) {
      for (const member of [...room.members.values()]) {
        if (member.leg?.edge === edge) await room.remove(member);
      }
    }
  },
};
