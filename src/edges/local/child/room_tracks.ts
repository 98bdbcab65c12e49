/**
 * The media of a room's people on its way to the mixer, to the agents that subscribe to it and to
 * the other people.
 *
 * @module
 */
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import { type AgentMember, trackId } from "./members.ts";
import type { BrowserParticipant } from "./browser_participant.ts";
import type { RoomAudio } from "./room_media.ts";
import type { VideoSource } from "./video_slots.ts";

/** Who is in the room, and the mixer. */
export interface RoomTracksInit {
  audio: Pick<RoomAudio, "addSource" | "removeSource" | "setMuted">;
  people: ReadonlyMap<string, BrowserParticipant>;
  agents: ReadonlyMap<number, AgentMember>;
}

/** The tracks that are read, by track id. */
export class RoomTracks {
  readonly #init: RoomTracksInit;
  readonly #sources = new Map<string, RtcTrack>();

  constructor(init: RoomTracksInit) {
    this.#init = init;
  }

  /** Lets the mixer read what a person sends now, and the subscribers see it. */
  sync(person: BrowserParticipant): void {
    this.#syncAudio(person);
    for (const kind of ["camera", "screen"] as const) {
      const id = trackId(person, kind);
      const picture = person.track(kind);
      if (picture === this.#sources.get(id)) continue;
      if (picture) this.#sources.set(id, picture);
      else this.#sources.delete(id);
      this.#show(id, picture);
    }
  }

  /** Lets go of whatever a person sent. */
  release(person: BrowserParticipant): void {
    const audioId = trackId(person, "audio");
    if (this.#sources.delete(audioId)) this.#init.audio.removeSource(audioId);
    for (const kind of ["camera", "screen"] as const) {
      const id = trackId(person, kind);
      if (this.#sources.delete(id)) this.#show(id, undefined);
    }
  }

  /** The media of a video track that an agent subscribes to. */
  video(id: string): RtcTrack | undefined {
    const [memberId = "", kind = ""] = id.split(":");
    if (kind === "video") {
      for (const agent of this.#init.agents.values()) {
        if (agent.id === memberId && agent.tracks.video) return agent.port.videoTrack;
      }
    }
    if (kind !== "camera" && kind !== "screen") return undefined;
    return this.#init.people.get(memberId)?.track(kind);
  }

  /** Chooses for everybody whose pictures he is sent. */
  chooseVideos(): void {
    const { people } = this.#init;
    const sources = this.#pictures();
    for (const person of people.values()) {
      person.chooseVideos(sources.filter(({ member }) => member !== person.id));
    }
  }

  #syncAudio(person: BrowserParticipant): void {
    const { audio } = this.#init;
    const id = trackId(person, "audio");
    const track = person.track("audio");
    if (track === this.#sources.get(id)) {
      if (track) audio.setMuted(id, person.muted);
      return;
    }
    if (this.#sources.delete(id)) audio.removeSource(id);
    if (!track) return;
    this.#sources.set(id, track);
    audio.addSource({
      memberId: person.id,
      trackId: id,
      participantId: person.id,
      track,
      muted: person.muted,
    });
  }

  #show(id: string, picture: RtcTrack | undefined): void {
    for (const { port } of this.#init.agents.values()) {
      if (port.isSubscribed(id)) port.setVideoSource(id, picture);
    }
  }

  #pictures(): VideoSource[] {
    const sources: VideoSource[] = [];
    for (const { id: member, tracks, spokeAt, port } of this.#init.agents.values()) {
      if (!tracks.video) continue;
      sources.push({ member, kind: "camera", track: port.videoTrack, agent: true, spokeAt });
    }
    for (const person of this.#init.people.values()) {
      if (!person.present) continue;
      const { id: member, spokeAt } = person;
      for (const kind of ["screen", "camera"] as const) {
        const track = person.track(kind);
        if (track) sources.push({ member, kind, track, agent: false, spokeAt });
      }
    }
    return sources;
  }
}
