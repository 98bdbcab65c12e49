/** More than this without an end is no event. */
const MAX_EVENT_CHARS = 4_000_000;

/** The data of each server-sent event in a stream of bytes. */
export async function* serverSentEvents(
  bytes: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  let data: string[] = [];
  for await (const chunk of bytes) {
    rest += decoder.decode(chunk, { stream: true });
    // A line's end may be cut in two: what follows a lone "\r" is not known yet.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    if (rest.length > MAX_EVENT_CHARS) throw new RangeError("an event that does not end");
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield data.join("\n");
        data = [];
      } else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    }
  }
  if (rest.startsWith("data:")) data.push(rest.slice(5).trim());
  if (data.length > 0) yield data.join("\n");
}
