/** A LocalEdge in an application's own HTTP server. These run the real media process, and no browser. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { EdgeAgent } from "../../../src/edge/edge_agent.ts";
import { LocalEdge, type LocalEdgeOptions } from "../../../src/edges/local/mod.ts";
// @ts-types="npm:@types/ws@8.18.2"
import { WebSocketServer } from "npm:ws@8.23.0";
import { silentLogger } from "../../../src/events/logger.ts";
import { hello } from "./fakes.ts";

const AGENT: EdgeAgent = {
  user: { id: "echo", name: "Echo" },
  audioSubscription: { sampleRate: 16_000, agents: false },
  receiveRow() {},
};

function newEdge(options: LocalEdgeOptions = {}): LocalEdge {
  return new LocalEdge({ logger: silentLogger, ...options });
}

/** An application's server: it answers with its own words, and knows its own sockets. */
async function application(use: (server: Server, origin: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => response.end(`mine: ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await use(server, `http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function text(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: "close" } });
  return `${response.status} ${(await response.text()).slice(0, 40)}`;
}

/** The answer to a request for the page under another name of the server. */
function statusFor(origin: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(`${origin}/app.js`, { headers: { host }, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    }).on("error", reject);
  });
}

/** What a page on this origin is told when it follows a link; `undefined` when it gets no socket. */
async function answer(link: URL, origin = link.origin): Promise<string | undefined> {
  const [, , callType, callId] = link.pathname.split("/");
  const socket = new WebSocket(`${link.origin.replace("http", "ws")}/signal`, {
    headers: { origin },
  });
  const opened = await new Promise<boolean>((resolve) => {
    socket.onopen = () => resolve(true);
    socket.onerror = () => resolve(false);
  });
  if (!opened) return undefined;
  const message = new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
  socket.send(JSON.stringify(hello("Ada", { callType, callId, secret: link.hash.slice(1) })));
  const { type, code } = JSON.parse((await message).data);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close(1000);
  await closed;
  return code ?? type;
}

Deno.test("LocalEdge.handle serves calls beside an application, on its port", async () => {
  await application(async (server, origin) => {
    await using edge = newEdge();
    edge.handle(server);
    const call = await edge.createCall("kitchen");
    // Before the media process runs the page is there, and no socket.
    assertEquals((await text(`${origin}/app.js`)).slice(0, 3), "200");
    const early = new URL(`${origin}/call/default/kitchen#x`);
    assertEquals(await answer(early), undefined);

    await edge.join(AGENT, call);
    const link = await edge.callLink(call);
    assertEquals(link.origin, origin);
    assertEquals(await answer(link), "welcome");
    const wrong = new URL(link);
    wrong.hash = "A".repeat(22);
    assertEquals(await answer(wrong), "wrong-link");
    assertEquals(await answer(link, "https://attacker.example"), undefined);

    assert((await text(link.href)).startsWith("200 <!DOCTYPE html>"));
    assertEquals((await text(`${origin}/client/link.js`)).slice(0, 3), "200");
    assertEquals(await text(`${origin}/`), "200 mine: /");
    assertEquals(await text(`${origin}/call`), "200 mine: /call");
    assertEquals(await statusFor(origin, "attacker.example"), 403);
    assertEquals(await statusFor(origin, "localhost:1"), 200);
    const headers = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`x-${at}`, "1"]));
    const crowded = await fetch(`${origin}/app.js`, { headers });
    await crowded.body?.cancel();
    assertEquals(crowded.status, 431);

    await edge.close();
    assertEquals(await text(`${origin}/app.js`), "200 mine: /app.js");
  });
});

Deno.test("LocalEdge.handle leaves other sockets to the application", async () => {
  await application(async (server, origin) => {
    await using edge = newEdge();
    edge.handle(server, { origin: "https://calls.example" });
    assertThrows(() => edge.handle(server), TypeError, "mounted in a server already");
    const other = () =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(`${origin.replace("http", "ws")}/chat`);
        socket.onopen = () => resolve(true);
        socket.onerror = () => resolve(false);
      });
    assertEquals(await other(), false);
    const seen: (string | undefined)[] = [];
    server.on("upgrade", (request, socket) => {
      seen.push(request.url);
      socket.destroy();
    });
    assertEquals(await other(), false);
    assertEquals(seen, ["/chat"]);
  });
});

/** What an application's own socket says first; a close or an error in its place. */
function firstWords(origin: string, path: string): Promise<string> {
  const socket = new WebSocket(`${origin.replace("http", "ws")}${path}`, { headers: { origin } });
  return new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      socket.onclose = () => resolve(data);
      socket.close(1000);
    };
    socket.onerror = () => resolve("no socket");
    socket.onclose = ({ code }) => resolve(`closed: ${code}`);
  });
}

/** How applications have WebSockets, by the documentation of `ws`. Returns what ends them. */
const OWN_SOCKETS: Record<string, (server: Server) => () => void> = {
  "a server of ws": (server) => greet(new WebSocketServer({ server })),
  "a server of ws with a path": (server) => greet(new WebSocketServer({ server, path: "/chat" })),
  "an upgrade handler that destroys the sockets of other paths": (server) => {
    const sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", (request, socket, head) => {
      if (request.url !== "/chat") return void socket.destroy();
      sockets.handleUpgrade(request, socket, head, (one) => sockets.emit("connection", one));
    });
    return greet(sockets);
  },
};

function greet(sockets: WebSocketServer): () => void {
  sockets.on("connection", (socket) => socket.send("mine"));
  return () => sockets.close();
}

for (const [name, add] of Object.entries(OWN_SOCKETS)) {
  for (const isFirst of [true, false]) {
    const order = isFirst ? "added before it" : "added after it";
    Deno.test(`LocalEdge.handle serves calls beside ${name}, ${order}`, async () => {
      await application(async (server, origin) => {
        await using edge = newEdge();
        let end = isFirst ? add(server) : undefined;
        edge.handle(server);
        end ??= add(server);
        const link = await edge.callLink(await edge.createCall("kitchen"));
        assertEquals(await answer(link), "welcome");
        assertEquals(await firstWords(origin, "/chat"), "mine");
        await edge.close();
        assertEquals(await firstWords(origin, "/chat"), "mine");
        end();
      });
    });
  }
}

Deno.test("LocalEdge.handle gives back a server, to which another edge can be mounted then", async () => {
  await application(async (server, origin) => {
    let requests = 0;
    server.on("request", () => requests++);
    const handlers = ["request", "upgrade"].map((event) => server.listeners(event));
    const { emit } = server;
    await using first = newEdge();
    await using second = newEdge();
    first.handle(server);
    assertThrows(() => second.handle(server), TypeError, "an edge is mounted in this server");
    // Another library keeps what it found: it goes on to call that after the close.
    const found = server.emit;
    await first.close();
    assertEquals(["request", "upgrade"].map((event) => server.listeners(event)), handlers);
    assertEquals(server.emit, emit);
    server.emit = found;
    second.handle(server);
    assertEquals(await text(`${origin}/x`), "200 mine: /x");
    assertEquals((await text(`${origin}/app.js`)).slice(0, 15), (await page()).slice(0, 15));
    assertEquals(requests, 1);
    await second.close();
    assertEquals(await text(`${origin}/app.js`), "200 mine: /app.js");
    assertEquals(requests, 2);
  });
});

/** The page's script, as an edge answers. */
async function page(): Promise<string> {
  await using edge = newEdge();
  const url = "http://127.0.0.1/app.js";
  const response = await edge.fetch(new Request(url, { headers: { host: "127.0.0.1" } }));
  return `${response.status} ${await response.text()}`;
}

Deno.test("LocalEdge.fetch says that the edge is closed", async () => {
  const edge = newEdge();
  await edge.close();
  const response = await edge.fetch(new Request("http://127.0.0.1/app.js"));
  assertEquals([response.status, /edge is closed/.test(await response.text())], [503, true]);
});

Deno.test("LocalEdge.handle leaves upgrades to the application that it answers as requests", async () => {
  await application(async (server, origin) => {
    await using edge = newEdge();
    edge.handle(server);
    const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c" };
    const body = await new Promise((resolve, reject) => {
      get(`${origin}/x`, { headers, agent: false }, (response) => {
        response.once("data", (data) => resolve(String(data)));
      }).on("error", reject);
    });
    assertEquals(body, "mine: /x");
  });
});

/** What a server sends on one connection until it ends that. */
async function exchange(origin: string, text: string): Promise<string> {
  const { hostname, port } = new URL(origin);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  let received = "";
  try {
    await connection.write(new TextEncoder().encode(text));
    const decoder = connection.readable.pipeThrough(new TextDecoderStream());
    for await (const piece of decoder) received += piece;
  } catch {
    // A reset is an end too.
  }
  return received;
}

Deno.test("LocalEdge.handle ends connections that send several requests at a time, or a body", async () => {
  await application(async (server, origin) => {
    await using edge = newEdge();
    edge.handle(server);
    const { host } = new URL(origin);
    const get = `GET /app.js HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const answers = (await exchange(origin, get.repeat(100))).split("HTTP/1.1 ").length - 1;
    assert(answers <= 1, `${answers} answers`);
    const post = (path: string, more: string) =>
      exchange(origin, `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${more}`);
    const length = "Content-Length: 100000\r\n\r\n";
    assertEquals((await post("/app.js", length)).slice(9, 12), "413");
    const chunked = "Transfer-Encoding: chunked\r\n\r\n";
    assertEquals((await post("/app.js", chunked)).slice(9, 12), "413");
    // What goes to the application is its own.
    assertEquals((await post("/x", `${chunked}1\r\na\r\n0\r\n\r\n`)).slice(9, 12), "200");
    const own = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3);
    const last = "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assertEquals((await exchange(origin, own + last)).split("mine: /x").length - 1, 4);
  });
});

Deno.test("LocalEdge.handle says what is wrong", async () => {
  const server = createServer();
  const wrong = 5 as unknown as Server;
  await using edge = newEdge();
  assertThrows(() => edge.handle(wrong), TypeError, "server: expected a server of node:http");
  assertThrows(() => edge.handle(server, { origin: "x" }), TypeError, "origin: expected one like");
  for (const origin of ["https://example.org/app", "https://example.org/?a", "https://a@b.c"]) {
    assertThrows(() => edge.handle(server, { origin }), TypeError, "the page has no prefix");
  }
  await using own = newEdge({ port: 8080 });
  assertThrows(() => own.handle(server), TypeError, "port and tls are the server's own");
  await using idle = newEdge();
  idle.handle(server);
  const call = await idle.createCall("kitchen");
  await assertRejects(() => idle.callLink(call), TypeError, "the server does not listen on a port");
});

Deno.test("LocalEdge.fetch serves the page's files to the origins of the options", async () => {
  await using edge = newEdge({ origins: ["https://example.org"] });
  const status = async (url: string, headers = {}) =>
    (await edge.fetch(new Request(url, { headers }))).status;
  assertEquals(await status("http://127.0.0.1:8000/client.js", { host: "127.0.0.1:8000" }), 200);
  assertEquals(await status("https://example.org/client.js", { host: "example.org" }), 200);
  assertEquals(await status("https://example.org/mine", { host: "example.org" }), 404);
  assertEquals(await status("https://example.org/signal", { host: "example.org" }), 426);
  assertEquals(await status("https://other.example/client.js", { host: "other.example" }), 403);
});
