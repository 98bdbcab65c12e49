/** The edge of simulated calls. @module */
import type { AudioTrack, AudioTrackOptions, PlayoutReport } from "../../edge/audio_track.ts";
import type { Call } from "../../edge/call.ts";
import type { EdgeAgent } from "../../edge/edge_agent.ts";
import type { JoinOptions } from "../../edge/edge_transport.ts";
import type { MemoryConnection } from "../memory_connection.ts";
import { silentLogger } from "../../events/logger.ts";
import { MemoryEdge } from "../memory_edge.ts";
import { MemoryRoom } from "../memory_room.ts";
import type { VirtualClock } from "../virtual_clock.ts";
import type { SimulatedNetwork } from "./simulated_network.ts";
import type { StallableClock } from "./stallable_clock.ts";

/** The id of the call that is simulated; an agent may dial others. */
export const SIMULATED_CALL = "simulated";

/** An edge in memory with a simulated network, whose agent can stall. */
export class SimulatedEdge extends MemoryEdge {
  readonly #agentClock: StallableClock;
  readonly #network: SimulatedNetwork;
  readonly #ended = Promise.withResolvers<void>();
  /** Resolves when the simulated call has ended for all. */
  readonly ended: Promise<void> = this.#ended.promise;
  /** Whether the agent has started its processors, and joins. */
  isJoining = false;

  constructor(
    options: { clock: VirtualClock; agentClock: StallableClock; network: SimulatedNetwork },
  ) {
    super({ clock: options.clock, logger: silentLogger });
    this.#agentClock = options.agentClock;
    this.#network = options.network;
  }

  override join(agent: EdgeAgent, call: Call, options?: JoinOptions): Promise<MemoryConnection> {
    this.isJoining = true;
    return super.join(agent, call, options);
  }

  override async endCall(call: Call): Promise<void> {
    await super.endCall(call);
    if (call.id === SIMULATED_CALL) this.#ended.resolve();
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

  protected override makeRoom(): MemoryRoom {
    return new MemoryRoom({
      clock: this.clock,
      network: this.#network,
      onAgentAudio: this.emitAgentAudio,
      onTransfer: this.transferred,
    });
  }
}
