/**
 * Messages as lines of JSON, between a benchmark and the processes that it starts.
 *
 * @module
 */

import { describeError } from "../../src/events/error_text.ts";

/** Any message; each helper says which it knows. */
// deno-lint-ignore no-explicit-any
export type Message = any;

/** The messages of a stream of bytes, one a line. Lines that are no JSON are given to `stray`. */
export async function* messages(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  stray: (line: string) => void = () => {},
): AsyncGenerator<Message> {
  const parse = (line: string): Message => {
    try {
      return JSON.parse(line);
    } catch {
      stray(line);
      return undefined;
    }
  };
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const message = line ? parse(line) : undefined;
      if (message !== undefined) yield message;
    }
  }
}

/** In a helper: the messages of the process that started it. They end with it. */
export function receive(): AsyncGenerator<Message> {
  return messages(Deno.stdin.readable);
}

/** In a helper: sends one message to the process that started it. */
export function send(message: Message): void {
  const bytes = new TextEncoder().encode(JSON.stringify(message) + "\n");
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
}

/**
 * In a helper: passes each request to `respond` and sends back the result under the request's
 * name, or the error. Returns when the process that asks has ended.
 */
export async function respondToAll(respond: (message: Message) => Promise<Message>): Promise<void> {
  for await (const message of receive()) {
    try {
      send({ [message.ask]: await respond(message) });
    } catch (error) {
      send({ [message.ask]: null, error: describeError(error) });
    }
  }
}
