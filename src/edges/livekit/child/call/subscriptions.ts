/** The tracks that the agent is subscribed to. @module */
import { UpdateSubscription, UpdateTrackSettings } from "@livekit/protocol";
import type { VideoConstraints } from "@ringline/edge/media/child";
import type { ClientMessage } from "../signal/signal_socket.ts";
import { isAudio, type Member, type RosterTrack } from "./call_roster.ts";

/** What {@linkcode Subscriptions} needs. */
export interface SubscriptionsInit {
  members: () => Iterable<Member>;
  /** Whether the agent hears other agents. */
  hearsAgents: boolean;
  send: (message: ClientMessage) => void;
  /** Whether messages can be sent now; if not, call {@linkcode Subscriptions.update} later. */
  canSend: () => boolean;
  /** A track of a participant is encrypted: the agent would hear noise. */
  onEncrypted: (member: Member) => void;
}

/**
 * Subscribes to the sound of all people, and to the pictures that the agent consumes: in the size and at the
 * rate that it needs.
 */
export class Subscriptions {
  readonly #options: SubscriptionsInit;
  readonly #constraints = new Map<string, VideoConstraints>();
  /** The tracks that the server knows of, with the settings that it has. */
  readonly #sent = new Map<string, string>();
  readonly #encrypted = new Set<string>();

  constructor(options: SubscriptionsInit) {
    this.#options = options;
  }

  /** The tracks that the server sends. */
  get sids(): string[] {
    return [...this.#sent.keys()];
  }

  /** Whether the server sends a track, or is about to. */
  has(trackId: string): boolean {
    return this.#sent.has(trackId);
  }

  /** Sets or removes the agent's wish for a video track. */
  set(trackId: string, constraints: VideoConstraints | undefined): void {
    if (constraints) this.#constraints.set(trackId, constraints);
    else this.#constraints.delete(trackId);
    this.update();
  }

  /** There is a new session, which knows of none. */
  reset(): void {
    this.#sent.clear();
  }

  /** The session has another socket: what was said by the last one may be lost. */
  resumed(): void {
    for (const id of this.#sent.keys()) this.#sent.set(id, "");
    this.update();
  }

  /** Tells the server what has changed. */
  update(): void {
    const { members, send, canSend } = this.#options;
    if (!canSend()) return;
    const wanted = new Map<string, VideoConstraints | undefined>();
    for (const member of members()) {
      for (const track of member.tracks.values()) {
        if (this.#wants(member, track)) wanted.set(track.id, this.#constraints.get(track.id));
      }
    }
    const added = [...wanted.keys()].filter((id) => !this.#sent.has(id));
    const removed = this.sids.filter((id) => !wanted.has(id));
    for (const id of removed) this.#sent.delete(id);
    for (const [subscribe, trackSids] of [[true, added], [false, removed]] as const) {
      if (trackSids.length === 0) continue;
      const value = new UpdateSubscription({ trackSids, subscribe });
      send({ case: "subscription", value });
    }
    for (const [id, constraints] of wanted) {
      const settings = JSON.stringify(constraints ?? null);
      if (this.#sent.get(id) === settings) continue;
      this.#sent.set(id, settings);
      if (!constraints) continue;
      const { fps, maxWidth: width, maxHeight: height } = constraints;
      const value = new UpdateTrackSettings({
        trackSids: [id],
        width,
        height,
        fps: Math.ceil(fps),
      });
      send({ case: "trackSetting", value });
    }
  }

  #wants(member: Member, track: RosterTrack): boolean {
    const isWanted = isAudio(track.type)
      ? !member.isAgent || this.#options.hearsAgents
      : this.#constraints.has(track.id);
    if (!isWanted || !track.isEncrypted) return isWanted;
    if (!this.#encrypted.has(track.id)) {
      this.#encrypted.add(track.id);
      this.#options.onEncrypted(member);
    }
    return false;
  }
}
