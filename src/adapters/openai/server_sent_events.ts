/** A reader of server-sent events. @module */

import { createParser } from "eventsource-parser";

/** The longest event, in characters. */
const MAX_EVENT_CHARS = 4_000_000;

/**
 * Yields the data of each server-sent event in a stream of bytes. The last event counts even where
 * the blank line that should end it is missing.
 *
 * @throws {RangeError} an event is longer than 4,000,000 characters and has not ended.
 */
export async function* serverSentEvents(
  bytes: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let events: string[] = [];
  let isTooLong = false;
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARS,
    onEvent: ({ data }) => void events.push(data),
    onError: ({ type }) => void (isTooLong ||= type === "max-buffer-size-exceeded"),
  });
  function* read(text: string): Generator<string, void, void> {
    parser.feed(text);
    const found = events;
    events = [];
    yield* found;
    if (isTooLong) {
      throw new RangeError(
        `expected server-sent events of at most ${MAX_EVENT_CHARS} characters, got a longer one`,
      );
    }
  }
  for await (const chunk of bytes) yield* read(decoder.decode(chunk, { stream: true }));
  yield* read(`${decoder.decode()}\n\n`);
}
