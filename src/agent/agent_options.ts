import type { AudioKernel } from "../audio/kernel.ts";
import type { AudioTrackMode } from "../edge/audio_track.ts";
import type { Hearing } from "../edge/edge_agent.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { User } from "../edge/types.ts";
import type { VideoTrack } from "../edge/video_frame.ts";
import type { Clock } from "../events/clock.ts";
import type { Logger } from "../events/logger.ts";
import type { Agent } from "./agent.ts";
import type { ConversationParts } from "./conversation_part.ts";
import type { HeardAudio, Processor } from "./processor.ts";
import type { SpeakerFilter } from "./speaker_filter.ts";

/** What an {@linkcode Agent} is made of. */
export interface AgentOptions extends ConversationParts {
  /** The network it joins calls over. It is shared, and never closed by the agent. */
  edge: EdgeTransport;
  /** Who the agent is in the calls. */
  agentUser: User;
  /** What it is told to be; the conversation carries them. */
  instructions?: string;
  /** What is done with what it hears and sees, in this order. */
  processors?: readonly Processor[];
  /** Called with each 20 ms of each participant: a processor in a line. */
  onAudio?: (audio: HeardAudio, agent: Agent) => void | Promise<void>;
  /** Whether it has a voice. Default `true`. */
  publishAudio?: boolean;
  /** `"live"` for an agent that answers while it hears, as an echo does. Default `"speech"`. */
  audioMode?: AudioTrackMode;
  /** Its picture: a track, or `false` for none. Default: that of a processor, if one has any. */
  publishVideo?: VideoTrack | false;
  /** Samples a second of what it hears. Default 16,000. */
  audioRate?: Hearing["sampleRate"];
  /** Whether it hears and sees other agents too. Default `false`. */
  hearsAgents?: boolean;
  /** Whom the processors hear when several people are in the call. Default: everybody. */
  speakerFilter?: SpeakerFilter;
  /** Who resamples what it hears, where the edge does not. Default: the fastest there is. */
  kernel?: AudioKernel;
  /** Where it says what people should read. Default: the console, warnings and errors only. */
  logger?: Logger;
  /** Where time comes from. Default: the machine's clock. */
  clock?: Clock;
}

/** How an agent joins. */
export interface AgentJoinOptions {
  /**
   * How long to wait for a person once joined. 0 does not wait, `Infinity` waits for ever; when the
   * time is over the agent goes on. Default 10,000.
   */
  participantWaitTimeoutMs?: number;
  /** Limit for joining itself, which then rejects with a `TimeoutError`. Default 10,000. */
  timeoutMs?: number;
  /** Aborting it gives the join up. */
  signal?: AbortSignal;
}
