import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../../src/edge/errors.ts";
import { KeepaliveSocket, type SocketEnd } from "../../../src/edge/toolkit/keepalive_socket.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { RawSocket } from "../../fixtures/raw_socket.ts";

function fixture() {
  const clock = new VirtualClock();
  const raw = new RawSocket();
  const ends: SocketEnd[] = [];
  const messages: unknown[] = [];
  const opening = KeepaliveSocket.open("ws://nowhere", {
    name: "the socket",
    openTimeoutMs: 5000,
    keepalive: { intervalMs: 5000, message: () => "ping", silenceMs: 12_000 },
    onMessage: (data) => void messages.push(data),
    onEnd: (end) => void ends.push(end),
    clock,
    connect: () => raw,
  });
  return { clock, raw, ends, messages, opening };
}

Deno.test("KeepaliveSocket.open rejects and closes the socket when it does not open in time", async () => {
  const { clock, raw, opening, ends } = fixture();
  const error = await assertRejects(() => clock.until(opening), ConnectionError);
  assertEquals([error.code, error.retryable, clock.now()], ["timeout", true, 5000]);
  assertEquals([raw.closedWith, ends, clock.pending], [1000, [], 0]);
});

Deno.test("KeepaliveSocket.open rejects when the socket ends before it opens", async () => {
  const { clock, raw, opening } = fixture();
  raw.end(1006, "bye");
  const error = await assertRejects(() => opening, ConnectionError);
  assertEquals([error.code, clock.pending], ["unreachable", 0]);
});

Deno.test("KeepaliveSocket sends signs of life and ends after silenceMs without a message", async () => {
  const { clock, raw, opening, ends, messages } = fixture();
  raw.open();
  const socket = await opening;
  await clock.advance(11_000);
  raw.receive("here");
  raw.receive(new Uint8Array([7]));
  await clock.advance(11_999);
  assertEquals([ends, raw.sent.length], [[], 4]);
  await clock.advance(1);
  assertEquals(ends, [{ kind: "silent" }]);
  assertEquals(messages, ["here", new Uint8Array([7])]);
  raw.receive("late");
  assertEquals([messages.length, socket.isOpen, clock.pending], [2, false, 0]);
});

Deno.test("KeepaliveSocket calls onEnd once when the other side closes", async () => {
  const { raw, opening, ends, clock } = fixture();
  raw.open();
  const socket = await opening;
  raw.end(4000, "bye");
  raw.end(4000, "bye");
  assertEquals(ends, [
    { kind: "lost", code: 4000, reason: "bye", failure: "", isForbidden: false },
  ]);
  socket.send("nothing");
  await socket.close();
  assertEquals([raw.sent, clock.pending], [[], 0]);
});

Deno.test("KeepaliveSocket ends as slow when more than 1 MiB waits to be sent", async () => {
  const { raw, opening, ends } = fixture();
  raw.open();
  const socket = await opening;
  raw.bufferedAmount = 2 * 1024 * 1024;
  socket.send("more");
  assertEquals([ends, raw.sent], [[{ kind: "slow" }], []]);
});

Deno.test("KeepaliveSocket.close waits at most half a second for the other side", async () => {
  const { raw, opening, ends, clock } = fixture();
  raw.open();
  const socket = await opening;
  await clock.until(socket.close());
  assertEquals(ends, [{ kind: "closed" }]);
  assertEquals([raw.closedWith, clock.now(), clock.pending], [1000, 500, 0]);
});

Deno.test("KeepaliveSocket without keepalive sends nothing by itself and ignores silence", async () => {
  const clock = new VirtualClock();
  const raw = new RawSocket();
  const log: unknown[] = [];
  const socket = new KeepaliveSocket("ws://nowhere", {
    onOpen: () => void log.push("open"),
    onMessage: (data) => void log.push(data),
    onEnd: (end) => void log.push(end),
    clock,
    connect: () => raw,
  });
  socket.send("too early");
  raw.open();
  await clock.advance(3_600_000);
  assertEquals([socket.isOpen, raw.sent, log, clock.pending], [true, [], ["open"], 0]);
  raw.bufferedAmount = 7;
  assertEquals(socket.bufferedBytes, 7);
});

Deno.test("KeepaliveSocket tells how a socket ended that never opened, with the runtime's reason", () => {
  const raw = new RawSocket();
  const ends: SocketEnd[] = [];
  new KeepaliveSocket("ws://nowhere", {
    onMessage: () => {},
    onEnd: (end) => void ends.push(end),
    connect: () => raw,
  });
  const error = new Deno.errors.NotCapable("no --allow-net");
  const event = new ErrorEvent("error", { message: error.message, error, cancelable: true });
  raw.onerror?.(event);
  raw.end(1006);
  assertEquals(event.defaultPrevented, true, "a runtime would print it, with the address");
  assertEquals(ends, [
    { kind: "lost", code: 1006, reason: "", failure: "no --allow-net", isForbidden: true },
  ]);
});
