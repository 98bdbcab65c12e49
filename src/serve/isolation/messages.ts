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

const errorData = v.object({
  name: v.string(),
  message: v.string(),
  stack: v.optional(v.string()),
  /** An `EdgeError`'s. */
  code: v.optional(v.string()),
  retryable: v.optional(v.boolean()),
});

/** An error as JSON. */
export type ErrorData = v.InferOutput<typeof errorData>;

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

const outcomeData = v.variant("status", [
  v.object({ status: v.literal("finished"), reason: v.string() as v.GenericSchema<CloseReason> }),
  v.object({ status: v.literal("failed"), error: errorData }),
]);

/** The schema of {@linkcode FromAgent}. */
const fromAgent = v.variant("type", [
  /** It can take a job; it has so many edges. */
  v.object({ type: v.literal("ready"), edges: v.number() }),
  /** The response to a ping, with the memory that the process has. */
  v.object({ type: v.literal("alive"), rssBytes: v.number() }),
  v.object({ type: v.literal("joined") }),
  /** Whether no person is in the call any more. */
  v.object({ type: v.literal("lonely"), isLonely: v.boolean() }),
  /** A failure that the agent survived. */
  v.object({ type: v.literal("error"), error: errorData, context: v.string() }),
  v.object({ type: v.literal("ended"), outcome: outcomeData }),
]);

/** A message of an agent's process. */
export type FromAgent = v.InferOutput<typeof fromAgent>;

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
export function toOutcomeData(
  outcome: JobOutcome,
): Extract<FromAgent, { type: "ended" }>["outcome"] {
  return outcome.status === "finished"
    ? outcome
    : { status: "failed", error: toErrorData(outcome.error) };
}

/** Returns the outcome of {@linkcode toOutcomeData}. */
export function fromOutcomeData(
  outcome: Extract<FromAgent, { type: "ended" }>["outcome"],
): JobOutcome {
  return outcome.status === "finished"
    ? outcome
    : { status: "failed", error: fromErrorData(outcome.error) };
}
