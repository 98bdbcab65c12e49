/** The audio of one agent that one participant each hears. @module */
import type { AudioTrackMode } from "../../edge/audio_track.ts";
import type { Clock } from "../../events/clock.ts";
import { Playout } from "./playout.ts";

/** A track for one participant, as the agent describes it. */
export interface DirectedTrack {
  /** The number of its stream on the wire. */
  readonly stream: number;
  readonly mode: AudioTrackMode;
  readonly epoch: number;
  readonly paused: boolean;
  /** The member who hears it. */
  readonly to: string;
  /** How loud they hear the other people meanwhile, 0 to 1. */
  readonly othersGain: number;
}

/** A track for one participant on its way to their mix. */
export interface DirectedPlayout extends Pick<DirectedTrack, "to" | "othersGain"> {
  readonly playout: Playout;
}

/** The playouts of the tracks that an agent publishes to one participant each. */
export class DirectedPlayouts {
  readonly #clock: Clock;
  readonly #playouts = new Map<number, DirectedPlayout>();
  /** Called after audio arrived that the room may wait for. */
  onArrival: (() => void) | undefined;

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
  }

  /** The playouts that are published now. */
  get all(): Iterable<DirectedPlayout> {
    return this.#playouts.values();
  }

  /** The playout of a stream, if it is published. */
  find(stream: number): Playout | undefined {
    return this.#playouts.get(stream)?.playout;
  }

  /** Whether a live one waits for its next frame. */
  get expects(): boolean {
    for (const { playout } of this.#playouts.values()) if (playout.expects) return true;
    return false;
  }

  /** Publishes these tracks, and no others any longer. */
  publish(tracks: readonly DirectedTrack[]): void {
    const streams = new Set(tracks.map(({ stream }) => stream));
    for (const stream of [...this.#playouts.keys()]) {
      if (!streams.has(stream)) this.#playouts.delete(stream);
    }
    for (const { stream, mode, epoch, paused, to, othersGain } of tracks) {
      if (this.#playouts.has(stream)) continue;
      const playout = new Playout({ clock: this.#clock });
      playout.bind(stream, mode, epoch);
      if (paused) playout.pause();
      playout.onArrival = () => this.onArrival?.();
      this.#playouts.set(stream, { playout, to, othersGain });
    }
  }
}
