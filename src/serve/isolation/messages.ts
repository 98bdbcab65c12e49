/** What a worker and its agents' processes say to each other, as JSON over a channel of the runtime. @module */
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
  | {
    readonly type: "ended";
    readonly outcome:
      | { readonly status: "finished"; readonly reason: CloseReason }
      | { readonly status: "failed"; readonly error: ErrorData };
  };

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
