/** What a worker and its agents' processes say to each other, as JSON over a channel of the runtime. @module */
import * as v from "valibot";
import {
  AuthenticationError,
  ConnectionError,
  EdgeError,
  ProtocolError,
} from "../../edge/errors.ts";
import type { JobOffer, JobOutcome } from "../../edge/jobs.ts";
import type { CloseReason, ConnectionState, JsonValue } from "../../edge/types.ts";
import type { CallStatus } from "../job.ts";

/** How much of a text of an error crosses, in UTF-16 units. */
const MAX_TEXT = 8192;

/** A job as JSON. */
export interface JobData {
  /** The offer, but for its edge. */
  readonly offer: Omit<JobOffer, "edge">;
  /** The place of its edge in the list of edges, which is the same in both processes. */
  readonly edge: number;
  /** The call, where its source has it. */
  readonly call?: JsonValue;
}

/** What an agent failed with, as JSON: any error, where `ErrorData` of the toolkit has an edge's alone. */
export interface FailureData {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  /** An `EdgeError`'s. */
  readonly code?: string | undefined;
  readonly retryable?: boolean | undefined;
}

/** An outcome as JSON. */
export type OutcomeData =
  | { readonly status: "finished"; readonly reason: CloseReason }
  | { readonly status: "failed"; readonly error: FailureData };

/** A message to an agent's process. */
export type ToAgent =
  | { readonly type: "job"; readonly job: JobData }
  /** The agent is to say goodbye, and to leave. */
  | { readonly type: "goodbye" }
  /** The agent is to leave immediately. */
  | { readonly type: "end" }
  /** Everything has arrived: the process may exit. */
  | { readonly type: "exit" };

/** A message of an agent's process. */
export type FromAgent =
  /** It can take a job; it has so many edges. */
  | { readonly type: "ready"; readonly edges: number }
  /** It cannot: what its edges need does not start. */
  | { readonly type: "unready"; readonly error: FailureData }
  /**
   * Said twice a second while it has a job: the memory that the process has, and what its call is like, once
   * the agent has joined.
   */
  | { readonly type: "alive"; readonly rssBytes: number; readonly call?: CallStatus | undefined }
  | { readonly type: "joined" }
  /** The agent has replied to a person. */
  | { readonly type: "replied"; readonly voiceToVoiceMs: number }
  /** A failure that the agent survived. */
  | { readonly type: "error"; readonly error: FailureData; readonly context: string }
  | { readonly type: "ended"; readonly outcome: OutcomeData };

const failureData = v.object({
  name: v.string(),
  message: v.string(),
  stack: v.optional(v.string()),
  code: v.optional(v.string()),
  retryable: v.optional(v.boolean()),
});

const callStatus = v.object({
  state: v.picklist(
    ["establishing", "waiting", "active", "idle", "closed"] satisfies ConnectionState[],
  ),
  participants: v.number(),
  isLonely: v.boolean(),
});

const fromAgent: v.GenericSchema<unknown, FromAgent> = v.variant("type", [
  v.object({ type: v.literal("ready"), edges: v.number() }),
  v.object({ type: v.literal("unready"), error: failureData }),
  v.object({ type: v.literal("alive"), rssBytes: v.number(), call: v.optional(callStatus) }),
  v.object({ type: v.literal("joined") }),
  v.object({ type: v.literal("replied"), voiceToVoiceMs: v.pipe(v.number(), v.finite()) }),
  v.object({ type: v.literal("error"), error: failureData, context: v.string() }),
  v.object({
    type: v.literal("ended"),
    outcome: v.variant("status", [
      v.object({
        status: v.literal("finished"),
        reason: v.string() as v.GenericSchema<string, CloseReason>,
      }),
      v.object({ status: v.literal("failed"), error: failureData }),
    ]),
  }),
]);

/**
 * Returns a message of an agent's process; `undefined` for one that is none: what else runs in the process
 * may use the channel, too.
 */
export function readFromAgent(message: unknown): FromAgent | undefined {
  const result = v.safeParse(fromAgent, message);
  return result.success ? result.output : undefined;
}

/** Returns an error as JSON, of which no text is longer than a few pages. */
export function toFailureData(error: unknown): FailureData {
  if (!(error instanceof Error)) return { name: "Error", message: cut(String(error)) };
  const { name, stack } = error;
  const { code, retryable } = error instanceof EdgeError ? error : {};
  // It says which flag is missing, which the worker's own command may have.
  const hint = error instanceof Deno.errors.NotCapable
    ? " (an agent's process has the permissions that its worker has wholly, and what agentProcess.denoArgs adds)"
    : "";
  return { name, message: cut(error.message) + hint, stack: stack && cut(stack), code, retryable };
}

/** Returns the error of {@linkcode toFailureData}: of the same class where it was an `EdgeError`. */
export function fromFailureData({ name, message, stack, code, retryable }: FailureData): Error {
  const Class = [AuthenticationError, ConnectionError, ProtocolError]
    .find((one) => one.name === name) ?? EdgeError;
  const error = code === undefined ? new Error(message) : new Class(message, { code, retryable });
  if (name !== error.name) Object.defineProperty(error, "name", { value: name });
  if (stack !== undefined) error.stack = stack;
  return error;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** Returns an outcome as JSON. */
export function toOutcomeData(outcome: JobOutcome): OutcomeData {
  return outcome.status === "finished"
    ? outcome
    : { status: "failed", error: toFailureData(outcome.error) };
}

/** Returns the outcome of {@linkcode toOutcomeData}. */
export function fromOutcomeData(outcome: OutcomeData): JobOutcome {
  return outcome.status === "finished"
    ? outcome
    : { status: "failed", error: fromFailureData(outcome.error) };
}
