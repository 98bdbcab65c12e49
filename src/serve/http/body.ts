/** The body of a request, within limits. @module */
import type { Clock } from "../../events/clock.ts";
import { waitFor } from "../../events/waiting.ts";
import { HttpError } from "./responses.ts";

/** How long a body may take. */
const BODY_MS = 5000;

/** Reads a request's body; rejects with an {@linkcode HttpError} where it is too large, or does not come. */
export async function readBody(
  request: Request,
  { maxBytes, clock }: { maxBytes: number; clock: Clock },
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const limit = { timeoutMs: BODY_MS, clock };
    return await waitFor(read(request, maxBytes), "the request's body", limit);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(408, "body-incomplete", "the request's body did not arrive");
  }
}

async function read(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = new HttpError(413, "body-too-large", `a body has at most ${maxBytes} bytes`, {
    connection: "close",
  });
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of request.body ?? []) {
    size += piece.byteLength;
    if (size > maxBytes) throw tooLarge;
    pieces.push(piece);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
