/** Requests of `node:http` as those of the web, and their answers. @module */
import type { IncomingMessage, ServerResponse } from "node:http";
import { describeError } from "../../events/error_text.ts";
import { errorResponse, HttpError } from "./responses.ts";

/** Methods that the web's requests cannot have. */
const UNKNOWN: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Answers a request with what `answer` makes of it. Never rejects. */
export async function answerNode(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (request: Request) => Promise<Response>,
): Promise<void> {
  try {
    const { status, headers, body } = UNKNOWN.has(request.method ?? "")
      ? errorResponse(new HttpError(405, "wrong-method", `${request.method} is not answered here`))
      : await answer(toRequest(request));
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
    ...hasBody ? { body: bodyOf(request), duplex: "half" } : {},
  } as RequestInit);
}

/**
 * The body, read only as far as it is wanted. `Readable.toWeb` throws, in no promise's reach, when more
 * arrives after its reader has given up, and so ends the program.
 */
function bodyOf(request: IncomingMessage): ReadableStream<Uint8Array> {
  let isOver = false;
  const once = (act: () => void) => () => {
    if (!isOver) act();
    isOver = true;
  };
  return new ReadableStream({
    start(controller) {
      request.pause();
      request.on("data", (piece: Uint8Array) => {
        request.pause();
        if (!isOver) controller.enqueue(new Uint8Array(piece));
      });
      request.on("end", once(() => controller.close()));
      const error = new TypeError("the request was cut off");
      request.on("close", once(() => controller.error(error)));
      request.on("error", once(() => controller.error(error)));
    },
    pull: () => void request.resume(),
    cancel: once(() => request.pause()),
  }, { highWaterMark: 0 });
}
