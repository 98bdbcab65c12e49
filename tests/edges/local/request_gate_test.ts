import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { Socket as TcpSocket } from "node:net";
import fc from "fast-check";
import { RequestGate } from "../../../src/edges/local/child/request_gate.ts";

const REQUEST = "GET /app.js HTTP/1.1\r\nHost: x\r\n\r\n";

/** An answer that was sent. */
const answer = () => ({ writableEnded: true, shouldKeepAlive: true });

/** A gate on a connection, whose parser knows only what reaches it. */
function fixture() {
  const tcp = Object.assign(new EventEmitter(), {
    destroyed: false,
    destroy() {
      this.destroyed = true;
    },
  });
  let parsed = "";
  tcp.on("data", (piece: Buffer) => parsed += piece.toString("latin1"));
  const gate = new RequestGate(tcp as unknown as TcpSocket);
  return {
    gate,
    /** Sends a piece; returns whether the connection has outlived it. */
    send(text: string): boolean {
      if (!tcp.destroyed) tcp.emit("data", Buffer.from(text, "latin1"));
      return !tcp.destroyed;
    },
    /** What the parser has read, without the zeros that end it. */
    get parsed() {
      return parsed.replaceAll("\0", "");
    },
  };
}

Deno.test("RequestGate passes requests of any length one after another, in any pieces", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(2000), fc.infiniteStream(fc.integer({ min: 1, max: 500 }))), {
      maxLength: 5,
    }),
    (requests) => {
      const { gate, send } = fixture();
      for (const [length, sizes] of requests) {
        let rest = `GET / HTTP/1.1\r\nCookie: ${"c".repeat(length)}\r\n\r\n`;
        for (const size of sizes) {
          assertEquals(send(rest.slice(0, size)), true);
          rest = rest.slice(size);
          if (rest === "") break;
        }
        gate.respondsWith(answer());
      }
    },
  ));
});

Deno.test("RequestGate lets no byte after a request's headers reach the parser before the answer", () => {
  const tooMuch = {
    "a body": "POST / HTTP/1.1\r\nContent-Length: 100000000000\r\n\r\n|x",
    "chunks": "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n|1\r\na\r\n",
    "another request": `${REQUEST}|${REQUEST}`,
    "lines that end otherwise": `GET / HTTP/1.1\nHost: x\n\n|${REQUEST}`,
    "mixed ends of lines": `GET / HTTP/1.1\r\nHost: x\r\n\n|${REQUEST}`,
    "empty lines": "\r\n\r\n|\r\n",
  };
  for (const [name, text] of Object.entries(tooMuch)) {
    const [first, more] = text.split("|") as [string, string];
    const whole = fixture();
    assertEquals(whole.send(first + more), false, name);
    assertEquals(whole.parsed, "", name);
    for (const response of [undefined, { ...answer(), writableEnded: false }]) {
      const split = fixture();
      assertEquals(split.send(first), true, name);
      if (response) split.gate.respondsWith(response);
      assertEquals(split.send(more), false, name);
      assertEquals(split.parsed, first, name);
    }
  }
});

Deno.test("RequestGate ends a connection whose headers, or requests in all, are too long", () => {
  const endless = fixture();
  assertEquals(endless.send("GET / HTTP/1.1\r\n"), true);
  let lines = 0;
  while (endless.send("a: 1\r\n")) lines++;
  assertEquals(lines < 16_384 / 6, true);

  const busy = fixture();
  let requests = 0;
  for (; busy.send(REQUEST); requests++) busy.gate.respondsWith(answer());
  assertEquals(requests, Math.floor(256 * 1024 / REQUEST.length));
});

Deno.test("RequestGate has an answer say that it is the last one long before it ends the connection", () => {
  const { gate, send } = fixture();
  const kept: boolean[] = [];
  while (send(REQUEST)) {
    const response = answer();
    gate.respondsWith(response);
    kept.push(response.shouldKeepAlive);
  }
  const last = kept.indexOf(false);
  assertEquals(last, Math.floor(128 * 1024 / REQUEST.length));
  assertEquals(kept.slice(last).includes(true), false);
});

Deno.test("RequestGate lets all of another protocol pass", () => {
  const { gate, send } = fixture();
  assertEquals(send(REQUEST), true);
  gate.open();
  assertEquals(send("x".repeat(1 << 20)), true);
});
