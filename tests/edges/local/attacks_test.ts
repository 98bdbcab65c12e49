/** Clients without a link, on raw TCP: they take what they can and answer nothing. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { selfSignedCertificate } from "../../../src/edges/local/certificate.ts";
import { Listener } from "../../../src/edges/local/child/listener.ts";
import { PROTOCOL_VERSION } from "../../../src/edges/local/wire/signalling.ts";
import { hello } from "./fakes.ts";
import { CALL, ServerFixture } from "./server_fixture.ts";

/** A TCP connection of a client that keeps to no protocol. */
class Attacker implements Disposable {
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(origin: string): Promise<Attacker> {
    const { hostname, port } = new URL(origin);
    return new Attacker(await Deno.connect({ hostname, port: Number(port) }));
  }

  /** Opens a WebSocket, and reads nothing but its first response. */
  static async upgrade(origin: string): Promise<Attacker> {
    const attacker = await Attacker.open(origin);
    await attacker.send([
      "GET /signal HTTP/1.1",
      `Host: ${new URL(origin).host}`,
      `Origin: ${origin}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "\r\n",
    ].join("\r\n"));
    assertMatch(await attacker.read(), /^HTTP\/1.1 101 /);
    return attacker;
  }

  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  async read(): Promise<string> {
    const buffer = new Uint8Array(4096);
    const count = await this.#connection.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  }

  /** Returns all that the server sends until it ends the connection. */
  async readAll(): Promise<string> {
    let all = "";
    try {
      for (let more; (more = await this.read()) !== ""; all += more);
    } catch {
      // A reset is an end too.
    }
    return all;
  }

  /** Resolves when the server has ended the connection, whatever it sent before. */
  async ended(): Promise<void> {
    const buffer = new Uint8Array(4096);
    try {
      while (await this.#connection.read(buffer) !== null);
    } catch {
      // A reset is an end too.
    }
  }

  /** Sends pieces until the server ends the connection; returns how many bytes left. */
  async flood(piece: Uint8Array, most: number): Promise<number> {
    let sent = 0;
    try {
      for (; sent < most; sent += piece.length) await this.send(piece);
    } catch {
      // It ended.
    }
    return sent;
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // It ended before.
    }
  }
}

/** A frame of a WebSocket client, masked with zeros. */
function frame(opcode: number, length: number, fin: boolean): Uint8Array {
  const head = new Uint8Array(14);
  head[0] = (fin ? 0x80 : 0) | opcode;
  head[1] = 0x80 | 127;
  new DataView(head.buffer).setBigUint64(2, BigInt(length));
  return head;
}

async function assertJoins(fixture: ServerFixture, name: string): Promise<void> {
  const page = await fixture.open();
  page.say(hello(name, CALL));
  await page.next("welcome");
}

Deno.test("512 sockets that say nothing and answer no close keep no participant out", async () => {
  const clock = new VirtualClock();
  await using fixture = await ServerFixture.open({}, clock);
  await fixture.join();
  using stack = new DisposableStack();
  await assertJoins(fixture, "Ada");
  const attackers = [];
  for (let count = 0; count < 512; count++) {
    attackers.push(stack.use(await Attacker.upgrade(fixture.origin)));
  }
  await assertJoins(fixture, "Grace");
  // The limit of the hello, and that of the close.
  await clock.advance(5000);
  await clock.advance(2000);
  await Promise.all(attackers.map((attacker) => attacker.ended()));
  await assertJoins(fixture, "Linus");
});

Deno.test("a socket sends 4 KiB before its hello, in one message or in many pieces", async () => {
  await using fixture = await ServerFixture.open();
  await fixture.join();
  const most = 64 << 20;
  using whole = await Attacker.upgrade(fixture.origin);
  await whole.send(frame(1, most, true));
  // What the kernels of both ends hold has left, too.
  const buffered = 16 << 20;
  assert(await whole.flood(new Uint8Array(65_536), most) < buffered);
  await whole.ended();

  using pieces = await Attacker.upgrade(fixture.origin);
  await pieces.send(frame(1, 1024, false));
  await pieces.send(new Uint8Array(1024));
  const piece = new Uint8Array([...frame(0, 1024, false), ...new Uint8Array(1024)]);
  assert(await pieces.flood(piece, most) < buffered);
  await pieces.ended();

  // The longest hello that an honest page says.
  const page = await fixture.open();
  const long = { ...CALL, secret: "x".repeat(2048), callId: "\u{1F600}".repeat(100) };
  page.say(hello("\u{1F600}".repeat(30), long));
  assertEquals((await page.next("rejected")).code, "wrong-link");
});

Deno.test("half-sent requests end", async () => {
  const clock = new VirtualClock();
  await using fixture = await ServerFixture.open({}, clock);
  using stack = new DisposableStack();
  const { host } = new URL(fixture.origin);
  const halves = [
    "",
    "GET / HT",
    `GET / HTTP/1.1\r\nHost: ${host}\r\n`,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000\r\n\r\nabc`,
  ];
  const attackers = [];
  for (const half of halves) {
    const attacker = stack.use(await Attacker.open(fixture.origin));
    await attacker.send(half);
    attackers.push(attacker);
  }
  // The last one has arrived when a later request is answered.
  await (await fetch(fixture.origin)).body?.cancel();
  await clock.advance(30_000);
  await Promise.all(attackers.map((attacker) => attacker.ended()));
});

Deno.test("an upgrade to what is no address ends that connection only", async () => {
  await using fixture = await ServerFixture.open();
  const { origin } = fixture;
  for (
    const path of ["//[", "http://", "//:99999", "/\\[", "//a:b@c:x/", `//[${"a".repeat(9000)}`]
  ) {
    using attacker = await Attacker.open(origin);
    await attacker.send([
      `GET ${path} HTTP/1.1`,
      `Host: ${new URL(origin).host}`,
      `Origin: ${origin}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      "\r\n",
    ].join("\r\n"));
    await attacker.ended();
  }
  const response = await fetch(`${origin}/`);
  assertEquals(response.status, 200);
  await response.body?.cancel();
});

Deno.test("a client that sends thousands of requests at a time is cut off", async () => {
  await using fixture = await ServerFixture.open();
  const { origin } = fixture;
  using attacker = await Attacker.open(origin);
  const request = `GET / HTTP/1.1\r\nHost: ${new URL(origin).host}\r\n\r\n`;
  await attacker.send(request.repeat(2000)).catch(() => {});
  const answers = (await attacker.readAll()).split("HTTP/1.1 ").length - 1;
  assert(answers <= 1, `${answers} answers`);
  const response = await fetch(`${origin}/`);
  assertEquals(response.status, 200);
  await response.body?.cancel();
});

/** A listener whose requests and bytes of bodies are counted. */
async function countingListener(tls: { cert: string; key: string } | undefined) {
  const counts = { requests: 0, bodyBytes: 0 };
  const listener = await Listener.open({
    host: "127.0.0.1",
    port: 0,
    tls,
    onConnection() {},
    onRequest(request, response) {
      counts.requests++;
      request.on("data", (piece) => counts.bodyBytes += piece.length);
      // The longest body: its sender waits for an answer, and gets none.
      if (request.method === "GET") response.end();
    },
    onUpgrade() {},
    onError() {},
    onLost() {},
  });
  /** Sends pieces over connections of their own, and waits for their ends. */
  const send = async (pieces: Uint8Array[], connections: number): Promise<void> => {
    const address = { hostname: "127.0.0.1", port: listener.port };
    await Promise.all(Array.from({ length: connections }, async () => {
      using connection = tls
        ? await Deno.connectTls({ ...address, caCerts: [tls.cert] })
        : await Deno.connect(address);
      try {
        for (const piece of pieces) await connection.write(piece);
        while (await connection.read(new Uint8Array(4096)) !== null);
      } catch {
        // A reset is an end too.
      }
    }));
  };
  return { counts, send, close: () => listener.close() };
}

Deno.test("thousands of requests at a time are not even parsed, over TCP or TLS", async () => {
  const { cert, key } = await selfSignedCertificate(["127.0.0.1"]);
  for (const tls of [undefined, { cert, key }]) {
    const { counts, send, close } = await countingListener(tls);
    await send([new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500))], 20);
    assert(counts.requests <= 20, `${counts.requests} requests`);
    await close();
  }
});

Deno.test("no byte of a body is parsed, over TCP or TLS", async () => {
  const { cert, key } = await selfSignedCertificate(["127.0.0.1"]);
  const encoder = new TextEncoder();
  const head = "POST / HTTP/1.1\r\nHost: x\r\n";
  const chunked = encoder.encode(`${head}Transfer-Encoding: chunked\r\n\r\n`);
  const chunks = encoder.encode("1\r\na\r\n".repeat(2000));
  const long = encoder.encode(`${head}Content-Length: 100000000000\r\n\r\n`);
  for (const tls of [undefined, { cert, key }]) {
    const { counts, send, close } = await countingListener(tls);
    await send([chunked, chunks], 5);
    await send([new Uint8Array([...chunked, ...chunks])], 5);
    await send([long, new Uint8Array(60_000)], 5);
    assertEquals(counts.bodyBytes, 0);
    await close();
  }
});

Deno.test("a request that announces a body is refused, and its connection ends", async () => {
  await using fixture = await ServerFixture.open();
  const { origin } = fixture;
  for (const header of ["Content-Length: 5", "Transfer-Encoding: chunked"]) {
    using attacker = await Attacker.open(origin);
    await attacker.send(`POST / HTTP/1.1\r\nHost: ${new URL(origin).host}\r\n${header}\r\n\r\n`);
    assertMatch(await attacker.readAll(), /^HTTP\/1.1 413 /);
  }
  using honest = await Attacker.open(origin);
  const empty = `GET / HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nContent-Length: 0\r\n\r\n`;
  await honest.send(empty);
  assertMatch(await honest.read(), /^HTTP\/1.1 200 /);
});

/** Ten thousand frames of a client, each empty. */
function emptyFrames(firstByte: number): Uint8Array {
  const frames = new Uint8Array(60_000);
  for (let at = 0; at < frames.length; at += 6) frames.set([firstByte, 0x80], at);
  return frames;
}

/** A short message of a client, masked with zeros. */
function textFrame(message: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(message));
  const head = [0x81, 0x80 | 126, text.length >> 8, text.length & 255, 0, 0, 0, 0];
  return new Uint8Array([...head, ...text]);
}

Deno.test("a page that floods its socket with empty frames is cut off, in a call and after it", async () => {
  // No time passes here: what ends the connections is what they send.
  await using fixture = await ServerFixture.open({}, new VirtualClock());
  await fixture.join();
  const floods = {
    pings: emptyFrames(0x89),
    pongs: emptyFrames(0x8a),
    fragments: new Uint8Array([0x01, 0x80, 0, 0, 0, 0, ...emptyFrames(0x00)]),
  };
  const { callType, callId, secret } = CALL;
  const first = {
    hello: hello("Mallory", CALL),
    look: { type: "look", version: PROTOCOL_VERSION, callType, callId, secret },
    nonsense: "nonsense",
  };
  for (const message of Object.values(first)) {
    for (const flood of Object.values(floods)) {
      using attacker = await Attacker.upgrade(fixture.origin);
      await attacker.send(textFrame(message));
      await attacker.read();
      await attacker.send(flood).catch(() => {});
      await attacker.ended();
    }
  }
  await assertJoins(fixture, "Ada");
});
