import type { AudioTrack, AudioTrackOptions, PlayoutReport } from "../../edge/audio_track.ts";
import type { AudioKernel } from "../../audio/kernel.ts";
import { silentLogger } from "../../events/logger.ts";
import { loadKernel } from "../../native/load.ts";
import { MemoryEdge } from "../memory_edge.ts";
import { MemoryRoom } from "../memory_room.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import type { SimulatedNetwork } from "./carrier.ts";
import type { StallableClock } from "./stallable_clock.ts";

/** An edge in memory with networks between, whose agent may stand still. */
export class SimulatedEdge extends MemoryEdge {
  readonly #agentClock: StallableClock;
  readonly #carrier: SimulatedNetwork;

  constructor(
    options: { clock: VirtualClock; agentClock: StallableClock; carrier: SimulatedNetwork },
  ) {
    super({ clock: options.clock, logger: silentLogger });
    this.#agentClock = options.agentClock;
    this.#carrier = options.carrier;
  }

  /** What was played is told to the agent's program, which may stand still. */
  override createAudioTrack(options?: AudioTrackOptions): AudioTrack {
    const track = super.createAudioTrack(options);
    const bind = track.bind.bind(track);
    track.bind = (port) => {
      const binding = bind(port);
      let latest: PlayoutReport | undefined;
      return {
        report: (report) => {
          if (!this.#agentClock.isStalled) return binding.report(report);
          if (!latest) this.#agentClock.schedule(tell, 0);
          latest = report;
        },
        [Symbol.dispose]: () => binding[Symbol.dispose](),
      };
      function tell(): void {
        const report = latest!;
        latest = undefined;
        binding.report(report);
      }
    };
    return track;
  }

  protected override audioKernel(): AudioKernel {
    return loadKernel({ logger: () => {} });
  }

  protected override makeRoom(): MemoryRoom {
    return new MemoryRoom(this.clock, this.#carrier);
  }
}
