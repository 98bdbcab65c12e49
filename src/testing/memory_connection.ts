/** The agent's side of a call in memory. @module */
import type { JsonValue, Participant, TrackInit } from "../edge/types.ts";
import type { AudioRow, AudioSubscription } from "../edge/edge_agent.ts";
import type { AudioTrack } from "../edge/audio_track.ts";
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { VideoTrack } from "../edge/video_frame.ts";
import type { RoomMessage } from "./room_message.ts";
import type { PublishedTracks } from "../edge/call_connection.ts";
import { Connection, type ConnectionInit } from "../edge/connection.ts";
import { PacedPlayout } from "../edge/toolkit/paced_playout.ts";
import { TrackType } from "../edge/types.ts";

/** The call, as an agent's connection sees it. */
export interface AgentRoom {
  /** How much later people hear what an agent says. */
  readonly heardDelayMs: number | undefined;
  makeId(prefix: string): string;
  enter(connection: MemoryConnection): void;
  exit(connection: MemoryConnection): void;
  broadcast(message: RoomMessage, except?: MemoryConnection): void;
  playFor(connection: MemoryConnection, samples: Int16Array, to?: Participant): void;
  sendCustomEvent(from: MemoryConnection, data: JsonValue): void;
  sendDtmf(digits: string): void;
  transfer(to: string, participantId: string): Promise<void>;
  video(trackId: string): { subscribe(): VideoTrack } | undefined;
}

/** An agent's connection to a call in memory. */
export class MemoryConnection extends Connection {
  /** The agent as the others see it. */
  readonly self: Participant;
  /** How many times tracks were negotiated. */
  negotiations = 0;
  /** The tracks that the agent publishes. */
  published: PublishedTracks = {};
  readonly #room: AgentRoom;
  readonly #trackIds: string[] = [];
  #playout: PacedPlayout | undefined;

  /** Connections come from `MemoryEdge.join`. */
  constructor(init: ConnectionInit & { room: AgentRoom }) {
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

  /** The audio that the agent subscribes to. */
  get audioSubscription(): AudioSubscription {
    return this.agent.audioSubscription;
  }

  /** The tracks that the agent publishes, as the others receive them. */
  get publishedTracks(): TrackInit[] {
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

  /** Applies a message of the room. */
  receive(message: RoomMessage): void {
    switch (message.type) {
      case "participantJoined":
        return this.participantJoined(message.participant);
      case "participantLost":
        return this.participantLost(message.participantId, message);
      case "participantLeft":
        return this.participantLeft(message.participantId);
      case "viewersCounted":
        return this.viewersCounted(message.count);
      case "trackAdded":
        return this.trackAdded(message.track);
      case "trackUpdated":
        return this.trackUpdated(message.trackId, message);
      case "trackRemoved":
        return this.trackRemoved(message.trackId);
      case "customEvent":
        return this.customEventReceived(message.data, message.participantId);
      case "dtmf":
        return this.dtmfReceived(message.digit, message.participantId);
      case "text":
        return this.textReceived(message.text, message.participantId);
      case "reconnecting":
        return this.reconnecting();
      case "reconnected":
        return this.reconnected();
      case "ended":
        return this.ended(message.reason);
    }
  }

  /** Receives a row of the room's clock. */
  deliverRow(row: AudioRow): void {
    this.receiveRow(row);
  }

  /** Receives audio outside of the room's clock. */
  deliverAudio(participantId: string, pcm: PcmChunk, trackId: string): void {
    this.receiveAudio(participantId, pcm, { trackId });
  }

  /** Plays the agent's audio into the call and shows its video there. */
  override publishTracks(tracks: PublishedTracks): Promise<void> {
    this.negotiations++;
    const { audio, video } = this.published;
    this.published = { ...tracks };
    if (tracks.audio !== audio) {
      this.#playout?.[Symbol.dispose]();
      this.#playout = undefined;
      this.#unpublish(TrackType.AUDIO);
      if (tracks.audio) this.#play(tracks.audio);
    }
    if (tracks.video !== video) {
      this.#unpublish(TrackType.VIDEO);
      if (tracks.video) this.#publish("video", TrackType.VIDEO);
    }
    return Promise.resolve();
  }

  /** Plays the track to its participant only. No person hears another one here, so that no gain matters. */
  protected override deliverDirectedAudio(track: AudioTrack): Promise<void> {
    const playout = this.#playOut(track);
    void track.closed.then(() => playout[Symbol.dispose]());
    return Promise.resolve();
  }

  #play(audio: AudioTrack): void {
    this.#playout = this.#playOut(audio);
    this.#publish("audio", TrackType.AUDIO);
  }

  #playOut(track: AudioTrack): PacedPlayout {
    return new PacedPlayout(track, {
      clock: this.clock,
      heardDelayMs: this.#room.heardDelayMs,
      onFrame: (samples) => this.#room.playFor(this, samples, track.to),
      // The listeners are a test's: their failure is the test's.
      onError: (error) => {
        throw error;
      },
    });
  }

  /** The frames of a participant's camera or screen. */
  override addTrackSubscriber(trackId: string): VideoTrack | undefined {
    return this.#room.video(trackId)?.subscribe();
  }

  /** Sends it to all others in the call. */
  protected override deliverCustomEvent(data: JsonValue): Promise<void> {
    this.#room.sendCustomEvent(this, data);
    return Promise.resolve();
  }

  /** Presses keys, which all people in the call hear. */
  // Async, so that misuse rejects and does not throw.
  // deno-lint-ignore require-await
  protected override async deliverDtmf(digits: string): Promise<void> {
    this.#room.sendDtmf(digits);
  }

  /** Moves a person out of this call, unless the edge's `onTransfer` throws. */
  protected override deliverTransfer(to: string, { id }: Participant): Promise<void> {
    return this.#room.transfer(to, id);
  }

  /** Leaves the room. */
  protected override disconnect(): Promise<void> {
    this.#playout?.[Symbol.dispose]();
    this.#room.exit(this);
    return Promise.resolve();
  }

  #publish(prefix: string, type: TrackType): void {
    const id = this.#room.makeId(`${prefix}-of-agent`);
    this.#trackIds.push(id);
    const track = { id, type, participantId: this.self.id };
    this.#room.broadcast({ type: "trackAdded", track }, this);
  }

  #unpublish(type: TrackType): void {
    for (const track of this.publishedTracks.filter((one) => one.type === type)) {
      this.#trackIds.splice(this.#trackIds.indexOf(track.id), 1);
      this.#room.broadcast({ type: "trackRemoved", trackId: track.id }, this);
    }
  }
}
