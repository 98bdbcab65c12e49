import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { typescriptKernel } from "../../../src/audio/typescript_kernel.ts";
import { LocalChild } from "../../../src/edges/local/child/local_child.ts";
import { checkSettings, type LocalServerOptions } from "../../../src/edges/local/settings.ts";
import { settingsToJson } from "../../../src/edges/local/wire/settings.ts";
import { EdgeError } from "../../../src/edge/errors.ts";
import type { JsonValue } from "../../../src/edge/types.ts";
import { systemClock } from "../../../src/events/clock.ts";
import type { AgentConnection } from "../../../src/media/child/contract.ts";
import type { PeerOptions } from "../../../src/media/webrtc/peer.ts";
import { FakeAudio, FakePeer, FakePort, hello } from "./fakes.ts";
import { hasLoopback6 } from "./network.ts";

const SECRET = "A".repeat(22);
const CALL = { callType: "default", callId: "kitchen", secret: SECRET };

/** A host with real sockets and no WebRTC, with one call. */
class Bench implements AsyncDisposable {
  readonly notices: JsonValue[] = [];
  readonly lines: string[] = [];
  readonly peers: FakePeer[] = [];
  readonly host: LocalChild;
  readonly origin: string;
  readonly #sockets: WebSocket[] = [];

  constructor(options: LocalServerOptions = {}) {
    this.host = new LocalChild({
      config: settingsToJson(checkSettings(options)),
      clock: systemClock,
      kernel: typescriptKernel(),
      send: (message) => this.notices.push(message),
      log: (_level, line) => this.lines.push(line),
    }, () => ({ audio: new FakeAudio(), createPeer: (options) => this.#createPeer(options) }));
    this.origin = this.host.origin;
  }

  #createPeer(options: PeerOptions): FakePeer {
    const peer = new FakePeer(options);
    this.peers.push(peer);
    return peer;
  }

  /** An agent joins the call. */
  async join(port = new FakePort(1)): Promise<FakePort> {
    await this.host.join(port as unknown as AgentConnection, CALL);
    return port;
  }

  /** A page's socket, opened as a browser would from this origin. */
  async open(origin = this.origin, headers: Record<string, string> = {}): Promise<Page> {
    const socket = new WebSocket(`${this.origin.replace("http", "ws")}/signal`, {
      headers: { origin, ...headers },
    });
    this.#sockets.push(socket);
    const page = new Page(socket);
    await page.opened;
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.goodbye();
    for (const socket of this.#sockets) socket.close();
    await this.host.close();
  }
}

/** A page's end: what came, and how it closed. */
class Page {
  readonly opened: Promise<void>;
  readonly closed: Promise<{ code: number; reason: string }>;
  // deno-lint-ignore no-explicit-any
  readonly received: any[] = [];
  #waiting: (() => void)[] = [];

  constructor(readonly socket: WebSocket) {
    const opened = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<{ code: number; reason: string }>();
    [this.opened, this.closed] = [opened.promise, closed.promise];
    opened.promise.catch(() => {});
    socket.onopen = () => opened.resolve();
    socket.onerror = () => opened.reject(new Error("the socket failed"));
    socket.onmessage = ({ data }) => {
      this.received.push(JSON.parse(data));
      for (const wake of this.#waiting.splice(0)) wake();
    };
    socket.onclose = ({ code, reason }) => closed.resolve({ code, reason });
  }
  say(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }
  /** The first message of this type, now or soon. */
  // deno-lint-ignore no-explicit-any
  async next(type: string): Promise<any> {
    for (;;) {
      const found = this.received.find((message) => message.type === type);
      if (found) return found;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const came = this.received.map((message) => message.type).join(", ") || "nothing";
      const limit = setTimeout(() => reject(new Error(`no "${type}" came, but ${came}`)), 5000);
      await promise.finally(() => clearTimeout(limit));
    }
  }
}

/** The code of a raw HTTP answer, since `fetch` would not let us lie about Host. */
async function status(origin: string, headers: string[], path = "/"): Promise<string> {
  const { hostname, port } = new URL(origin);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [`GET ${path} HTTP/1.1`, ...headers, "Connection: close", "", ""];
  await connection.write(new TextEncoder().encode(lines.join("\r\n")));
  const answer = await new Response(connection.readable).text();
  return answer.slice(9, 12);
}

Deno.test("the page and its files come with a strict policy and nothing from elsewhere", async () => {
  await using bench = new Bench();
  for (const path of ["/", "/call/default/kitchen", "/app.js", "/client.js", "/style.css"]) {
    const response = await fetch(bench.origin + path);
    assertEquals(response.status, 200, path);
    const policy = response.headers.get("content-security-policy")!;
    assertMatch(policy, /^default-src 'none'/);
    assert(!/unsafe|https?:|\*/.test(policy), policy);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    const text = await response.text();
    if (!path.endsWith(".js") && !path.endsWith(".css")) {
      assert(!/ style=| on\w+=|<style|<script>/.test(text), `${path} has something inline`);
      for (const [, file] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
        const linked = await fetch(bench.origin + file);
        assertEquals(linked.status, 200, file);
        await linked.body?.cancel();
      }
    }
    for (const [, file] of text.matchAll(/ from "\.(\/[^"]+)"/g)) {
      const imported = await fetch(bench.origin + file);
      assertEquals(imported.status, 200, file);
      await imported.body?.cancel();
    }
  }
  const missing = await fetch(`${bench.origin}/nothing`);
  assertEquals(missing.status, 404);
  await missing.body?.cancel();
});

Deno.test("another name than the server's own is refused, whatever is asked for", async () => {
  await using bench = new Bench();
  const { host } = new URL(bench.origin);
  assertEquals(await status(bench.origin, [`Host: ${host}`]), "200");
  assertEquals(await status(bench.origin, ["Host: evil.example"]), "403");
  assertEquals(await status(bench.origin, ["Host: 127.0.0.1"]), "403");
  const upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
  assertEquals(await status(bench.origin, [`Host: ${host}`, ...upgrade], "/signal"), "403");
  assert(bench.lines.some((line) => line.includes("wrong-host")), bench.lines.join());
});

Deno.test("a socket of a foreign page is refused, one of a listed page is taken", async () => {
  await using bench = new Bench({ origins: ["https://example.org"] });
  await bench.join();
  for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
    let opened = true;
    await bench.open(origin).catch(() => opened = false);
    assert(!opened, origin);
  }
  assert(bench.lines.some((line) => line.includes("wrong-origin")));
  const page = await bench.open("https://example.org");
  page.say(hello("Ada", CALL));
  await page.next("welcome");
});

Deno.test("only a browser on this machine is offered the machine's own addresses", async () => {
  const here = "candidate:1 1 udp 1 192.0.2.2 5000 typ host";
  const isOffered = async (
    options: LocalServerOptions,
    { headers, origin }: { headers?: Record<string, string>; origin?: string } = {},
  ): Promise<boolean> => {
    await using bench = new Bench(options);
    await bench.join();
    const page = await bench.open(origin, headers);
    page.say(hello("Ada", CALL));
    await page.next("offer");
    bench.peers[0]!.options.onCandidate?.({ candidate: here });
    page.say({ type: "ping", id: 1 });
    await page.next("pong");
    return page.received.some(({ type }) => type === "candidate");
  };
  const origins = ["https://example.org"];
  assertEquals(await isOffered({}), true);
  assertEquals(await isOffered({ host: "localhost" }), true);
  if (hasLoopback6) assertEquals(await isOffered({ host: "::1" }), true);
  assertEquals(await isOffered({}, { headers: { "x-forwarded-for": "203.0.113.7" } }), false);
  assertEquals(await isOffered({}, { headers: { forwarded: "for=203.0.113.7" } }), false);
  assertEquals(await isOffered({ origins }), false);
  assertEquals(await isOffered({ origins }, { origin: origins[0]! }), false);
  assertEquals(await isOffered({ origins: ["http://localhost:5173"] }), true);
});

Deno.test("a listed page may read the client, a foreign one may not", async () => {
  await using bench = new Bench({ origins: ["https://example.org"] });
  const listed = await fetch(`${bench.origin}/client.js`, {
    headers: { origin: "https://example.org" },
  });
  assertEquals(listed.headers.get("access-control-allow-origin"), "https://example.org");
  await listed.body?.cancel();
  const foreign = await fetch(`${bench.origin}/client.js`, {
    headers: { origin: "https://evil.example" },
  });
  assertEquals(foreign.status, 403);
  assertEquals(foreign.headers.get("access-control-allow-origin"), null);
  await foreign.body?.cancel();
});

Deno.test("a wrong secret and a call that is not there get the same answer", async () => {
  await using bench = new Bench();
  await bench.join();
  const answers = [];
  for (
    const wrong of [{ secret: "B".repeat(22) }, { secret: "" }, { callId: "cellar" }]
  ) {
    const page = await bench.open();
    page.say(hello("Eve", { ...CALL, ...wrong }));
    answers.push(await page.next("refused"), await page.closed);
  }
  for (const [index, answer] of answers.entries()) assertEquals(answer, answers[index % 2]);
  assertEquals(answers[0].code, "wrong-link");
  assertEquals(answers[1], { code: 4001, reason: "wrong-link" });
});

Deno.test("a client that says nothing, something else first, or speaks another version is sent away", async () => {
  await using bench = new Bench({ limits: { helloMs: 50 } });
  await bench.join();
  const silent = await bench.open();
  assertEquals((await silent.next("refused")).code, "hello-timeout");
  const early = await bench.open();
  early.say({ type: "ping", id: 1 });
  assertEquals((await early.next("refused")).code, "bad-message");
  const old = await bench.open();
  old.say(hello("Ada", { ...CALL, version: 0 }));
  assertEquals((await old.next("refused")).code, "wrong-version");
});

Deno.test("sockets that say nothing keep no client out: the oldest makes room", async () => {
  await using bench = new Bench({ limits: { sockets: 2 } });
  await bench.join();
  const idle = [await bench.open(), await bench.open()];
  const ada = await bench.open();
  assertEquals((await idle[0]!.next("refused")).code, "too-many-sockets");
  ada.say(hello("Ada", CALL));
  await ada.next("welcome");
  assertEquals(idle[1]!.received, []);
  const grace = await bench.open();
  grace.say(hello("Grace", CALL));
  await grace.next("welcome");
  assertEquals((await idle[1]!.next("refused")).code, "too-many-sockets");
});

Deno.test("sockets are limited in number: a person who is in a call stays in it", async () => {
  await using bench = new Bench({ limits: { sockets: 2 } });
  await bench.join();
  const people = [];
  for (const name of ["Ada", "Grace"]) {
    const page = await bench.open();
    page.say(hello(name, CALL));
    await page.next("welcome");
    people.push(page);
  }
  const third = await bench.open();
  assertEquals((await third.next("refused")).code, "too-many-sockets");
  for (const page of people) assert(!page.received.some(({ type }) => type === "refused"));
  // Who leaves makes room.
  people[0]!.say({ type: "leave" });
  await people[0]!.closed;
  const fourth = await bench.open();
  fourth.say(hello("Linus", CALL));
  await fourth.next("welcome");
});

Deno.test("a call's secret is a whole one, whatever client asks for the call", async () => {
  await using bench = new Bench();
  for (const secret of ["", "short", "A".repeat(23), `${"A".repeat(21)}!`]) {
    await assertRejects(() => bench.host.request("open", { ...CALL, secret }));
  }
});

Deno.test("where UDP ports are few, people are as many", async () => {
  await using bench = new Bench({ udpPortRange: { min: 50_000, max: 50_000 } });
  await bench.join();
  const first = await bench.open();
  first.say(hello("Ada", CALL));
  await first.next("welcome");
  const second = await bench.open();
  second.say(hello("Grace", CALL));
  assertEquals((await second.next("refused")).code, "room-full");
});

Deno.test("refusals without end do not fill the log", async () => {
  await using bench = new Bench();
  for (let count = 0; count < 30; count++) {
    const response = await fetch(bench.origin, { headers: { origin: "https://evil.example" } });
    await response.body?.cancel();
  }
  assert(bench.lines.length >= 1 && bench.lines.length < 20, `${bench.lines.length} lines`);
});

Deno.test("a page starts a call only with the start page's secret, and waits in it", async () => {
  await using bench = new Bench({ limits: { calls: 1 } });
  const start = { type: "start", version: 1, secret: SECRET };
  const ask = async (message: JsonValue): Promise<Page> => {
    const page = await bench.open();
    page.say(message);
    return page;
  };
  assertEquals((await (await ask(start)).next("refused")).code, "not-serving");
  await bench.host.request("serve", { secret: SECRET });
  const wrong = await ask({ ...start, secret: "B".repeat(22) });
  assertEquals((await wrong.next("refused")).code, "wrong-link");
  const { type: _, ...started } = await (await ask(start)).next("started");
  assertEquals(bench.notices, [{ type: "callStarted", ...started }]);
  assertEquals((await (await ask(start)).next("refused")).code, "too-many-calls");
  const page = await bench.open();
  page.say(hello("Ada", started));
  await page.next("welcome");
});

Deno.test("who waits for an agent that will not come is told so, others are not", async () => {
  await using bench = new Bench();
  await bench.host.request("open", CALL);
  const page = await bench.open();
  page.say(hello("Ada", CALL));
  await page.next("welcome");
  const port = await bench.join();
  await bench.host.request("unanswered", CALL);
  assertEquals(page.received.findLast(({ type }) => type === "goodbye"), undefined);
  await bench.host.leave(port as unknown as AgentConnection);
  assertEquals((await page.next("goodbye")).code, "agent-left");

  await bench.host.request("open", CALL);
  const again = await bench.open();
  again.say(hello("Ada", CALL));
  await again.next("welcome");
  await bench.host.request("unanswered", CALL);
  assertEquals((await again.next("goodbye")).code, "no-agent");
});

Deno.test("when the process ends, every page is told and its socket is closed", async () => {
  await using bench = new Bench();
  await bench.join();
  const page = await bench.open();
  page.say(hello("Ada", CALL));
  await page.next("welcome");
  await bench.host.goodbye();
  assertEquals((await page.next("goodbye")).code, "server-closing");
  assertEquals((await page.closed).code, 4002);
});

Deno.test("a call ends with its last agent and its link with it", async () => {
  await using bench = new Bench();
  const port = await bench.join();
  await bench.host.leave(port as unknown as AgentConnection);
  assertEquals(bench.notices, [{ type: "callEnded", ...CALL }]);
  const page = await bench.open();
  page.say(hello("Ada", CALL));
  assertEquals((await page.next("refused")).code, "wrong-link");
});

Deno.test("a port that is taken is said so", async () => {
  await using bench = new Bench();
  const port = Number(new URL(bench.origin).port);
  const error = assertThrows(() => new Bench({ port }), EdgeError, "port 0");
  assertEquals(error.code, "address-in-use");
  assertMatch(error.message, new RegExp(String(port)));
});
