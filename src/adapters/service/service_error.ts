/** The errors that services state, in whatever form they state them. @module */

/** The most characters of a reason in an error. */
const MAX_REASON_CHARS = 500;

/** What a service says of an error. */
export interface StatedError {
  /** Its text, shortened. */
  readonly reason: string;
  /** The HTTP status, where it names one. */
  readonly status?: number;
}

/**
 * Returns the reason that a text states: usually it is JSON with a message, in one of a few forms,
 * otherwise the text is the reason.
 */
export function reasonOf(text: string): string {
  try {
    const stated = statedError(JSON.parse(text));
    if (stated) return stated.reason;
  } catch {
    // Not JSON.
  }
  return shorten(text);
}

/**
 * Returns the error in a value: `{ error: { message } }`, `{ error: "text" }`, `{ message }`,
 * `{ detail }` as a text or with a message, `{ err_msg }`, a list of one of them; `undefined` where there is none.
 */
export function statedError(value: unknown): StatedError | undefined {
  if (Array.isArray(value)) return statedError(value[0]);
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  const { error } = fields;
  if (typeof error === "string") return { reason: shorten(error), ...statusOf(fields) };
  if (typeof error === "object" && error !== null) {
    const inner = error as Readonly<Record<string, unknown>>;
    return { reason: textOf(inner) ?? shorten(JSON.stringify(error)), ...statusOf(inner) };
  }
  const reason = textOf(fields);
  return reason === undefined ? undefined : { reason, ...statusOf(fields) };
}

/** Whether another try can succeed after this status. */
export function isRetryable(status: number): boolean {
  return status === 429 || status === 408 || status >= 500;
}

/** Returns the code of an error with this status. */
export function codeOf(status: number): string {
  return status === 429 ? "rate-limited" : status === 401 ? "unauthorized" : "refused";
}

function textOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  const { message, detail, err_msg, metadata } = fields;
  if (typeof detail === "object" && detail !== null && !Array.isArray(detail)) {
    return textOf(detail as Readonly<Record<string, unknown>>);
  }
  const text = [message, detail, err_msg].find((one) => typeof one === "string" && one !== "");
  // A service in front of others adds what those said.
  const raw = (metadata as { raw?: unknown } | null | undefined)?.raw;
  if (typeof text !== "string") return undefined;
  return shorten(typeof raw === "string" ? `${text}: ${raw}` : text);
}

function statusOf({ status, code }: Readonly<Record<string, unknown>>): { status?: number } {
  const found = [code, status].map(Number).find((one) => one >= 400 && one < 600);
  return found === undefined ? {} : { status: found };
}

function shorten(text: string): string {
  return text.trim().slice(0, MAX_REASON_CHARS);
}
