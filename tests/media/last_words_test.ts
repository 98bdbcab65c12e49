import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LastWords } from "../../src/media/parent/last_words.ts";
import { until } from "../fixtures/until.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** A standard error that brings these pieces, and stays open or ends. */
function errors(
  pieces: (string | Uint8Array<ArrayBuffer>)[],
  { open = false } = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) {
        controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
      }
      if (!open) controller.close();
    },
  });
}

/** An output that does for each write what it is told, and takes everything after that. */
function output(...acts: ((bytes: Uint8Array) => number | Promise<number>)[]) {
  let written = "";
  return {
    get written() {
      return written;
    },
    async write(bytes: Uint8Array): Promise<number> {
      const count = await acts.shift()?.(bytes) ?? bytes.length;
      written += decoder.decode(bytes.subarray(0, count));
      return count;
    },
  };
}

Deno.test("LastWords passes on all of it, in order, also to an output that takes little", async () => {
  const out = output(() => 3, () => 1);
  const words = new LastWords(errors(["first ", "second ", "third"]), out);
  await words.ended();
  assertEquals(out.written, "first second third");
  assertEquals(words.text, "first second third");
});

Deno.test("LastWords ends although another process keeps the pipe open", async () => {
  const words = new LastWords(errors(["why"], { open: true }), output());
  await words.ended();
  assertEquals(words.text, "why");
});

Deno.test("LastWords tries again when the output takes nothing at the moment", async () => {
  const out = output(() => {
    throw new Deno.errors.WouldBlock("Resource temporarily unavailable");
  });
  await new LastWords(errors(["why"]), out).ended();
  assertEquals(out.written, "why");
});

Deno.test("LastWords keeps what it cannot pass on to an output that is closed", async () => {
  const out = output(() => {
    throw new Deno.errors.BrokenPipe();
  });
  const words = new LastWords(errors(["why"]), out);
  await words.ended();
  assertEquals([words.text, out.written], ["why", ""]);
});

Deno.test("LastWords drops what a blocked output cannot take, and says how much", async () => {
  const blocked = Promise.withResolvers<number>();
  const out = output(() => blocked.promise);
  const piece = new Uint8Array(1 << 16).fill(0x2e);
  const words = new LastWords(errors([...Array(20).fill(piece), "the end"]), out);
  await words.ended();
  assertStringIncludes(words.text, "the end");
  blocked.resolve(piece.length);
  await until("the note", () => out.written.includes("dropped"));
  assertMatch(out.written, /^\.+\n\((\d+) bytes of the media process's errors were dropped\)\n$/);
  const passed = out.written.lastIndexOf(".") + 1;
  const dropped = Number(/\d+/.exec(out.written)![0]);
  assertEquals(passed + dropped, 20 * piece.length + "the end".length);
});

Deno.test("LastWords lets the program go on while its standard error is blocked", async () => {
  const module = new URL("../../src/media/parent/last_words.ts", import.meta.url);
  const program = `
    import { LastWords } from ${JSON.stringify(module)};
    const script = "await Deno.stderr.writable.getWriter().write(new Uint8Array(1 << 20))";
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", script],
      stderr: "piped",
    }).spawn();
    const words = new LastWords(child.stderr);
    await child.status;
    await words.ended();
    console.log("went on");
  `;
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(decoder.decode(value), "went on\n");
  assertStringIncludes(await new Response(child.stderr).text(), "bytes of the media process's");
  await reader.cancel();
  assertEquals((await child.status).code, 0);
});
