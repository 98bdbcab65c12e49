/** Requests of `node:http` as those of the web, and their answers. @module */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { describeError } from "../../events/error_text.ts";

/** Answers a request with what `answer` makes of it. Never rejects. */
export async function answerNode(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (request: Request) => Promise<Response>,
): Promise<void> {
  try {
    const { status, headers, body } = await answer(toRequest(request));
    response.writeHead(status, Object.fromEntries(headers));
    for await (const piece of body ?? []) response.write(piece);
    // What a client still sends is not read: it might never end.
    response.end(() => request.complete || request.destroy());
  } catch (error) {
    console.error(`a request to the worker failed: ${describeError(error)}`);
    response.destroy();
  }
}

function toRequest(request: IncomingMessage): Request {
  const { method = "GET", url = "/" } = request;
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    // Those of HTTP/2 begin with a colon.
    if (value !== undefined && !name.startsWith(":")) headers.set(name, String(value));
  }
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(new URL(url, "http://worker"), {
    method,
    headers,
    ...hasBody ? { body: Readable.toWeb(request) as ReadableStream, duplex: "half" } : {},
  } as RequestInit);
}
