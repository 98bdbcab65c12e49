/** What a worker and its agents' processes say to each other, as JSON over a channel of the runtime. @module */
import * as v from "valibot";
import { EdgeError } from "../../edge/errors.ts";
import type { JobOffer, JobOutcome } from "../../edge/jobs.ts";
import type { CloseReason, JsonValue } from "../../edge/types.ts";

/** A job as JSON. */
export interface JobData {
  /** The offer, but for its edge. */
  readonly offer: Omit<JobOffer, "edge">;
  /** The place of its edge in the list of edges, which is the same in both processes. */
  readonly edge: number;
  /** The call, where its source has it. */
  readonly call?: JsonValue;
}

/** An error as JSON. */
export interface ErrorData {
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
  | { readonly status: "failed"; readonly error: ErrorData };

/** A message to an agent's process. */
export type ToAgent =
  | { readonly type: "job"; readonly job: JobData }
  | { readonly type: "ping" }
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
  /** The response to a ping, with the memory that the process has. */
  | { readonly type: "alive"; readonly rssBytes: number }
  | { readonly type: "joined" }
  /** Whether no person is in the call any more. */
  | { readonly type: "lonely"; readonly isLonely: boolean }
  /** A failure that the agent survived. */
  | { readonly type: "error"; readonly error: ErrorData; readonly context: string }
  | { readonly type: "ended"; readonly outcome: OutcomeData };

const errorData = v.object({
  name: v.string(),
  message: v.string(),
  stack: v.optional(v.string()),
  code: v.optional(v.string()),
  retryable: v.optional(v.boolean()),
});

const fromAgent: v.GenericSchema<unknown, FromAgent> = v.variant("type", [
  v.object({ type: v.literal("ready"), edges: v.number() }),
  v.object({ type: v.literal("alive"), rssBytes: v.number() }),
  v.object({ type: v.literal("joined") }),
  v.object({ type: v.literal("lonely"), isLonely: v.boolean() }),
  v.object({ type: v.literal("error"), error: errorData, context: v.string() }),
  v.object({
    type: v.literal("ended"),
    outcome: v.variant("status", [
      v.object({
        status: v.literal("finished"),
        reason: v.string() as v.GenericSchema<string, CloseReason>,
      }),
      v.object({ status: v.literal("failed"), error: errorData }),
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

/** Returns an error as JSON. */
export function toErrorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  const { code, retryable } = error instanceof EdgeError ? error : {};
  return { name, message, stack, code, retryable };
}

/** Returns the error of {@linkcode toErrorData}: an `EdgeError` where it was one. */
export function fromErrorData({ name, message, stack, code, retryable }: ErrorData): Error {
  const error = code === undefined
    ? new Error(message)
    : new EdgeError(message, { code, retryable: retryable ?? false });
  if (name !== error.name) Object.defineProperty(error, "name", { value: name });
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Returns an outcome as JSON. */
export function toOutcomeData(outcome: JobOutcome): OutcomeData {
  return outcome.status === "finished"
    ? outcome
    : { status: "failed", error: toErrorData(outcome.error) };
}

/** Returns the outcome of {@linkcode toOutcomeData}. */
export function fromOutcomeData(outcome: OutcomeData): JobOutcome {
  return outcome.status === "finished"
    ? outcome
    : { status: "failed", error: fromErrorData(outcome.error) };
}
