import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { JsonValue, Participant } from "../edge/types.ts";
import type { VideoFrame, VideoTrack } from "../edge/video_frame.ts";
import type { MemoryRoom } from "./memory_room.ts";
import { checkCustomEvent } from "../edge/custom_event.ts";
import { LatestVideoTrack } from "../edge/toolkit/latest_video_track.ts";
import { TrackType } from "../edge/types.ts";
import { Speech } from "./speech.ts";

/** Who enters a call of a {@linkcode MemoryEdge}. */
export interface MemoryParticipantOptions {
  /** The user; two parties of one user are one person with two devices. */
  userId: string;
  /** The name to show. Default: the user's id. */
  name?: string;
  /** The participant's id; made up unless given. */
  id?: string;
  /** Whether a microphone is published from the start. Default `true`. */
  audio?: boolean;
  /** How late the microphone's track is announced, though it is heard. `Infinity`: never. */
  trackDelayMs?: number;
}

/** A person on the other side of a call in memory. */
export class MemoryParticipant {
  /** Whose it is. */
  readonly participant: Participant;
  /** Custom events that reached this party. */
  readonly customEvents: JsonValue[] = [];
  /** Called with each 10 ms of an agent that is heard: 48 kHz mono, a view. */
  onAudio: ((samples: Int16Array, from: Participant) => void) | undefined;
  /** Called when 20 ms of what this party says go out, muted or not. */
  onSpoken: (() => void) | undefined;
  /** How much of the agents was heard, in milliseconds; silence does not count. */
  heardMs = 0;
  /** @ignore */
  readonly speech: Speech;
  readonly #room: MemoryRoom;
  readonly #videos = new Map<string, MemoryVideo>();
  #microphone: string | undefined;
  #announced = false;
  #muted = false;

  /** @ignore */
  constructor(room: MemoryRoom, participant: Participant) {
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

  /** Whether the agents were told of the microphone. */
  get isAnnounced(): boolean {
    return this.#announced;
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
   * @param options `announceAfterMs`: how late it is announced, though it is heard; default 0
   */
  publishAudio(options: { announceAfterMs?: number } = {}): void {
    if (this.#microphone !== undefined) return;
    const { announceAfterMs = 0 } = options;
    const id = this.#microphone = this.#room.makeId("audio");
    this.#announced = false;
    const announce = () => {
      if (this.#microphone !== id || !this.#room.parties.has(this)) return;
      this.#announced = true;
      const track = { id, type: TrackType.AUDIO, participantId: this.id, muted: this.#muted };
      this.#room.tell({ type: "trackAdded", track });
    };
    if (announceAfterMs === 0) announce();
    else if (announceAfterMs < Infinity) this.#room.clock.schedule(announce, announceAfterMs);
  }

  /** Removes the microphone. */
  unpublishAudio(): void {
    if (this.#microphone === undefined) return;
    const trackId = this.#microphone;
    this.#microphone = undefined;
    this.speech.stop();
    if (this.#announced) this.#room.tell({ type: "trackRemoved", trackId });
  }

  /** Says `pcm` in real time, after what is being said; resolves when it is said. */
  speak(pcm: PcmChunk): Promise<void> {
    const said = this.speech.add(pcm);
    this.#room.wake();
    return said;
  }

  /** Sends `pcm` at once and as it is, outside of the room's clock: of any length and rate. */
  send(pcm: PcmChunk): void {
    if (this.#muted) return;
    for (const connection of this.#room.connections) {
      connection.hearAudio(this.id, pcm, this.#microphone ?? "");
    }
  }

  /** Mutes it, or unmutes it. */
  mute(muted = true): void {
    if (this.#muted === muted) return;
    this.#muted = muted;
    if (this.#microphone === undefined || !this.#announced) return;
    this.#room.tell({ type: "trackUpdated", trackId: this.#microphone, muted });
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
    this.#room.tell({
      type: "trackAdded",
      track: { id: video.id, type, participantId: this.id, muted: false },
    });
    return video;
  }

  /** The picture of an agent, by participant id, if it publishes one. */
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
    this.#room.tell({ type: "customEvent", data, participantId: this.id });
  }

  /** Leaves the call, with everything that is published. */
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
    private readonly room: MemoryRoom,
    private readonly onEnd: () => void,
  ) {}

  /** How many look at it right now. */
  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** Shows a frame to everybody who looks at it. */
  push(frame: VideoFrame): void {
    for (const one of this.#subscribers) one.push(frame);
  }

  /** Mutes it, or unmutes it. */
  mute(muted = true): void {
    this.room.tell({ type: "trackUpdated", trackId: this.id, muted });
  }

  /** Stops publishing it. */
  remove(): void {
    this.end();
    this.room.tell({ type: "trackRemoved", trackId: this.id });
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
