/**
 * The videos that one participant receives. Forwarding decodes and encodes each video again, so their
 * number is limited: screens come first, then agents' own video (there is little of it, and people came
 * for it), then the cameras of those who spoke last.
 *
 * @module
 */
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import type { VideoRef } from "../wire/signalling.ts";

/** A video that could be sent. */
export interface VideoSource extends VideoRef {
  track: RtcTrack;
  agent: boolean;
  /** Monotonic milliseconds; `-Infinity` for a participant who has not spoken. */
  spokeAt: number;
}

/** The result of choosing. */
export interface VideoChoice {
  /** The video in each slot. */
  slots: (VideoRef | null)[];
  /** The videos without a slot. */
  paused: VideoRef[];
  /** Slots whose track has changed. */
  changes: { slot: number; track: RtcTrack | null }[];
  /** Whether slots or pauses differ from the last choice. */
  changed: boolean;
}

function rank(source: VideoSource): number {
  return source.kind === "screen" ? 0 : source.agent ? 1 : 2;
}

function ref(source: VideoSource): VideoRef {
  return { participantId: source.participantId, kind: source.kind };
}

const name = (source: VideoRef): string => `${source.participantId} ${source.kind}`;

/** The video slots of one participant's connection. */
export class VideoSlots {
  readonly #slots: (VideoSource | undefined)[];
  #last = "";

  constructor(count: number) {
    this.#slots = new Array<VideoSource | undefined>(count).fill(undefined);
  }

  /** Forgets the last choice: the next one counts as changed. */
  reset(): void {
    this.#last = "";
  }

  /** Chooses among `sources`; a video that stays keeps its slot. */
  choose(sources: readonly VideoSource[]): VideoChoice {
    // Array.sort is stable: among equals, the earlier one stays first.
    const ranked = [...sources].sort((a, b) =>
      rank(a) - rank(b) || (a.spokeAt === b.spokeAt ? 0 : b.spokeAt - a.spokeAt)
    );
    const chosen = new Map(ranked.slice(0, this.#slots.length).map((s) => [name(s), s]));
    const changes: VideoChoice["changes"] = [];
    const set = (slot: number, source: VideoSource | undefined): void => {
      if (this.#slots[slot]?.track !== source?.track) {
        changes.push({ slot, track: source?.track ?? null });
      }
      this.#slots[slot] = source;
    };
    for (const [slot, current] of this.#slots.entries()) {
      if (current === undefined) continue;
      const key = name(current);
      set(slot, chosen.get(key));
      chosen.delete(key);
    }
    for (const source of chosen.values()) set(this.#slots.indexOf(undefined), source);

    const slots = this.#slots.map((source) => source === undefined ? null : ref(source));
    const paused = ranked.slice(this.#slots.length).map(ref);
    const choice = JSON.stringify([slots, paused]);
    const changed = choice !== this.#last;
    this.#last = choice;
    // A slot that was emptied and filled again needs only its last track.
    const last = new Map(changes.map((change) => [change.slot, change]));
    return { slots, paused, changes: [...last.values()], changed };
  }
}
