/** A worker's control, an application and the calls of a LocalEdge on one port of `node:http`. */
import { assert, assertEquals } from "@std/assert";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "../../src/agent/agent.ts";
import { LocalEdge } from "../../src/edges/local/mod.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { WorkerControl } from "../../src/serve/control/control.ts";
import { serve } from "../../src/serve/serve.ts";
import { WebhookJobs } from "../../src/serve/webhook_jobs.ts";
import { hello } from "../edges/local/fakes.ts";
import { until } from "../fixtures/until.ts";

const TOKEN = "m".repeat(32);
const HEADERS = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };

/** What a page is told that follows a link to a call. */
async function answerTo(link: URL): Promise<string> {
  const [, , callType, callId] = link.pathname.split("/");
  const socket = new WebSocket(`${link.origin.replace("http", "ws")}/signal`, {
    headers: { origin: link.origin },
  });
  const secret = link.hash.slice(1);
  socket.onopen = () => socket.send(JSON.stringify(hello("Ada", { callType, callId, secret })));
  let answer: { type: string; code?: string } | undefined;
  socket.onmessage = ({ data }) => answer ??= JSON.parse(data);
  const { type, code } = await until("the page is answered", () => answer);
  socket.close(1000);
  await until("the socket is closed", () => socket.readyState === WebSocket.CLOSED);
  return code ?? type;
}

/** Sends a request, and a body for as long as it is read; returns the first line that comes back before the connection ends. */
async function exchange(port: number, head: string, body?: () => Uint8Array): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const received = (async () => {
    let text = "";
    try {
      for await (const piece of connection.readable) text += new TextDecoder().decode(piece);
    } catch {
      // A reset is an end too.
    }
    return text;
  })();
  let isOver = false;
  void received.then(() => isOver = true);
  try {
    const writer = connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(head));
    while (body && !isOver) await writer.write(body());
  } catch {
    // The other side has ended it.
  }
  return (await received).split("\r\n")[0]!;
}

Deno.test("WorkerControl, WebhookJobs and LocalEdge share a port with an application", async () => {
  await using edge = new LocalEdge({ logger: silentLogger });
  const webhooks = new WebhookJobs({
    read: ({ body }) => ({ id: "hook", edge, callId: new TextDecoder().decode(body) }),
  });
  await using worker = await serve({
    agent: (job) => new Agent({ edge: job.edge, agentUser: { id: "echo", name: "Echo" } }),
    sources: [webhooks],
    limits: { cpu: 1, memory: 1 },
    logger: silentLogger,
  });
  const control = new WorkerControl(worker, { token: TOKEN, edge });
  const server = createServer(async (request, response) => {
    if (await control.handle(request, response)) return;
    if (await webhooks.handle(request, response)) return;
    response.end(`mine: ${request.url}`);
  });
  edge.handle(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const text = async (path: string, init: RequestInit = {}) => {
    const headers = { connection: "close", ...init.headers };
    const response = await fetch(`${origin}${path}`, { ...init, headers });
    return `${response.status} ${(await response.text()).trim()}`;
  };
  try {
    assertEquals(await text("/"), "200 mine: /");
    assertEquals(await text("/healthz"), '200 {"status":"ok"}');
    assertEquals((await text("/calls")).slice(0, 3), "401");
    assertEquals((await text("/app.js")).slice(0, 3), "200");
    for (const path of ["/calls", "/webhook"]) {
      const trace = `TRACE ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
      assertEquals(await exchange(port, trace), "HTTP/1.1 405 Method Not Allowed");
    }
    const created = await fetch(`${origin}/calls`, {
      method: "POST",
      headers: HEADERS,
      body: '{ "callId": "kitchen" }',
    }).then((response) => response.json());
    const link = new URL(created.url);
    assertEquals([link.origin, await answerTo(link)], [origin, "welcome"]);
    assertEquals(
      await text("/webhook", { method: "POST", body: "hall" }),
      '200 {"status":"accepted"}',
    );
    const { calls } = await fetch(`${origin}/calls`, { headers: HEADERS }).then((one) =>
      one.json()
    );
    assertEquals(calls.map((call: { callId: string }) => call.callId), ["kitchen", "hall"]);

    const head = `POST /calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n` +
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = new TextEncoder().encode(`400\r\n${" ".repeat(1024)}\r\n`);
    assertEquals(await exchange(port, head, () => chunk), "HTTP/1.1 413 Payload Too Large");
    assert((await text("/metrics", { headers: HEADERS })).includes("ringline_worker_calls 2"));
    assertEquals(worker.jobs.size, 2);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
