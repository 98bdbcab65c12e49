import type { CloseReason, JsonValue, Participant, TrackAnnouncement } from "../edge/types.ts";
import type { AudioRow, AudioSubscription } from "../edge/edge_agent.ts";
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { VideoTrack } from "../edge/video_frame.ts";
import type { MemoryEdge } from "./memory_edge.ts";
import type { MemoryRoom } from "./memory_room.ts";
import { Connection, type ConnectionInit, type PublishedTracks } from "../edge/connection.ts";
import { PacedPlayout } from "../edge/toolkit/paced_playout.ts";
import { TrackType } from "../edge/types.ts";

/** What a room tells those who are in it. */
export type RoomMessage =
  | { type: "participantJoined"; participant: Participant }
  | { type: "participantLeft"; participantId: string }
  | { type: "trackAdded"; track: TrackAnnouncement }
  | { type: "trackUpdated"; trackId: string; muted: boolean }
  | { type: "trackRemoved"; trackId: string }
  | { type: "customEvent"; data: JsonValue; participantId: string }
  | { type: "reconnecting" }
  | { type: "reconnected" }
  | { type: "ended"; reason: CloseReason };

/** An agent's presence in a room in memory. */
export class MemoryConnection extends Connection {
  /** The edge that the call is reached over. */
  declare readonly edge: MemoryEdge;
  /** The agent as the others see it. */
  readonly self: Participant;
  /** How many times tracks were negotiated. */
  negotiations = 0;
  /** What the agent publishes. */
  published: PublishedTracks = {};
  readonly #room: MemoryRoom;
  readonly #trackIds: string[] = [];
  #playout: PacedPlayout | undefined;

  /** Makes a memory connection. */
  constructor(init: ConnectionInit & { edge: MemoryEdge; room: MemoryRoom }) {
    super(init);
    this.#room = init.room;
    const { user } = init.agent;
    this.self = {
      original: undefined,
      userId: user.id,
      id: init.room.makeId("agent"),
      name: user.name,
      kind: "agent",
    };
  }

  /** How the agent wants to hear. */
  get hearing(): AudioSubscription {
    return this.agent.hearing;
  }

  /** The tracks that the agent publishes, as the others are told of them. */
  get trackAnnouncements(): TrackAnnouncement[] {
    return this.#trackIds.map((id) => ({
      id,
      type: id.startsWith("audio") ? TrackType.AUDIO : TrackType.VIDEO,
      participantId: this.self.id,
    }));
  }

  /** Enters the room. */
  enter(): void {
    this.#room.enter(this);
    this.established();
  }

  /** Takes what the room tells. */
  take(message: RoomMessage): void {
    switch (message.type) {
      case "participantJoined":
        return this.participantJoined(message.participant);
      case "participantLeft":
        return this.participantLeft(message.participantId);
      case "trackAdded":
        return this.trackAdded(message.track);
      case "trackUpdated":
        return this.trackUpdated(message.trackId, message);
      case "trackRemoved":
        return this.trackRemoved(message.trackId);
      case "customEvent":
        return this.customEventReceived(message.data, message.participantId);
      case "reconnecting":
        return this.reconnecting();
      case "reconnected":
        return this.reconnected();
      case "ended":
        return this.ended(message.reason);
    }
  }

  /** Takes a row of the room's clock. */
  hearRow(row: AudioRow): void {
    this.receiveRow(row);
  }

  /** Takes audio outside of the room's clock. */
  hearAudio(participantId: string, pcm: PcmChunk, trackId: string): void {
    this.receiveAudio(participantId, pcm, { trackId });
  }

  /** Plays the agent's voice into the room and shows its picture there. */
  override publishTracks(tracks: PublishedTracks): Promise<void> {
    this.negotiations++;
    this.published = { ...this.published, ...tracks };
    if (tracks.audio) {
      this.#playout?.[Symbol.dispose]();
      this.#playout = new PacedPlayout(tracks.audio, {
        clock: this.clock,
        heardDelayMs: this.#room.carrier?.heardDelayMs,
        onFrame: (samples) => this.#room.sayFor(this, samples),
        // What listens in here is a test's: its failure is the test's.
        onFailure: (error) => {
          throw error;
        },
      });
      this.#announce("audio", TrackType.AUDIO);
    }
    if (tracks.video) this.#announce("video", TrackType.VIDEO);
    return Promise.resolve();
  }

  /** The pictures of a party's camera or screen. */
  override addTrackSubscriber(trackId: string): VideoTrack | undefined {
    return this.#room.video(trackId)?.subscribe();
  }

  /** Sends it to everybody in the room. */
  protected override deliverCustomEvent(data: JsonValue): Promise<void> {
    this.#room.sendCustomEvent(this, data);
    return Promise.resolve();
  }

  /** Leaves the room. */
  protected override disconnect(): Promise<void> {
    this.#playout?.[Symbol.dispose]();
    this.#room.exit(this);
    return Promise.resolve();
  }

  #announce(prefix: string, type: TrackType): void {
    const id = this.#room.makeId(`${prefix}-of-agent`);
    this.#trackIds.push(id);
    const track = { id, type, participantId: this.self.id };
    this.#room.tell({ type: "trackAdded", track }, this);
  }
}
