/** Errors for the refusals of an SFU. @module */
import {
  AuthenticationError,
  ConnectionError,
  EdgeError,
  withoutSecrets,
} from "@ringline/edge/toolkit";
import {
  type Error as ErrorMessage,
  ErrorCode,
  type ErrorEvent,
  ReconnectStrategy,
} from "../proto/signal_pb.ts";

/** What a reason means for an agent. */
interface Meaning {
  code: string;
  /** Whether another join can succeed. */
  canJoin: boolean;
}

/** Reasons of an SFU that refers the agent to another one. */
const ELSEWHERE: Partial<Record<ErrorCode, string>> = {
  [ErrorCode.SFU_FULL]: "sfu-full",
  [ErrorCode.SFU_SHUTTING_DOWN]: "sfu-shutting-down",
  [ErrorCode.CALL_PARTICIPANT_LIMIT_REACHED]: "participant-limit",
};

const MEANINGS: Partial<Record<ErrorCode, Meaning>> = {
  [ErrorCode.LIVE_ENDED]: { code: "live-ended", canJoin: false },
  [ErrorCode.PARTICIPANT_NOT_FOUND]: { code: "not-found", canJoin: true },
  [ErrorCode.PARTICIPANT_SIGNAL_LOST]: { code: "not-found", canJoin: true },
  [ErrorCode.CALL_NOT_FOUND]: { code: "not-found", canJoin: true },
  [ErrorCode.REQUEST_VALIDATION_FAILED]: { code: "refused", canJoin: false },
  // New credentials repair it.
  [ErrorCode.UNAUTHENTICATED]: { code: "unauthorized", canJoin: true },
  [ErrorCode.PERMISSION_DENIED]: { code: "forbidden", canJoin: false },
  [ErrorCode.TOO_MANY_REQUESTS]: { code: "rate-limited", canJoin: true },
  [ErrorCode.INTERNAL_SERVER_ERROR]: { code: "sfu-failed", canJoin: true },
};

function meaningOf(code: ErrorCode): Meaning {
  const elsewhere = ELSEWHERE[code];
  if (elsewhere) return { code: elsewhere, canJoin: true };
  return MEANINGS[code] ?? { code: code >= 500 ? "sfu-failed" : "refused", canJoin: true };
}

function createError(
  error: Pick<ErrorMessage, "code" | "message"> | undefined,
  doing: string,
  retryable: (meaning: Meaning) => boolean,
): EdgeError {
  const code = error?.code ?? ErrorCode.UNSPECIFIED;
  const name = (ErrorCode as Record<number, string | undefined>)[code] ?? "an unknown reason";
  const text = withoutSecrets(error?.message || "refused");
  const message = `${doing}: ${text} (${code}, ${name})`;
  const meaning = meaningOf(code);
  const options = { code: meaning.code, retryable: retryable(meaning) };
  return code === ErrorCode.UNAUTHENTICATED || code === ErrorCode.PERMISSION_DENIED
    ? new AuthenticationError(message, options)
    : new ConnectionError(message, options);
}

/** Returns the error for a refused call, which can be repeated only where the SFU says so. */
export function rpcError(error: ErrorMessage, doing: string): EdgeError {
  return createError(error, doing, () => error.shouldRetry);
}

/** Returns the error for a refused join. */
export function joinError(
  { error, reconnectStrategy }: Pick<ErrorEvent, "error" | "reconnectStrategy">,
  doing: string,
): EdgeError {
  const isFinal = reconnectStrategy === ReconnectStrategy.DISCONNECT;
  return createError(
    error,
    doing,
    ({ canJoin }) => !isFinal && (canJoin || (error?.shouldRetry ?? false)),
  );
}

/** Returns the error for an event of the SFU in the middle of a call. */
export function eventError({ error }: Pick<ErrorEvent, "error">): EdgeError {
  return createError(error, "the SFU", () => error?.shouldRetry ?? false);
}

/** Whether the SFU refers the agent to another one. */
export function wantsElsewhere(error: unknown): boolean {
  return error instanceof EdgeError && Object.values(ELSEWHERE).includes(error.code);
}

/** The codes of errors that show a failing SFU. */
const UNWELL = ["timeout", "unreachable", "lost", "sfu-failed", "bad-response"];

/** Whether the next try asks for another SFU after this error. */
export function isToBeAvoided(error: unknown): boolean {
  return wantsElsewhere(error) || (error instanceof EdgeError && UNWELL.includes(error.code));
}

/** Returns the strategy that an SFU's error asks for; `undefined` for none. */
export function strategyOf(
  strategy: ReconnectStrategy,
): "fast" | "rejoin" | "migrate" | "leave" | undefined {
  switch (strategy) {
    case ReconnectStrategy.DISCONNECT:
      return "leave";
    case ReconnectStrategy.FAST:
      return "fast";
    case ReconnectStrategy.REJOIN:
      return "rejoin";
    case ReconnectStrategy.MIGRATE:
      return "migrate";
    default:
      return undefined;
  }
}
