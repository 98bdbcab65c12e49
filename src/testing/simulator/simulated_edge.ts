import type { AudioTrack, AudioTrackOptions, PlayoutReport } from "../../edge/audio_track.ts";
import type { AudioKernel } from "../../audio/kernel.ts";
import { silentLogger } from "../../events/logger.ts";
import { loadKernel } from "../../native/load.ts";
import { MemoryEdge } from "../memory_edge.ts";
import { MemoryRoom } from "../memory_room.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import type { SimulatedNetwork } from "./simulated_network.ts";
import type { StallableClock } from "./stallable_clock.ts";

/** An edge in memory with a simulated network, whose agent can stall. */
export class SimulatedEdge extends MemoryEdge {
  readonly #agentClock: StallableClock;
  readonly #network: SimulatedNetwork;

  constructor(
    options: { clock: VirtualClock; agentClock: StallableClock; network: SimulatedNetwork },
  ) {
    super({ clock: options.clock, logger: silentLogger });
    this.#agentClock = options.agentClock;
    this.#network = options.network;
  }

  /** Holds playout reports back while the agent stalls, and keeps the latest. */
  override createAudioTrack(options?: AudioTrackOptions): AudioTrack {
    const track = super.createAudioTrack(options);
    const bind = track.bind.bind(track);
    track.bind = (port) => {
      const binding = bind(port);
      let latest: PlayoutReport | undefined;
      return {
        report: (report) => {
          if (!this.#agentClock.isStalled) return binding.report(report);
          if (!latest) this.#agentClock.schedule(sendReport, 0);
          latest = report;
        },
        [Symbol.dispose]: () => binding[Symbol.dispose](),
      };
      function sendReport(): void {
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
    return new MemoryRoom({
      clock: this.clock,
      network: this.#network,
      onAgentAudio: this.emitAgentAudio,
      onTransfer: this.transferred,
    });
  }
}
