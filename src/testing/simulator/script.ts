/**
 * The script of a simulated call.
 *
 * @module
 */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { AgentOptions } from "../../agent/agent_options.ts";
import type { Agent } from "../../agent/agent.ts";
import type { CloseReason } from "../../edge/types.ts";
import type { MemoryEdge } from "../memory_edge.ts";
import type { VirtualClock } from "../virtual_clock.ts";

/** The network between one person and the agent. Default: no loss and no delay. */
export interface NetworkConditions {
  /** One-way delay, in milliseconds. Default 0. */
  delayMs?: number;
  /** Additional delay, uniform from 0 to this. Default 0. */
  jitterMs?: number;
  /** The jitter buffer: later packets count as lost. Default 60. */
  bufferMs?: number;
  /** Share of the packets (20 ms each) that are lost, 0 to 1. Default 0. */
  loss?: number;
  /**
   * Packets per loss on average, at least 1. Default 1. A loss above `burst / (burst + 1)` has longer
   * bursts, since only one packet lies between two of them.
   */
  burst?: number;
  /** Share of the packets that the next two overtake. Default 0. */
  reordering?: number;
  /** Share of the packets that arrive twice. Default 0. */
  duplication?: number;
  /** Intervals in which all packets are lost: from, until. */
  cuts?: readonly (readonly [fromMs: number, untilMs: number])[];
}

/** An utterance of a person. */
export interface ScriptedUtterance {
  /** When they begin, in milliseconds since the call began. */
  atMs: number;
  /** The PCM that they say, at any rate: e.g. a WAV file, a tone, noise like speech. */
  pcm: PcmChunk;
}

/** A person with one device. Two with one `userId` are one person with two devices. */
export interface ScriptedPerson {
  /** The user's id. */
  userId: string;
  /** The participant's id. Default: `userId`. */
  id?: string;
  /** When they join. Default 0: before the agent. */
  joinsAtMs?: number;
  /** When they leave. Default: they stay. */
  leavesAtMs?: number;
  /** Their utterances. */
  says?: readonly ScriptedUtterance[];
  /** Intervals in which the microphone is muted: from, until. */
  mutes?: readonly (readonly [fromMs: number, untilMs: number])[];
  /** How much later than its audio the track is published; `Infinity`: never. Default 0. */
  trackDelayMs?: number;
  /** The network to the agent, in both directions. */
  network?: NetworkConditions;
}

/** A stall of the agent's program. */
export interface Stall {
  /** When it begins. */
  atMs: number;
  /** For how long. */
  forMs: number;
  /**
   * How the audio of the stall is delivered: row by row, one person's after another's (as sinks do), or
   * in rows with permuted entries. Default `"rows"`.
   */
  backlog?: "rows" | "sinks" | "permuted";
}

/** A running simulation, for the script's callbacks. */
export interface Simulation {
  /** The edge that the call is on. */
  readonly edge: MemoryEdge;
  /** The clock of the call, which starts at 0. */
  readonly clock: VirtualClock;
  /** The agent; throws before it exists. */
  readonly agent: Agent;
  /** Adds a line to the log. */
  note(text: string): void;
  /**
   * Holds the clock until `promise` settles, and returns what it settles with: for what takes real
   * time in the agent's code, such as a file or a request. In the call it takes none.
   *
   * @throws what the promise rejects with; a `TimeoutError` after 30 seconds of real time.
   */
  real<T>(promise: PromiseLike<T>): Promise<T>;
}

/** A call from its beginning to its end. */
export interface CallScript {
  /** The same seed gives the same log, to the byte. */
  seed: number;
  /** The people in the call, each with their own participant id. */
  people: readonly ScriptedPerson[];
  /** Returns the options of the agent; the simulation adds its edge and clock. */
  agent: (simulation: Simulation) => Omit<AgentOptions, "edge" | "clock" | "agentUser">;
  /** When the agent starts to join. Default 0. */
  agentJoinsAtMs?: number;
  /** How long the agent waits for the first person. Default 0. */
  participantWaitTimeoutMs?: number;
  /** The stalls of the agent's program. */
  stalls?: readonly Stall[];
  /** Intervals in which the agent's network reconnects and all packets are lost: from, until. */
  reconnects?: readonly (readonly [fromMs: number, untilMs: number])[];
  /** When the call ends, unless the agent or the test ends it earlier: `edge.endCall(call)`. */
  endsAtMs: number;
  /** How the call ends: `"left"` when the agent closes. Default `"call-ended"`. */
  ends?: CloseReason;
  /** Called when the agent has joined. */
  onJoined?: (simulation: Simulation) => void | Promise<void>;
}
