import { assert, assertEquals } from "@std/assert";
import { checkLimits, type LocalLimits } from "../../../src/edges/local/wire/limits.ts";
import type { ClientMessage } from "../../../src/edges/local/wire/signalling.ts";
import { type PageSocketEnd, Socket } from "../../../src/edges/local/child/socket.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { FakePage, hello } from "./fakes.ts";

function fixture(limits: Partial<LocalLimits> = {}) {
  const clock = new VirtualClock();
  const page = new FakePage();
  const heard: ClientMessage[] = [];
  const ends: PageSocketEnd[] = [];
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
function rejectionCode(page: FakePage): string | undefined {
  return page.last("rejected")?.code;
}

Deno.test("Socket passes messages of the schemas, and closes with a reason on others", () => {
  const { page, heard, ends, lines } = fixture();
  page.say(hello("Ada"));
  assertEquals(heard.map(({ type }) => type), ["hello"]);
  page.say({ type: "sing" } as unknown as ClientMessage);
  assertEquals(rejectionCode(page), "bad-message");
  assertEquals([page.closeCode, page.closeReason], [4001, "bad-message"]);
  assertEquals(ends, ["closed"]);
  assert(lines[0]?.includes("bad-message"), lines[0]);
});

Deno.test("Socket reports a failed handler as server-failed", () => {
  const { page, socket, lines } = fixture();
  socket.listen({
    onMessage() {
      throw new TypeError("urls is no string");
    },
    onEnd() {},
  });
  page.say(hello("Ada"));
  assertEquals(rejectionCode(page), "server-failed");
  assert(!page.last("rejected")!.message.includes("urls"));
  assert(lines[0]?.includes("urls is no string"), lines[0]);
});

Deno.test("Socket rejects names with control or direction characters, empty and long ones", () => {
  for (const name of ["", "  ", "a\nb", "a\u202Eb", "x".repeat(61)]) {
    const { page } = fixture();
    page.say(hello(name));
    assertEquals(rejectionCode(page), "bad-message", JSON.stringify(name));
  }
});

Deno.test("Socket rejects what is not text, not JSON or too large", () => {
  for (
    const [data, code] of [
      [new Uint8Array(3), "bad-message"],
      ["{", "bad-message"],
      [" ".repeat(1001), "message-too-large"],
    ] as const
  ) {
    const { page } = fixture({ messageSize: 1000 });
    page.say(data);
    assertEquals(rejectionCode(page), code);
  }
});

Deno.test("Socket rejects too many messages a second", () => {
  const { page, heard } = fixture({ messagesPerSecond: 5 });
  for (let count = 0; count < 30; count++) page.say({ type: "ping", id: count });
  assertEquals(heard.length, 20);
  assertEquals(rejectionCode(page), "too-many-messages");
});

Deno.test("Socket distinguishes pages that leave, break off and fall silent", async () => {
  for (
    const [code, wasClean, end] of [
      [1001, true, "left"],
      [1000, true, "left"],
      [1005, true, "broken"],
      [0, false, "broken"],
      [1006, false, "broken"],
    ] as const
  ) {
    const { page, ends } = fixture();
    page.hangUp(code, wasClean);
    assertEquals(ends, [end]);
  }
  const { socket, page, ends, clock } = fixture();
  socket.watch();
  await clock.advance(3000);
  page.say({ type: "ping", id: 1 });
  await clock.advance(3000);
  assertEquals(ends, []);
  await clock.advance(1000);
  assertEquals(ends, ["silent"]);
  assertEquals(clock.pending, 0);
});

Deno.test("Socket closes on a page that does not read, and spares it optional messages first", () => {
  const { socket, page } = fixture();
  page.bufferedAmount = 100_000;
  socket.send({ type: "audioLevels", levels: {} }, { optional: true });
  assertEquals(page.received, []);
  socket.send({ type: "pong", id: 1 });
  assertEquals(page.types(), ["pong"]);
  page.bufferedAmount = 2_000_000;
  socket.send({ type: "pong", id: 2 });
  assertEquals(rejectionCode(page), "too-slow");
});
