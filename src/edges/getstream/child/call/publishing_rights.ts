/** What the agent may publish, by the call's rights and a moderator's orders. @module */
import { TrackType } from "@ringline/edge/toolkit";
import type { CallGrants } from "../proto/signal_pb.ts";
import type { OwnTracks } from "../sfu/publisher.ts";

/** A change of what others may hear or see of the agent. */
export interface RightsChange {
  type: TrackType;
  muted: boolean;
}

/** Tells what the agent may publish of what it wants to. */
export class PublishingRights {
  /** The kinds that the rights leave out. */
  readonly #withdrawn = new Set<TrackType>();
  /** The kinds that a moderator has muted, until the agent publishes again. */
  readonly #muted = new Set<TrackType>();

  /** Takes a moderator's mute; returns the change, if it is one. An agent shares no screen. */
  mute(type: TrackType): RightsChange[] {
    if (type !== TrackType.AUDIO && type !== TrackType.VIDEO) return [];
    const was = this.#isAllowed(type);
    this.#muted.add(type);
    return was ? [{ type, muted: true }] : [];
  }

  /** Takes a right that the agent has lost before. */
  withdraw(type: TrackType): void {
    this.#withdrawn.add(type);
  }

  /** Takes the agent's rights in the call; returns the changes. */
  grant(
    { canPublishAudio, canPublishVideo }: Pick<CallGrants, "canPublishAudio" | "canPublishVideo">,
  ): RightsChange[] {
    const granted = [[TrackType.AUDIO, canPublishAudio], [
      TrackType.VIDEO,
      canPublishVideo,
    ]] as const;
    return granted.flatMap(([type, isGranted]) => {
      const was = this.#isAllowed(type);
      if (isGranted) this.#withdrawn.delete(type);
      else this.#withdrawn.add(type);
      const is = this.#isAllowed(type);
      return was === is ? [] : [{ type, muted: !is }];
    });
  }

  /** Takes what the service says that the agent may do in the call, by Stream's names. */
  follow(capabilities: readonly string[]): RightsChange[] {
    return this.grant({
      canPublishAudio: capabilities.includes("send-audio"),
      canPublishVideo: capabilities.includes("send-video"),
    });
  }

  /** Takes the SFU's refusal of these tracks; returns the changes. */
  refuse({ audio, video }: OwnTracks): RightsChange[] {
    return this.grant({
      canPublishAudio: !audio && !this.#withdrawn.has(TrackType.AUDIO),
      canPublishVideo: !video && !this.#withdrawn.has(TrackType.VIDEO),
    });
  }

  /** The agent publishes by its own will again, which ends a moderator's mute. */
  unmute(): void {
    this.#muted.clear();
  }

  /** Whether a moderator has muted this kind. */
  isModerated(type: TrackType): boolean {
    return this.#muted.has(type);
  }

  /** Returns those of the agent's tracks that it may publish. */
  allowed({ audio, video }: OwnTracks): OwnTracks {
    return {
      ...(audio && this.#isAllowed(TrackType.AUDIO) ? { audio } : {}),
      ...(video && this.#isAllowed(TrackType.VIDEO) ? { video } : {}),
    };
  }

  #isAllowed(type: TrackType): boolean {
    return !this.#withdrawn.has(type) && !this.#muted.has(type);
  }
}
