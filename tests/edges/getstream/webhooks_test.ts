/** Stream's webhooks as jobs. Their signature is checked by Stream's own SDK. */
import { assertEquals, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Agent } from "../../../src/agent/agent.ts";
import { AuthenticationError, ProtocolError } from "../../../src/edge/errors.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { GetStreamEdge, type ReadWebhookOptions } from "../../../src/edges/getstream/mod.ts";
import { JobDeclinedEvent, JobStartedEvent } from "../../../src/serve/events.ts";
import { serve } from "../../../src/serve/serve.ts";
import { WebhookJobs } from "../../../src/serve/webhook_jobs.ts";

const SECRET = "webhook-secret";

function newEdge(options = {}): GetStreamEdge {
  return new GetStreamEdge({
    apiKey: "key",
    apiSecret: SECRET,
    logger: silentLogger,
    // Nothing answers there: these tests ask no service.
    basePath: "http://127.0.0.1:9",
    ...options,
  });
}

/** An event as Stream's documentation shows it, less what this does not read. */
function started(user: Record<string, unknown> = { id: "anna", name: "Anna" }, more = {}) {
  return {
    type: "call.session_started",
    created_at: "2026-11-27T06:00:00.000Z",
    call_cid: "default:kitchen",
    session_id: "session-1",
    call: {
      id: "kitchen",
      type: "default",
      cid: "default:kitchen",
      custom: { table: 4 },
      created_by: { id: "backend", name: "Backend" },
      session: { id: "session-1", participants: [{ user, user_session_id: "1", role: "user" }] },
    },
    ...more,
  };
}

/** A webhook's body and headers. */
function signed(event: unknown, { secret = SECRET, zip = false } = {}) {
  const text = typeof event === "string" ? event : JSON.stringify(event);
  const signature = createHmac("sha256", secret).update(text).digest("hex");
  const bytes = new TextEncoder().encode(text);
  return {
    headers: new Headers({ "x-signature": signature, "content-type": "application/json" }),
    body: new Uint8Array(zip ? gzipSync(bytes) : bytes),
  };
}

Deno.test("GetStreamEdge.readWebhook returns the job of a session that a person has started", async () => {
  await using edge = newEdge();
  for (const zip of [false, true]) {
    const event = started();
    assertEquals(edge.readWebhook(signed(event, { zip })), {
      id: "default:kitchen:session-1",
      edge,
      callId: "kitchen",
      callType: "default",
      user: { id: "anna", name: "Anna" },
      metadata: { table: 4 },
      original: event,
    });
  }
  const read = (event: unknown, options?: ReadWebhookOptions) =>
    edge.readWebhook(signed(event), options);
  const agent = { id: "bot", name: "Bot", custom: { ringline_agent: true } };
  assertEquals(read(started(agent)), undefined, "a session of its own agent");
  assertEquals(read(started({ id: "bot", is_agent: true })), undefined);
  assertEquals(read({ type: "call.ended", call_cid: "default:kitchen" }), undefined);
  const created = started(undefined, { type: "call.created", session_id: undefined });
  assertEquals(read(created), undefined);
  const offer = read(created, { on: ["call.created"] });
  assertEquals(offer?.id, "default:kitchen:2026-11-27T06:00:00.000Z");
  assertEquals(offer?.user, { id: "backend", name: "Backend" });
});

Deno.test("GetStreamEdge.readWebhook refuses a wrong signature, and what is malformed", async () => {
  await using edge = newEdge();
  const right = signed(started());
  const wrong = [
    signed(started(), { secret: "other" }),
    { ...right, headers: new Headers() },
    { ...right, body: signed(started({ id: "eve" })).body },
  ];
  for (const webhook of wrong) {
    assertThrows(() => edge.readWebhook(webhook), AuthenticationError, "signature mismatch");
  }
  const malformed = [
    "[]",
    "null",
    "{",
    '{"type":"call.session_started"}',
    JSON.stringify({
      type: "call.session_started",
      call: { id: 5 },
    }),
  ];
  for (const text of malformed.filter((text) => text !== "[]")) {
    assertThrows(() => edge.readWebhook(signed(text)), ProtocolError);
  }
  assertEquals(edge.readWebhook(signed("[]")), undefined);
  await using user = newEdge({ apiSecret: undefined, userToken: "a.b.c" });
  const error = assertThrows(() => user.readWebhook(right), AuthenticationError);
  assertEquals(error.code, "no-secret");
});

Deno.test("WebhookJobs starts a job for a webhook of Stream, once", async () => {
  await using edge = newEdge();
  const webhooks = new WebhookJobs({ read: (request) => edge.readWebhook(request) });
  await using worker = await serve({
    agent: (job) => new Agent({ edge: job.edge, agentUser: { id: "bot", name: "Bot" } }),
    sources: [webhooks],
    limits: { calls: 1, cpu: 1, memory: 1 },
    logger: silentLogger,
  });
  const log: string[] = [];
  worker.events.subscribe(JobStartedEvent, ({ job }) => void log.push(`${job.callId} started`));
  worker.events.subscribe(JobDeclinedEvent, ({ reason }) => void log.push(reason));
  const post = async ({ headers, body }: ReturnType<typeof signed>) => {
    const request = new Request("http://127.0.0.1/webhook", { method: "POST", headers, body });
    const { status, ...response } = await webhooks.fetch(request).then(async (one) => ({
      status: one.status,
      body: await one.json(),
    }));
    return `${status} ${response.body.status ?? response.body.error.code}`;
  };
  assertEquals(await post(signed(started(), { secret: "other" })), "401 unauthorized");
  assertEquals(await post(signed("{")), "400 bad-request");
  assertEquals(await post(signed(started())), "200 accepted");
  assertEquals(await post(signed(started())), "200 duplicate");
  const other = started(undefined, { session_id: "session-2" });
  assertEquals(await post(signed(other)), "503 calls");
  assertEquals(await post(signed({ type: "call.updated" })), "200 ignored");
  assertEquals(log, ["kitchen started", "calls"]);
});
