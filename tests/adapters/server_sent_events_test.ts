import { assertEquals, assertRejects } from "@std/assert";
import { serverSentEvents } from "../../src/adapters/openai/server_sent_events.ts";

/** What comes of bytes that arrive in pieces of `size`. */
async function read(bytes: Uint8Array<ArrayBuffer>, size = bytes.length): Promise<string[]> {
  async function* pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
  }
  return await Array.fromAsync(serverSentEvents(pieces()));
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("server-sent events are the same wherever the stream is cut", async () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const lines = [
      "\uFEFFdata: café 👋",
      "",
      ": a comment",
      "event: named",
      "id: 1",
      "data:one",
      "data:  two",
      "data",
      "",
      "retry: soon",
      "",
      "other: field",
      "data: last",
      "",
      "",
    ];
    const bytes = encode(lines.join(end));
    for (const size of [1, 2, 3, 5, 7, bytes.length]) {
      assertEquals(await read(bytes, size), ["café 👋", "one\n two\n", "last"]);
    }
  }
});

Deno.test("the last of the server-sent events counts without the line that ends it", async () => {
  for (const end of ["", "\n", "\r", "\r\n"]) {
    assertEquals(await read(encode(`data: a\n\ndata: b${end}`)), ["a", "b"]);
  }
  assertEquals(await read(new Uint8Array(0)), []);
});

Deno.test("a long server-sent event is read whole, and one that does not end is refused", async () => {
  const long = "x".repeat(3_900_000);
  assertEquals(await read(encode(`data: ${long}\n\n`), 65_536), [long]);
  const endless = encode(`data: first\n\ndata: ${long}${long}`);
  const got: string[] = [];
  await assertRejects(
    async () => {
      async function* pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
        for (let at = 0; at < endless.length; at += 65_536) yield endless.slice(at, at + 65_536);
      }
      for await (const data of serverSentEvents(pieces())) got.push(data);
    },
    RangeError,
    "at most 4000000 characters",
  );
  assertEquals(got, ["first"]);
});

Deno.test("server-sent events end with the stream's own error, and leaving closes the stream", async () => {
  const reason = new Error("aborted");
  async function* broken(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    yield encode("data: a\n\ndata: b\n\n");
    throw reason;
  }
  const got: string[] = [];
  const error = await assertRejects(async () => {
    for await (const data of serverSentEvents(broken())) got.push(data);
  });
  assertEquals([got, error], [["a", "b"], reason]);

  let isClosed = false;
  async function* endless(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      for (;;) yield encode("data: a\n\n");
    } finally {
      isClosed = true;
    }
  }
  for await (const data of serverSentEvents(endless())) {
    assertEquals(data, "a");
    break;
  }
  assertEquals(isClosed, true);
});
