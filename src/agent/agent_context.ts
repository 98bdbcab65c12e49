/** The agent as its processors see it. @module */
import type { DirectedAudioOptions, OutboundAudioTrack } from "../edge/audio_track.ts";
import type { CallConnection } from "../edge/call_connection.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { JsonValue, User } from "../edge/types.ts";
import type { VideoFrame, VideoTrack } from "../edge/video_frame.ts";
import type { Clock } from "../events/clock.ts";
import type { EventManager } from "../events/event_manager.ts";
import type { Logger } from "../events/logger.ts";
import type { EncodedImage } from "../inference/contracts/messages.ts";
import type {
  GenerateReplyOptions,
  SayOptions,
  UserTurnOptions,
} from "../inference/pipelines/pipeline.ts";
import type { SpeechOutcome } from "../inference/speech/speech_handle.ts";
import type { EncodeFrameOptions } from "../inference/vision/encode_frame.ts";
import type { HandoffHistory } from "../inference/pipelines/pipeline.ts";
import type { ConversationOptions } from "./conversation_options.ts";

/** Options for ending a call. */
export interface HangUpOptions {
  /** The last words. Default: what is being said. */
  say?: string;
}

/** Options for leaving a call. */
export interface CloseOptions {
  /** Whether all that is to be said is heard before. Default `false`. */
  drain?: boolean;
}

/** What `Agent.update` changes: what is left out, or `undefined`, stays as it is. */
export interface AgentUpdate extends
  Pick<
    ConversationOptions,
    | "tools"
    | "llm"
    | "stt"
    | "tts"
    | "vad"
    | "turnHandling"
    | "textTransform"
    | "pronunciations"
    | "onFailure"
  > {
  /** The instructions for the model. */
  instructions?: string;
}

/** Another agent, to which `Agent.handoff` hands over. */
export interface HandoffOptions extends AgentUpdate {
  /** Its name, for the transcript. */
  name: string;
  /** Its instructions for the model. */
  instructions: string;
  /** The tools that its model can call. Default: none. */
  tools?: ConversationOptions["tools"];
  /**
   * What its model is told of the conversation so far: `"all"`, `"none"`, or a function that gets the
   * messages and returns a summary. Default `"all"`.
   */
  history?: HandoffHistory;
  /**
   * Called when it has taken over and a person is there, for instance with
   * `(agent) => agent.say("This is billing.")`. A failure is reported. Default: where a tool handed over,
   * it replies; otherwise it waits to be spoken to. It is not called where a tool hands over in
   * `Agent.text`: the next agent goes on with the reply in text.
   */
  onEnter?: (agent: AgentContext) => void | Promise<void>;
}

/** The agent as its processors see it; an `Agent` is one. */
export interface AgentContext {
  /** The edge that the call is reached over. */
  readonly edge: EdgeTransport;
  /** The user that the agent is in its call. */
  readonly user: User;
  /** The instructions for the model, as they are now. */
  readonly instructions: string;
  /** The agent's logger. */
  readonly logger: Logger;
  /** The agent's source of time. */
  readonly clock: Clock;
  /** The agent's voice: what is written here is said in the call. */
  readonly audio: OutboundAudioTrack;
  /** The picture that the agent publishes, if it does. */
  readonly video: VideoTrack | undefined;
  /** The agent's presence in the call, once it has joined. */
  readonly connection: CallConnection | undefined;
  /** The transcript of the call, once the agent has joined. */
  readonly conversation: Conversation | undefined;
  /** The events of the conversation; see `Agent.events`. */
  readonly events: EventManager;
  /** Slots of 20 ms that were dropped because the processors were too slow. */
  readonly droppedSlots: number;

  /** Creates a track that one person hears; see `Agent.createAudioTrack`. */
  createAudioTrack(options: DirectedAudioOptions): OutboundAudioTrack;
  /** Says `text`; see `Agent.say`. */
  say(text: string, options?: SayOptions): Promise<SpeechOutcome>;
  /** Replies to `text` as if it had been said in the call; see `Agent.generateReply`. */
  generateReply(text: string, options?: GenerateReplyOptions): Promise<SpeechOutcome>;
  /** Ends the turn in progress; see `Agent.commitUserTurn`. */
  commitUserTurn(options?: UserTurnOptions): Promise<void>;
  /** Forgets the turn in progress; see `Agent.clearUserTurn`. */
  clearUserTurn(options?: UserTurnOptions): Promise<void>;
  /** Changes the agent; see `Agent.update`. */
  update(update: AgentUpdate): Promise<void>;
  /** Hands over to another agent; see `Agent.handoff`. */
  handoff(to: HandoffOptions): Promise<void>;
  /** Falls silent immediately; see `Agent.interrupt`. */
  interrupt(): Promise<void>;
  /** Resolves with a frame of what the agent sees; see `Agent.waitForFirstFrame`. */
  waitForFirstFrame(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<VideoFrame>;
  /** Encodes the latest frame that the agent sees; see `Agent.latestImage`. */
  latestImage(options?: EncodeFrameOptions): Promise<EncodedImage | undefined>;
  /** Sends data of the application's own to all participants. */
  sendCustomEvent(data: JsonValue): Promise<void>;
  /** Says goodbye and ends the call for all participants; see `Agent.hangUp`. */
  hangUp(options?: HangUpOptions): Promise<void>;
  /** Leaves the call and releases everything but the edge; see `Agent.close`. */
  close(options?: CloseOptions): Promise<void>;
}
