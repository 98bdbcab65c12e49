import { assert, assertEquals } from "@std/assert";
import { checkLimits, type LocalLimits } from "../../../src/edges/local/wire/limits.ts";
import type { ClientMessage } from "../../../src/edges/local/wire/signalling.ts";
import { Socket, type SocketEnd } from "../../../src/edges/local/child/socket.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { FakePage, hello } from "./fakes.ts";

function bench(limits: Partial<LocalLimits> = {}) {
  const clock = new VirtualClock();
  const page = new FakePage();
  const heard: ClientMessage[] = [];
  const ends: SocketEnd[] = [];
  const lines: string[] = [];
  const socket = new Socket(page, {
    clock,
    limits: checkLimits(limits),
    remote: "test",
    log: (line) => lines.push(line),
  });
  socket.listen({ onMessage: (message) => heard.push(message), onEnd: (end) => ends.push(end) });
  return { clock, page, socket, heard, ends, lines };
}

/** The code that the page was refused with. */
function refusal(page: FakePage): string | undefined {
  return page.last("refused")?.code;
}

Deno.test("messages that keep to the schemas arrive, others end the socket with a reason", () => {
  const { page, heard, ends, lines } = bench();
  page.say(hello("Ada"));
  assertEquals(heard.map(({ type }) => type), ["hello"]);
  page.say({ type: "sing" } as unknown as ClientMessage);
  assertEquals(refusal(page), "bad-message");
  assertEquals([page.closeCode, page.closeReason], [4001, "bad-message"]);
  assertEquals(ends, ["closed"]);
  assert(lines[0]?.includes("bad-message"), lines[0]);
});

Deno.test("what goes wrong in the server is not blamed on the page", () => {
  const { page, socket, lines } = bench();
  socket.listen({
    onMessage() {
      throw new TypeError("urls is no string");
    },
    onEnd() {},
  });
  page.say(hello("Ada"));
  assertEquals(refusal(page), "server-failed");
  assert(!page.last("refused")!.message.includes("urls"));
  assert(lines[0]?.includes("urls is no string"), lines[0]);
});

Deno.test("names with control or direction characters, empty and long ones are refused", () => {
  for (const name of ["", "  ", "a\nb", "a\u202Eb", "x".repeat(61)]) {
    const { page } = bench();
    page.say(hello(name));
    assertEquals(refusal(page), "bad-message", JSON.stringify(name));
  }
});

Deno.test("what is not text, not JSON or too large is refused", () => {
  for (
    const [data, code] of [
      [new Uint8Array(3), "bad-message"],
      ["{", "bad-message"],
      [" ".repeat(1001), "message-too-large"],
    ] as const
  ) {
    const { page } = bench({ messageSize: 1000 });
    page.say(data);
    assertEquals(refusal(page), code);
  }
});

Deno.test("too many messages a second are refused", () => {
  const { page, heard } = bench({ messagesPerSecond: 5 });
  for (let count = 0; count < 30; count++) page.say({ type: "ping", id: count });
  assertEquals(heard.length, 20);
  assertEquals(refusal(page), "too-many-messages");
});

Deno.test("a page that goes, one that breaks off and one that falls silent are told apart", async () => {
  for (
    const [code, wasClean, end] of [
      [1001, true, "left"],
      [1000, true, "left"],
      [1005, true, "broken"],
      [0, false, "broken"],
      [1006, false, "broken"],
    ] as const
  ) {
    const { page, ends } = bench();
    page.hangUp(code, wasClean);
    assertEquals(ends, [end]);
  }
  const { socket, page, ends, clock } = bench();
  socket.watch();
  await clock.advance(3000);
  page.say({ type: "ping", id: 1 });
  await clock.advance(3000);
  assertEquals(ends, []);
  await clock.advance(1000);
  assertEquals(ends, ["silent"]);
  assertEquals(clock.pending, 0);
});

Deno.test("a page that does not read is given up, and spared what it need not know", () => {
  const { socket, page } = bench();
  page.bufferedAmount = 100_000;
  socket.send({ type: "levels", levels: {} }, { optional: true });
  assertEquals(page.received, []);
  socket.send({ type: "pong", id: 1 });
  assertEquals(page.types(), ["pong"]);
  page.bufferedAmount = 2_000_000;
  socket.send({ type: "pong", id: 2 });
  assertEquals(refusal(page), "too-slow");
});
