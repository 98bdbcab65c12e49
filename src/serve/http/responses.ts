/** Answers of a worker over HTTP: JSON, and errors with a code. @module */

/** A request that is answered with an error. */
export class HttpError extends Error {
  /** The class's name. */
  override name = "HttpError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** Returns an answer that is not to be kept by anything on its way. */
export function respond(
  status: number,
  body: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(status === 204 ? null : body, {
    status,
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", ...headers },
  });
}

/** Returns an answer in JSON. */
export function json(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): Response {
  const type = { "content-type": "application/json; charset=utf-8" };
  return respond(status, `${JSON.stringify(value)}\n`, { ...type, ...headers });
}

/** Returns the answer of an error. */
export function errorResponse({ status, code, message, headers }: HttpError): Response {
  return json(status, { error: { code, message } }, headers);
}
