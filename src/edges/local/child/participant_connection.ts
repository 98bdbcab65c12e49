/**
 * A participant's peer connection, and its successor when it fails: offers, answers, and which slot
 * carries which video.
 *
 * @module
 */
import type {
  RtcCandidate,
  RtcDirection,
  RtcTrack,
  RtcTransceiver,
} from "../../../media/webrtc/rtc_types.ts";
import { type CandidatePolicy, candidatePolicy, filterDescription } from "./candidates.ts";
import type { AudioStats } from "../../../edge/types.ts";
import { readAudioStats } from "../../../media/webrtc/audio_stats.ts";
import type { PacketMs } from "../../../media/webrtc/sdp.ts";
import type { Grants } from "../wire/grants.ts";
import { Rejection } from "../wire/rejection.ts";
import type { LocalLimits } from "../wire/limits.ts";
import type { RtcSettings } from "../wire/settings.ts";
import type { RoomMedia, RoomPeer, UprightVideo } from "./room_media.ts";
import type { ClientMessage, ServerMessage } from "../wire/signalling.ts";
import { VideoSlots, type VideoSource } from "./video_slots.ts";

/** The kinds of media that a participant sends. */
export type TrackKind = "audio" | "camera" | "screen" | "screenAudio";

/** The room, as a connection sees it. */
export interface ConnectionRoom {
  readonly media: RoomMedia;
  readonly limits: LocalLimits;
  readonly rtc: RtcSettings;
  /** How long the packets of a new connection are: shorter ones are sooner there and cost more. */
  readonly packetMs: PacketMs;
  /** What a user's page sent is about to reach WebRTC; resolves when that is on record. */
  handling(userId: string): Promise<void>;
  log(line: string): void;
}

/** What {@linkcode ParticipantConnection} needs. */
export interface ParticipantConnectionInit {
  /** The participant's id. */
  id: string;
  userId: string;
  room: ConnectionRoom;
  grants: Grants;
  send(message: ServerMessage): void;
  reject(rejection: Rejection): void;
  /** Tracks have arrived, or those of an older connection end: readers have to look again. */
  onTracks(): void;
  onConnected(): void;
  onFailed(): void;
}

/** The connection of one participant; the same object through all repairs. */
export class ParticipantConnection {
  readonly #init: ParticipantConnectionInit;
  #peer: RoomPeer | undefined;
  /** The mix that they hear: one track for all their connections. */
  #hears: RtcTrack | undefined;
  #offer = 0;
  #candidates = 0;
  #policy: CandidatePolicy | undefined;
  #sameMachine = false;
  /** Candidates of a browser on this machine whose address is not known as this machine's yet. */
  #waiting: RtcCandidate[] = [];
  #answered = false;
  #receiving: Record<TrackKind, RtcTransceiver> | undefined;
  #sending: RtcTransceiver[] = [];
  #videos: VideoSlots;
  /** By slot, where their browser does not turn pictures. */
  readonly #upright = new Map<number, UprightVideo>();
  #closed = false;

  constructor(init: ParticipantConnectionInit) {
    this.#init = init;
    this.#videos = new VideoSlots(init.room.limits.videos);
  }

  /** The current peer connection; `undefined` before the first offer. */
  get peer(): RoomPeer | undefined {
    return this.#peer;
  }

  /** The media of a track that they send, once the connection is answered. */
  track(kind: TrackKind): RtcTrack | undefined {
    return this.#answered ? this.#receiving?.[kind].receiver.track : undefined;
  }

  /** Returns how their microphone's audio has arrived over this connection. */
  async audioStats(): Promise<AudioStats | undefined> {
    const track = this.track("audio");
    if (!track || !this.#peer || this.#peer.state === "closed") return undefined;
    const reports = (await this.#peer.stats()).values();
    return readAudioStats(reports).get(track.id);
  }

  /**
   * Creates a peer connection and sends an offer: the server always offers, since wrtc cannot roll
   * back. `sameMachine` says that the browser is known to run on this machine.
   */
  open({ sameMachine }: { sameMachine: boolean }): void {
    const { id, room, grants, send, onTracks, onConnected, onFailed } = this.#init;
    const { media, limits, rtc } = room;
    const candidates = candidatePolicy({ ...rtc, sameMachine });
    this.#policy = candidates;
    this.#sameMachine = sameMachine;
    const old = this.#peer;
    this.#answered = false;
    this.#receiving = undefined;
    if (old) {
      // Sinks end before the connection whose tracks they read.
      onTracks();
      this.#close(old);
    }
    const offer = ++this.#offer;
    this.#candidates = 0;
    this.#waiting = [];
    this.#videos = new VideoSlots(limits.videos);
    const current = (): boolean => offer === this.#offer && !this.#closed;
    const peer = media.createPeer({
      iceServers: rtc.iceServers,
      portRange: rtc.udpPortRange,
      maxRemoteCandidates: limits.candidates,
      packetMs: room.packetMs,
      keepCandidate: (candidate, side) =>
        candidates[side === "local" ? "outgoing" : "incoming"](candidate) !== undefined,
      onOffer: (sdp) => {
        if (!current()) return;
        const mids = {
          audio: receiving.audio.mid ?? "",
          camera: receiving.camera.mid ?? "",
          screen: receiving.screen.mid ?? "",
          screenAudio: receiving.screenAudio.mid ?? "",
          videos: this.#sending.map(({ mid }) => mid ?? ""),
        };
        send({ type: "offer", offer, sdp: filterDescription(sdp, candidates.outgoing), mids });
      },
      onCandidate: (found) => {
        const candidate = candidates.outgoing(found.candidate);
        if (candidate === undefined || !current()) return;
        send({ type: "candidate", offer, candidate: { ...found, candidate } });
        for (const early of this.#waiting.splice(0)) this.#take(early);
      },
      onState: (state) => {
        if (!current()) return;
        if (state === "connected") onConnected();
        else if (state === "failed") onFailed();
      },
      onError: (error) => room.log(`peer connection of ${id}: ${error}`),
    });
    this.#peer = peer;
    if (grants.subscribe) this.#hears ??= media.audio.addListener(id, {});
    const sent = direction({ ...grants, subscribe: false });
    const main = {
      audio: peer.addTransceiver(this.#hears ?? "audio", direction(grants)),
      camera: peer.addTransceiver("video", sent),
      screen: peer.addTransceiver("video", sent),
    };
    this.#sending = Array.from(
      { length: grants.subscribe ? limits.videos : 0 },
      () => peer.addTransceiver("video", "sendonly"),
    );
    const receiving = { ...main, screenAudio: peer.addTransceiver("audio", sent) };
    this.#receiving = receiving;
    peer.negotiate();
  }

  /** Applies the answer to an offer; ignores one to an older offer. */
  async accept(offer: number, sdp: string): Promise<void> {
    const peer = this.#peer;
    if (offer !== this.#offer || peer === undefined) return;
    try {
      await this.#init.room.handling(this.#init.userId);
      if (peer !== this.#peer || this.#closed) return;
      await peer.acceptAnswer(sdp);
    } catch (error) {
      return this.#init.reject(new Rejection("bad-message", `answer: ${error}`));
    }
    if (offer !== this.#offer || this.#closed) return;
    this.#answered = true;
    this.#init.onTracks();
  }

  /** Adds a candidate; throws a `Rejection` beyond `limits.candidates`. */
  addCandidate({ offer, candidate }: Extract<ClientMessage, { type: "candidate" }>): void {
    if (offer !== this.#offer) return;
    const { room } = this.#init;
    if (++this.#candidates > room.limits.candidates) throw new Rejection("too-many-candidates");
    this.#take(candidate);
  }

  #take(candidate: RtcCandidate): void {
    if (this.#policy?.incoming(candidate.candidate) === undefined) {
      // Candidates of other browsers cannot pass later.
      if (this.#sameMachine) this.#waiting.push(candidate);
      return;
    }
    void this.#init.room.handling(this.#init.userId);
    this.#peer?.addCandidate(candidate).catch((error) => this.#init.room.log(`${error}`));
  }

  /** Chooses whose video they receive. */
  chooseVideos(sources: readonly VideoSource[]): void {
    if (!this.#answered) return;
    const choice = this.#videos.choose(sources);
    for (const { slot, track } of choice.changes) this.#forward(slot, track);
    if (!choice.changed) return;
    this.#init.send({ type: "videos", slots: choice.slots, paused: choice.paused });
  }

  #forward(slot: number, track: RtcTrack | null): void {
    const { room } = this.#init;
    const before = this.#upright.get(slot);
    this.#upright.delete(slot);
    let sent = track;
    if (track && !this.#peer?.turnsPictures) {
      const upright = room.media.createUpright(track);
      this.#upright.set(slot, upright);
      sent = upright.track;
    }
    Promise.resolve(this.#sending[slot]?.sender.replaceTrack(sent))
      .catch((error) => room.log(`a video could not be forwarded: ${error}`))
      .finally(() => before?.[Symbol.dispose]());
  }

  /** Sends the next choice even if it is the last one: the page has lost it. */
  resendVideos(): void {
    this.#videos.reset();
  }

  /** Closes it; the room has already released its tracks. */
  close(): Promise<void> {
    this.#closed = true;
    this.#answered = false;
    return this.#peer ? this.#close(this.#peer) : Promise.resolve();
  }

  /** Closes a connection, and the videos that were turned for it. */
  async #close(peer: RoomPeer): Promise<void> {
    const upright = [...this.#upright.values()];
    this.#upright.clear();
    await peer.close();
    for (const video of upright) video[Symbol.dispose]();
  }
}

/** The direction of a section, as the server sees it. */
function direction({ publish, subscribe }: Pick<Grants, "publish" | "subscribe">): RtcDirection {
  return publish ? (subscribe ? "sendrecv" : "recvonly") : subscribe ? "sendonly" : "inactive";
}
