/** The people's side of a call in memory. @module */
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import { checkOptions } from "../events/checks.ts";
import type { JsonValue, Participant, TrackInit } from "../edge/types.ts";
import type { PublishedTracks } from "../edge/call_connection.ts";
import type { VideoFrame, VideoTrack } from "../edge/video_frame.ts";
import type { Clock } from "../events/clock.ts";
import type { RoomMessage } from "./room_message.ts";
import { checkCustomEvent } from "../edge/custom_event.ts";
import { checkDtmf } from "../edge/telephony.ts";
import { LatestVideoTrack } from "../edge/toolkit/latest_video_track.ts";
import { TrackType } from "../edge/types.ts";
import { checkWrittenText } from "../edge/written_text.ts";
import { Speech } from "./speech.ts";

/** The call, as a participant sees it. */
export interface ParticipantRoom {
  readonly clock: Clock;
  readonly participants: ReadonlySet<MemoryParticipant>;
  readonly connections: Iterable<{
    readonly self: Participant;
    readonly published: PublishedTracks;
    deliverAudio(participantId: string, pcm: PcmChunk, trackId: string): void;
  }>;
  makeId(prefix: string): string;
  broadcast(message: RoomMessage): void;
  leave(participant: MemoryParticipant): void;
  lose(participant: MemoryParticipant): void;
  readmit(participant: MemoryParticipant): void;
  wake(): void;
}

/** Options for a participant who enters a call of a `MemoryEdge`. */
export interface MemoryParticipantOptions {
  /** The user; two participants of one user are one person with two devices. */
  userId: string;
  /** The name to show. Default: the user's id. */
  name?: string;
  /** The participant's id. Default: a generated one. */
  id?: string;
  /** Whether a microphone is published from the start. Default `true`. */
  audio?: boolean;
  /** How much later than its audio the microphone's track is published. `Infinity`: never. */
  trackDelayMs?: number;
}

/** A person on the other side of a call in memory. */
export class MemoryParticipant {
  /** The participant, as the agents see them. */
  readonly participant: Participant;
  /** Custom events that reached this participant. */
  readonly customEvents: JsonValue[] = [];
  /** The keys that agents have pressed so far, pauses included. */
  dtmf = "";
  /** Called with each 10 ms of an agent that is heard: 48 kHz mono, a view. */
  onAudio: ((samples: Int16Array, from: Participant) => void) | undefined;
  /** Called for each 20 ms that this participant says, muted or not. */
  onSpoken: (() => void) | undefined;
  /** How much of the agents was heard, in milliseconds; silence does not count. */
  heardMs = 0;
  /** @ignore */
  readonly speech: Speech;
  readonly #room: ParticipantRoom;
  readonly #videos = new Map<string, MemoryVideo>();
  #microphone: string | undefined;
  #screenAudio: string | undefined;
  #isPublished = false;
  #isLost = false;
  #muted = false;

  /** @ignore */
  constructor(room: ParticipantRoom, participant: Participant) {
    this.#room = room;
    this.participant = participant;
    this.speech = new Speech();
  }

  /** The participant's id, as the agent sees it. */
  get id(): string {
    return this.participant.id;
  }

  /** The id of the microphone's track while it is published. */
  get microphone(): string | undefined {
    return this.#microphone;
  }

  /** Whether the agents know of the microphone. */
  get isPublished(): boolean {
    return this.#isPublished;
  }

  /** Whether the microphone is muted. */
  get isMuted(): boolean {
    return this.#muted;
  }

  /** The cameras and screens that are published, by track id. */
  get videos(): ReadonlyMap<string, MemoryVideo> {
    return this.#videos;
  }

  /**
   * Publishes a microphone, unless there is one.
   *
   * @param options `trackDelayMs`: how much later than its audio the track is published; default 0
   */
  publishAudio(options: { trackDelayMs?: number } = {}): void {
    checkOptions(options, "options", { trackDelayMs: true });
    if (this.#microphone !== undefined) return;
    const { trackDelayMs = 0 } = options;
    const id = this.#microphone = this.#room.makeId("audio");
    this.#isPublished = false;
    const publish = () => {
      if (this.#microphone !== id || !this.#room.participants.has(this)) return;
      this.#isPublished = true;
      const track = { id, type: TrackType.AUDIO, participantId: this.id, muted: this.#muted };
      this.#room.broadcast({ type: "trackAdded", track });
    };
    if (trackDelayMs === 0) publish();
    else if (trackDelayMs < Infinity) this.#room.clock.schedule(publish, trackDelayMs);
  }

  /** Says `pcm` in real time, after what they are saying now; resolves when it is said. */
  speak(pcm: PcmChunk): Promise<void> {
    const said = this.speech.add(pcm);
    this.#room.wake();
    return said;
  }

  /** Sends `pcm` immediately and unchanged, outside of the room's clock: of any length and rate. */
  send(pcm: PcmChunk): void {
    if (this.#muted || this.#isLost) return;
    for (const connection of this.#room.connections) {
      connection.deliverAudio(this.id, pcm, this.#microphone ?? "");
    }
  }

  /** Sends `pcm` immediately as the sound of a shared screen, which the first such call publishes. */
  sendScreenAudio(pcm: PcmChunk): void {
    if (this.#isLost) return;
    if (this.#screenAudio === undefined) {
      const id = this.#screenAudio = this.#room.makeId("audio");
      const track = {
        id,
        type: TrackType.SCREEN_SHARE_AUDIO,
        participantId: this.id,
        muted: false,
      };
      this.#room.broadcast({ type: "trackAdded", track });
    }
    for (const connection of this.#room.connections) {
      connection.deliverAudio(this.id, pcm, this.#screenAudio);
    }
  }

  /** Mutes the microphone, or unmutes it. */
  mute(muted = true): void {
    if (this.#muted === muted) return;
    this.#muted = muted;
    if (this.#microphone === undefined || !this.#isPublished) return;
    this.#room.broadcast({ type: "trackUpdated", trackId: this.#microphone, muted });
  }

  /** Unmutes the microphone. */
  unmute(): void {
    this.mute(false);
  }

  /** Publishes a camera, or a screen. */
  publishVideo(type: TrackType.VIDEO | TrackType.SCREEN_SHARE = TrackType.VIDEO): MemoryVideo {
    const video = new MemoryVideo(this.#room.makeId("video"), type, this.#room, () => {
      this.#videos.delete(video.id);
    });
    this.#videos.set(video.id, video);
    this.#room.broadcast({
      type: "trackAdded",
      track: { id: video.id, type, participantId: this.id, muted: false },
    });
    return video;
  }

  /** The video of an agent, by participant id, if it publishes one. */
  videoOf(participantId: string): VideoTrack | undefined {
    for (const connection of this.#room.connections) {
      if (connection.self.id === participantId) return connection.published.video;
    }
    return undefined;
  }

  /** The agents in the call. */
  get agents(): Participant[] {
    return [...this.#room.connections].map((one) => one.self);
  }

  /** Sends data of the application's own to the agents. */
  sendCustomEvent(data: JsonValue): void {
    checkCustomEvent(data);
    this.#room.broadcast({ type: "customEvent", data, participantId: this.id });
  }

  /** Writes to the agents. */
  sendText(text: string): void {
    checkWrittenText(text);
    this.#room.broadcast({ type: "text", text, participantId: this.id });
  }

  /** Presses keys of their telephone, one after the other, without the pauses. */
  sendDtmf(digits: string): void {
    for (const digit of checkDtmf(digits).replaceAll(",", "")) {
      this.#room.broadcast({ type: "dtmf", digit, participantId: this.id });
    }
  }

  /** Whether their network is lost: they neither hear nor are heard. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Loses their network: they are waited for, for the edge's `participantGraceMs`, and have left then.
   */
  loseNetwork(): void {
    if (this.#isLost || !this.#room.participants.has(this)) return;
    for (const { id } of this.tracks) this.#room.broadcast({ type: "trackRemoved", trackId: id });
    this.#isLost = true;
    this.#room.lose(this);
  }

  /** Comes back as the participant they were, unless they have left by now. */
  regainNetwork(): void {
    if (!this.#isLost || !this.#room.participants.has(this)) return;
    this.#isLost = false;
    this.#room.readmit(this);
  }

  /** The tracks that they publish. */
  get tracks(): TrackInit[] {
    const tracks: TrackInit[] = [];
    if (this.#isLost) return tracks;
    const participantId = this.id;
    if (this.#microphone !== undefined && this.#isPublished) {
      const id = this.#microphone;
      tracks.push({ id, type: TrackType.AUDIO, participantId, muted: this.#muted });
    }
    if (this.#screenAudio !== undefined) {
      tracks.push({ id: this.#screenAudio, type: TrackType.SCREEN_SHARE_AUDIO, participantId });
    }
    for (const { id, type } of this.#videos.values()) tracks.push({ id, type, participantId });
    return tracks;
  }

  /** Leaves the call and unpublishes all tracks. */
  leave(): void {
    this.speech.stop();
    for (const video of this.#videos.values()) video.end();
    this.#room.leave(this);
  }

  /** @ignore */
  hear(samples: Int16Array, from: Participant): void {
    this.heardMs += samples.length / 48;
    this.onAudio?.(samples, from);
  }
}

/** A camera or a screen of a {@linkcode MemoryParticipant}. */
export class MemoryVideo {
  readonly #subscribers = new Set<LatestVideoTrack>();

  /** @ignore */
  constructor(
    readonly id: string,
    readonly type: TrackType,
    private readonly room: ParticipantRoom,
    private readonly onEnd: () => void,
  ) {}

  /** How many subscribers it has now. */
  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** Sends a frame to all subscribers. */
  push(frame: VideoFrame): void {
    for (const one of this.#subscribers) one.push(frame);
  }

  /** Mutes the track, or unmutes it. */
  mute(muted = true): void {
    this.room.broadcast({ type: "trackUpdated", trackId: this.id, muted });
  }

  /** Stops publishing it. */
  remove(): void {
    this.end();
    this.room.broadcast({ type: "trackRemoved", trackId: this.id });
  }

  /** @ignore */
  subscribe(): LatestVideoTrack {
    const track = new LatestVideoTrack({
      id: this.id,
      onClose: () => this.#subscribers.delete(track),
    });
    this.#subscribers.add(track);
    return track;
  }

  /** @ignore */
  end(): void {
    this.onEnd();
    for (const one of [...this.#subscribers]) one.close();
  }
}
