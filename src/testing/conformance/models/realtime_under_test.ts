/** What the author of a realtime model's adapter implements for its conformance kit. @module */
import type { RealtimeEvent, RealtimeLLM } from "../../../inference/contracts/realtime_llm.ts";

/** What the service does when a session begins. */
export interface RealtimeConnectAct {
  /**
   * Accepts the session; never answers; breaks the connection off before the session has begun. Default
   * `"accept"`.
   */
  readonly begin?: "accept" | "silent" | "cut";
  /** Refuses with this HTTP status. */
  readonly status?: number;
  /**
   * Accepts changes of the session after its beginning; refuses them; never answers them. Default
   * `"accept"`.
   */
  readonly updates?: "accept" | "refuse" | "silent";
}

/** What the service received in a session, in the words of the contract. */
export type RealtimeReceived =
  /**
   * What the session is to be, at its beginning and with each change: instructions, the names of the
   * tools, and what replies consist of. What it does not say stays as it was.
   */
  | {
    readonly type: "settings";
    readonly instructions?: string;
    readonly tools?: readonly string[];
    readonly output?: "audio" | "text";
  }
  /** Audio, in milliseconds. */
  | { readonly type: "audio"; readonly ms: number }
  /** A part of the conversation: what was said, also before; a call of a tool, or its result. */
  | {
    readonly type: "item";
    readonly role: "user" | "assistant" | "tool-call" | "tool";
    /** What was said; the name of the tool; its result. */
    readonly text: string;
    /** Of a call, and of its result. */
    readonly callId?: string;
  }
  | { readonly type: "reply-request"; readonly id: string; readonly say?: string }
  /** A reply is to stop, or what is remembered of it is cut. */
  | { readonly type: "interrupt" }
  | { readonly type: "commit" };

/** What the service does in a session, in the words of the contract. */
export type RealtimeServiceEvent = Exclude<
  RealtimeEvent,
  { type: "error" | "session-ending" }
>;

/** A realtime model, and the service behind it. */
export interface RealtimeUnderTest extends AsyncDisposable {
  /** The model. */
  readonly llm: RealtimeLLM;
  /** What the service received in the latest session, in order. */
  readonly received: readonly RealtimeReceived[];
  /** Sends what the service sends when this happens, in the latest session. */
  emit(event: RealtimeServiceEvent): void;
  /** Sends what is not of the protocol. For services over a network. */
  emitNonsense?(): void;
  /** Breaks the latest session's connection off. For services over a network. */
  cut?(): void;
  /** Keeps all connections open while nothing passes any more, as a lost network does. */
  hang?(): void;
  /** Returns how many connections are open. */
  openConnections?(): number;
}

/** Creates a model for one test, in front of a service that begins its sessions so. */
export type RealtimeFactory = (
  act: RealtimeConnectAct,
) => RealtimeUnderTest | Promise<RealtimeUnderTest>;
