/**
 * What happens in a simulated call.
 *
 * @module
 */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { AgentOptions } from "../../agent/agent_options.ts";
import type { Agent } from "../../agent/agent.ts";
import type { CloseReason } from "../../edge/types.ts";
import type { MemoryEdge } from "../memory_edge.ts";
import type { VirtualClock } from "../virtual_clock.ts";

/** The way between one person and the agent. Nothing of it is lost or late unless said. */
export interface NetworkConditions {
  /** One way, in milliseconds. Default 0. */
  delayMs?: number;
  /** On top of that, evenly spread from 0 to this. Default 0. */
  jitterMs?: number;
  /** How late a packet may be before it counts as lost: the jitter buffer. Default 60. */
  bufferMs?: number;
  /** Part of the packets (20 ms each) that are lost, 0 to 1. Default 0. */
  loss?: number;
  /**
   * How many packets a loss takes on average, at least 1. Default 1. Losses above
   * `burst / (burst + 1)` take more, as they leave only one packet between two of them.
   */
  burst?: number;
  /** Part of the packets that are overtaken by the next two. Default 0. */
  reordering?: number;
  /** Part of the packets that arrive twice. Default 0. */
  duplication?: number;
  /** When nothing gets through at all: from, until. */
  cuts?: readonly (readonly [fromMs: number, untilMs: number])[];
}

/** Something that a person says. */
export interface ScriptedUtterance {
  /** When he begins, in milliseconds since the call began. */
  atMs: number;
  /** What he says: a WAV that was read, a tone, noise like speech. Of any rate. */
  pcm: PcmChunk;
}

/** One person with one device. Two with one `userId` are one person with two devices. */
export interface ScriptedPerson {
  /** Whose message it is: a user's id. */
  userId: string;
  /** The participant's id; `userId` unless given. */
  id?: string;
  /** Default 0: before the agent. */
  joinsAtMs?: number;
  /** Default: stays. */
  leavesAtMs?: number;
  /** What he says, and when. */
  says?: readonly ScriptedUtterance[];
  /** When the microphone is muted: from, until. */
  mutes?: readonly (readonly [fromMs: number, untilMs: number])[];
  /** How late his track is announced, though his audio comes; `Infinity`: never. Default 0. */
  trackDelayMs?: number;
  /** What lies between him and the agent, both ways. */
  network?: NetworkConditions;
}

/** The agent's program stands still. */
export interface Stall {
  /** When it begins. */
  atMs: number;
  /** For how long. */
  forMs: number;
  /**
   * How what came meanwhile is handed over: row by row, one person's after another's (as sinks do),
   * or in rows whose entries are permuted. Default `"rows"`.
   */
  backlog?: "rows" | "sinks" | "permuted";
}

/** What the script's `agent` gets to work with. */
export interface Simulation {
  /** The edge that the call is on. */
  readonly edge: MemoryEdge;
  /** The call's time, which begins at 0. */
  readonly clock: VirtualClock;
  /** The agent, once it is made. */
  readonly agent: Agent;
  /** Writes a line of the application's own into the log. */
  note(text: string): void;
}

/** A call from its beginning to its end. */
export interface CallScript {
  /** The same seed gives the same log, to the byte. */
  seed: number;
  /** Who takes part, beside the agent: each with a participant id of his own. */
  people: readonly ScriptedPerson[];
  /** The agent as it is, with the edge and the clock of the simulation. */
  agent: (simulation: Simulation) => Omit<AgentOptions, "edge" | "clock" | "agentUser">;
  /** When the agent begins to join. Default 0. */
  agentJoinsAtMs?: number;
  /** How long the agent waits for the first person. Default 0. */
  participantWaitTimeoutMs?: number;
  /** When the agent's program stands still. */
  stalls?: readonly Stall[];
  /** When the agent's network is being repaired, and nothing gets through: from, until. */
  reconnects?: readonly (readonly [fromMs: number, untilMs: number])[];
  /** When it ends. */
  endsAtMs: number;
  /** How: `"left"` when the agent closes. Default `"call-ended"`. */
  ends?: CloseReason;
  /** Called when the agent has joined; what it does is part of the call. */
  onJoined?: (simulation: Simulation) => void | Promise<void>;
}
