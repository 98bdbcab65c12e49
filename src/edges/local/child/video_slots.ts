/**
 * Whose pictures one person is sent. A forwarded picture is decoded and encoded again, so there is
 * a cap, and somebody has to choose: screens first, then agents' own pictures (there are few, and
 * people came for them), then the cameras of those who spoke last.
 *
 * @module
 */
import type { RtcTrack } from "../../../media/webrtc/rtc_types.ts";
import type { VideoRef } from "../wire/signalling.ts";

/** A picture that could be sent. */
export interface VideoSource extends VideoRef {
  track: RtcTrack;
  agent: boolean;
  /** Monotonic milliseconds; `-Infinity` for somebody who has not spoken. */
  spokeAt: number;
}

/** What changed by choosing again. */
export interface VideoChoice {
  /** Whose picture each section carries. */
  sections: (VideoRef | null)[];
  /** Whose found no place. */
  paused: VideoRef[];
  /** Sections whose track is another now. */
  changes: { section: number; track: RtcTrack | null }[];
  /** Whether sections or pauses differ from before. */
  changed: boolean;
}

function rank(source: VideoSource): number {
  return source.kind === "screen" ? 0 : source.agent ? 1 : 2;
}

function ref(source: VideoSource): VideoRef {
  return { member: source.member, kind: source.kind };
}

const name = (source: VideoRef): string => `${source.member} ${source.kind}`;

/** The video sections of one person's connection. */
export class VideoSlots {
  readonly #sections: (VideoSource | undefined)[];
  #told = "";

  constructor(count: number) {
    this.#sections = new Array<VideoSource | undefined>(count).fill(undefined);
  }

  /** The page has forgotten what it was told: the next choice is told whatever it is. */
  forgetTold(): void {
    this.#told = "";
  }

  /** Chooses among `sources`; who keeps a place keeps his section. */
  choose(sources: readonly VideoSource[]): VideoChoice {
    // Array.sort is stable: among equals, who came first stays.
    const ranked = [...sources].sort((a, b) =>
      rank(a) - rank(b) || (a.spokeAt === b.spokeAt ? 0 : b.spokeAt - a.spokeAt)
    );
    const chosen = new Map(ranked.slice(0, this.#sections.length).map((s) => [name(s), s]));
    const changes: VideoChoice["changes"] = [];
    const set = (section: number, source: VideoSource | undefined): void => {
      if (this.#sections[section]?.track !== source?.track) {
        changes.push({ section, track: source?.track ?? null });
      }
      this.#sections[section] = source;
    };
    for (const [section, current] of this.#sections.entries()) {
      if (current === undefined) continue;
      const key = name(current);
      set(section, chosen.get(key));
      chosen.delete(key);
    }
    for (const source of chosen.values()) set(this.#sections.indexOf(undefined), source);

    const sections = this.#sections.map((source) => source === undefined ? null : ref(source));
    const paused = ranked.slice(this.#sections.length).map(ref);
    const telling = JSON.stringify([sections, paused]);
    const changed = telling !== this.#told;
    this.#told = telling;
    // A section that was emptied and filled again needs only its last track.
    const last = new Map(changes.map((change) => [change.section, change]));
    return { sections, paused, changes: [...last.values()], changed };
  }
}
