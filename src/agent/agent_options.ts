/** The options of an agent, and their checks. @module */
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
import type { ConversationOptions } from "./conversation_options.ts";
import { checkInputFilters, type InputFilter } from "./input_filter.ts";
import type { Processor } from "./processor.ts";
import type { SpeakerFilter } from "../inference/speakers/speaker_filter.ts";
import { checkUser } from "../edge/validation.ts";
import { checkMethods, checkOptions, shown } from "../events/checks.ts";
import { checkClock } from "../events/clock.ts";
import { checkDuration } from "../events/waiting.ts";
import { checkProcessors, checkVideoTrack } from "./processor.ts";
import type { ConversationHistory } from "./kept_conversation.ts";

/** Options for an {@linkcode Agent}. */
export interface AgentOptions extends ConversationOptions {
  /** The network that the agent joins calls over. It is shared: the agent never closes it. */
  edge: EdgeTransport;
  /** The user that the agent is in its calls. */
  agentUser: User;
  /** The instructions for the model. They begin the conversation. */
  instructions?: string;
  /** Receive the agent's audio and video, in this order. */
  processors?: readonly Processor[];
  /** Called with every 20 ms of each participant's audio: a processor in one line. */
  onAudio?: (audio: ParticipantAudio, agent: AgentContext) => void | Promise<void>;
  /**
   * Called once, when the agent can speak and the first person is there to hear it, for instance with
   * `(agent) => agent.say("Good day!")`. A failure is reported.
   */
  onEnter?: (agent: AgentContext) => void | Promise<void>;
  /**
   * Where the application keeps the conversation: what was said before is loaded when the agent joins,
   * and the rest is saved as it is said. So an agent goes on with the conversation of another, whose
   * program is gone. Default: the conversation is the edge's alone.
   */
  history?: ConversationHistory;
  /** Whether the agent publishes an audio track. Default `true`. */
  publishAudio?: boolean;
  /** `"live"` for an agent that sends while it receives, as an echo does. Default `"speech"`. */
  audioMode?: AudioTrackMode;
  /** The video track to publish, or `false` for none. Default: the first processor's `videoTrack`. */
  publishVideo?: VideoTrack | false;
  /** Samples per second of the audio that the agent receives. Default 16,000. */
  sampleRate?: AudioSubscription["sampleRate"];
  /** Whether the agent receives other agents too, not only people. Default `false`. */
  hearsAgents?: boolean;
  /** Change the audio of each participant before anything else hears it, in this order. */
  inputFilters?: readonly InputFilter[];
  /** Chooses the participants that the processors hear. Default: all participants. */
  speakerFilter?: SpeakerFilter;
  /** Resamples received audio where the edge does not. Default: the fastest kernel available. */
  kernel?: AudioKernel;
  /** How long the agent stays in its call at most, in milliseconds. Default: there is no limit. */
  maxCallMs?: number;
  /**
   * How long the agent stays without a person in the call, in milliseconds, before the first one too.
   * Default: there is no limit.
   */
  closeWhenIdleMs?: number;
  /** The logger. Default: the console, for warnings and errors only. */
  logger?: Logger;
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
}

/** Options for {@linkcode Agent.join}. */
export interface AgentJoinOptions {
  /**
   * How long to wait for a person after joining: 0 does not wait, `Infinity` has no limit. After that
   * the agent goes on alone. Default 10,000.
   */
  participantWaitTimeoutMs?: number;
  /** Time limit for joining, which then rejects with a `TimeoutError`. Default 10,000. */
  timeoutMs?: number;
  /** Aborts the join. */
  signal?: AbortSignal;
}

/** The methods that an edge must have, of whatever class it is. */
const EDGE_METHODS = ["authenticate", "createCall", "join", "publishTracks", "createAudioTrack"];

const OPTIONS = {
  edge: true,
  agentUser: true,
  instructions: true,
  processors: true,
  onAudio: true,
  onEnter: true,
  history: true,
  publishAudio: true,
  audioMode: true,
  publishVideo: true,
  sampleRate: true,
  hearsAgents: true,
  inputFilters: true,
  speakerFilter: true,
  kernel: true,
  maxCallMs: true,
  closeWhenIdleMs: true,
  logger: true,
  clock: true,
  // Those of a conversation.
  llm: true,
  stt: true,
  tts: true,
  vad: true,
  textTransform: true,
  pronunciations: true,
  backgroundSound: true,
  thinkingSound: true,
  tools: true,
  onToolStarted: true,
  onToolEnded: true,
  turnHandling: true,
  outageMessage: true,
  onFailure: true,
  awayAfterMs: true,
  vision: true,
  broadcastMetrics: true,
} as const satisfies Record<keyof AgentOptions, true>;

/**
 * Throws unless an agent can be created with these options.
 *
 * @throws {TypeError} names all missing options, or the first one of the wrong type.
 * @throws {RangeError} an option is out of range.
 */
export function checkAgentOptions(options: AgentOptions): void {
  checkOptions(options, "options", OPTIONS, "an object like { edge, agentUser }");
  const { edge, agentUser } = options;
  const missing = [
    ...edge === undefined || edge === null
      ? ["edge (the network it joins calls over, e.g. new LocalEdge())"]
      : [],
    ...agentUser === undefined || agentUser === null
      ? ['agentUser (the user it joins as, e.g. { id: "helper", name: "Helper" })']
      : [],
  ];
  if (missing.length > 0) throw new TypeError(`an agent needs ${missing.join(" and ")}`);
  checkMethods(edge, "edge", "an EdgeTransport, e.g. new LocalEdge()", EDGE_METHODS);
  checkMethods(edge.events, "edge.events", "an EdgeEvents", ["subscribe", "emit"]);
  if (!(edge.events instanceof EdgeEvents)) {
    throw new TypeError(
      "edge: its events come from another copy of @ringline/edge: install @ringline/edge and the " +
        "edge's package, e.g. @ringline/getstream, in one and the same version",
    );
  }
  checkUser(agentUser, "agentUser");
  checkProcessors(options.processors);
  checkInputFilters(options.inputFilters);
  const { onAudio, instructions, speakerFilter, publishVideo, audioMode, sampleRate } = options;
  if (onAudio !== undefined && typeof onAudio !== "function") {
    throw new TypeError(`onAudio: expected a function, got ${shown(onAudio)}`);
  }
  if (options.onEnter !== undefined && typeof options.onEnter !== "function") {
    throw new TypeError(`onEnter: expected a function, got ${shown(options.onEnter)}`);
  }
  if (options.history !== undefined) {
    checkMethods(options.history, "history", "an object like { load, save }", ["load", "save"]);
  }
  if (instructions !== undefined && typeof instructions !== "string") {
    throw new TypeError(`instructions: expected a text, got ${shown(instructions)}`);
  }
  if (speakerFilter !== undefined) {
    const expected = 'a speaker filter, e.g. allowList(["anna"])';
    const more = (["passesText", "participantLeft", "trackUpdated"] as const)
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
  if (sampleRate !== undefined && ![16_000, 24_000, 48_000].includes(sampleRate)) {
    throw new RangeError(`sampleRate: expected 16000, 24000 or 48000, got ${shown(sampleRate)}`);
  }
  for (const name of ["maxCallMs", "closeWhenIdleMs"] as const) {
    const value = options[name];
    if (value !== undefined) checkDuration(name, value);
  }
  if (options.kernel !== undefined) {
    checkMethods(options.kernel, "kernel", "an AudioKernel", ["createResampler", "mix"]);
  }
  if (options.clock !== undefined) checkClock(options.clock);
}
