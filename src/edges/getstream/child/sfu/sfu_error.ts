/** Errors for the refusals of an SFU. @module */
import {
  AuthenticationError,
  ConnectionError,
  EdgeError,
  type EdgeErrorOptions,
} from "@ringline/edge/toolkit";
import { type Error as ErrorMessage, ReconnectStrategy } from "../proto/signal_pb.ts";
import { withoutSecrets } from "../../wire/service_errors.ts";

/** Stream's numbers for an SFU that refers the agent to another one. */
const ELSEWHERE: Record<number, string> = {
  700: "sfu-full",
  600: "sfu-shutting-down",
  301: "participant-limit",
};

const STATUS: Record<number, { code: string; retryable: boolean }> = {
  401: { code: "unauthorized", retryable: true },
  403: { code: "forbidden", retryable: false },
  404: { code: "not-found", retryable: true },
  429: { code: "rate-limited", retryable: true },
};

/** Returns the error for an SFU's refusal; new credentials can repair a 401. */
export function sfuError(
  error: Pick<ErrorMessage, "code" | "message" | "shouldRetry"> | undefined,
  doing: string,
): EdgeError {
  const number = error?.code ?? 0;
  const text = withoutSecrets(error?.message || "refused");
  const message = `${doing}: ${text} (${number})`;
  const elsewhere = ELSEWHERE[number];
  if (elsewhere) return new ConnectionError(message, { code: elsewhere, retryable: true });
  const options: EdgeErrorOptions = STATUS[number] ??
    { code: number >= 500 ? "sfu-failed" : "refused", retryable: true };
  return number === 401 || number === 403
    ? new AuthenticationError(message, options)
    : new ConnectionError(message, options);
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
