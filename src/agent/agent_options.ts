import type { ParticipantAudio } from "../edge/participant_audio.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import type { AudioTrackMode } from "../edge/audio_track.ts";
import type { AudioSubscription } from "../edge/edge_agent.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import { EdgeEvents } from "../edge/edge_events.ts";
import type { User } from "../edge/types.ts";
import type { VideoTrack } from "../edge/video_frame.ts";
import type { Clock } from "../events/clock.ts";
import type { Logger } from "../events/logger.ts";
import type { AgentContext } from "./agent_context.ts";
import type { ConversationOptions } from "./conversation_processor.ts";
import type { Processor } from "./processor.ts";
import type { SpeakerFilter } from "../inference/speakers/speaker_filter.ts";
import { checkUser } from "../edge/validation.ts";
import { checkMethods, checkObject, shown } from "../events/checks.ts";
import { checkClock } from "../events/clock.ts";
import { checkProcessors, checkVideoTrack } from "./processor.ts";

/** What an {@linkcode Agent} is made of. */
export interface AgentOptions extends ConversationOptions {
  /** The network it joins calls over. It is shared, and never closed by the agent. */
  edge: EdgeTransport;
  /** Who the agent is in the calls. */
  agentUser: User;
  /** What it is told to be; the conversation carries them. */
  instructions?: string;
  /** What is done with what it hears and sees, in this order. */
  processors?: readonly Processor[];
  /** Called with each 20 ms of each participant: a processor in a line. */
  onAudio?: (audio: ParticipantAudio, agent: AgentContext) => void | Promise<void>;
  /** Whether it has a voice. Default `true`. */
  publishAudio?: boolean;
  /** `"live"` for an agent that answers while it hears, as an echo does. Default `"speech"`. */
  audioMode?: AudioTrackMode;
  /** Its picture: a track, or `false` for none. Default: that of a processor, if one has any. */
  publishVideo?: VideoTrack | false;
  /** Samples a second of what it hears. Default 16,000. */
  audioRate?: AudioSubscription["sampleRate"];
  /** Whether it hears and sees other agents too. Default `false`. */
  hearsAgents?: boolean;
  /** Whom the processors hear; see {@linkcode SpeakerFilter}. Default: everybody. */
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

/** What makes an edge of an object: which class it is of matters to nobody. */
const EDGE_METHODS = ["authenticate", "createCall", "join", "publishTracks", "createAudioTrack"];

/**
 * Throws unless an agent can be made of this.
 *
 * @throws {TypeError} naming all that is missing, or the first option of the wrong type.
 * @throws {RangeError} an option is out of range.
 */
export function checkAgentOptions(options: AgentOptions): void {
  checkObject(options, "options", "an object like { edge, agentUser }");
  const { edge, agentUser } = options;
  const missing = [
    ...edge === undefined || edge === null
      ? ["edge (what it joins calls over, e.g. new LocalEdge())"]
      : [],
    ...agentUser === undefined || agentUser === null
      ? ['agentUser (who it is, e.g. { id: "helper", name: "Helper" })']
      : [],
  ];
  if (missing.length > 0) throw new TypeError(`an agent needs ${missing.join(" and ")}`);
  checkMethods(edge, "edge", "an EdgeTransport, e.g. new LocalEdge()", EDGE_METHODS);
  checkMethods(edge.events, "edge.events", "an EdgeEvents", ["subscribe", "announce"]);
  if (!(edge.events instanceof EdgeEvents)) {
    throw new TypeError(
      "edge: its events come from another copy of @ringline/edge: install @ringline/edge and the " +
        "edge's package, e.g. @ringline/getstream, in one and the same version",
    );
  }
  checkUser(agentUser, "agentUser");
  checkProcessors(options.processors);
  const { onAudio, instructions, speakerFilter, publishVideo, audioMode, audioRate } = options;
  if (onAudio !== undefined && typeof onAudio !== "function") {
    throw new TypeError(`onAudio: expected a function, got ${shown(onAudio)}`);
  }
  if (instructions !== undefined && typeof instructions !== "string") {
    throw new TypeError(`instructions: expected a text, got ${shown(instructions)}`);
  }
  if (speakerFilter !== undefined) {
    const expected = 'a speaker filter, e.g. allowList(["anna"])';
    const more = (["participantLeft", "trackUpdated"] as const)
      .filter((hook) => speakerFilter?.[hook] !== undefined);
    checkMethods(speakerFilter, "speakerFilter", expected, ["passes", ...more]);
  }
  if (publishVideo !== undefined && publishVideo !== false) {
    checkVideoTrack(publishVideo, "publishVideo", "a VideoTrack, or false");
  }
  if (audioMode !== undefined && audioMode !== "speech" && audioMode !== "live") {
    throw new TypeError(`audioMode: expected "speech" or "live", got ${shown(audioMode)}`);
  }
  for (const name of ["publishAudio", "hearsAgents"] as const) {
    const value = options[name];
    if (value === undefined || typeof value === "boolean") continue;
    throw new TypeError(`${name}: expected true or false, got ${shown(value)}`);
  }
  if (audioRate !== undefined && ![16_000, 24_000, 48_000].includes(audioRate)) {
    throw new RangeError(`audioRate must be 16000, 24000 or 48000, got ${shown(audioRate)}`);
  }
  if (options.kernel !== undefined) {
    checkMethods(options.kernel, "kernel", "an AudioKernel", ["createResampler", "mix"]);
  }
  if (options.clock !== undefined) checkClock(options.clock);
}
