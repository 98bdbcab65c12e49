/** Jobs that are announced over HTTP. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/edge/errors.ts";
import { WebhookJobs, type WebhookJobsOptions } from "../../src/serve/webhook_jobs.ts";
import { WorkerFixture } from "./_fixture.ts";

/** A worker whose source is a telephony service's webhook. */
async function set(options: Partial<WebhookJobsOptions> = {}, calls = 2) {
  const webhooks = new WebhookJobs({
    read: ({ body, headers }) => {
      if (headers.get("x-key") !== "secret") throw new ProtocolError("no key", { code: "x" });
      const form = new URLSearchParams(new TextDecoder().decode(body));
      const callId = form.get("CallSid");
      if (callId === "broken") throw new Error("my database is gone");
      if (!callId) return undefined;
      return { id: callId, edge: fixture.edge, callId, user: { id: form.get("From")! } };
    },
    ...options,
  });
  const fixture = await WorkerFixture.start({ sources: [webhooks], limits: { calls } });
  const post = async (body: string, init: RequestInit = {}) => {
    const headers = { "x-key": "secret" };
    const request = { method: "POST", headers, body, ...init };
    const response = await webhooks.fetch(new Request("http://127.0.0.1/webhook", request));
    return `${response.status} ${await response.text()}`;
  };
  return { fixture, webhooks, post };
}

Deno.test("WebhookJobs starts a job for a call, whose agent joins when the answer is on its way", async () => {
  const { fixture, post } = await set();
  await using _fixture = fixture;
  assertEquals(await post("CallSid=CA1&From=anna"), '200 {"status":"accepted"}\n');
  await fixture.clock.advance(100);
  assertEquals(fixture.joined, ["CA1"]);
  assertEquals(fixture.worker.jobs.get("CA1")?.user, { id: "anna" });
  assertEquals(await post("CallSid=CA1&From=anna"), '200 {"status":"duplicate"}\n');
  await fixture.clock.until(fixture.worker.end("CA1"));
  assertEquals(await post("CallSid=CA1&From=anna"), '200 {"status":"duplicate"}\n', "it is over");
  assertEquals(await post("other"), '200 {"status":"ignored"}\n');
});

Deno.test("WebhookJobs answers as its service expects", async () => {
  const { fixture, post } = await set({
    respond: (answer) =>
      new Response(answer.accepted ? "<Connect/>" : `<Reject reason="${answer.reason}"/>`),
  }, 1);
  await using _fixture = fixture;
  assertEquals(await post("CallSid=CA1&From=anna"), "200 <Connect/>");
  assertEquals(await post("CallSid=CA2&From=bert"), '200 <Reject reason="calls"/>');
});

Deno.test("WebhookJobs refuses what is not a webhook, and survives a hook that throws", async () => {
  const { fixture, post } = await set({ maxBodyBytes: 100 });
  await using _fixture = fixture;
  const status = async (body: string, init?: RequestInit) => (await post(body, init)).slice(0, 3);
  assertEquals(await status("CallSid=1", { method: "PUT" }), "405");
  assertEquals(await status("CallSid=1", { headers: {} }), "400");
  assertEquals(await status("x".repeat(101)), "413");
  assertEquals(await status("CallSid=broken"), "500");
  assertEquals(fixture.errors, ["a webhook: Error: my database is gone"]);
  assertEquals(fixture.worker.load.calls, 0);
});

Deno.test("WebhookJobs starts a job though its answer fails, and none without a worker", async () => {
  const { fixture, webhooks, post } = await set({
    respond: () => {
      throw new Error("no template");
    },
  });
  assertEquals((await post("CallSid=CA1&From=anna")).slice(0, 3), "500");
  await fixture.clock.advance(100);
  assertEquals(fixture.joined, ["CA1"]);
  const other = {
    get load() {
      return fixture.worker.load;
    },
    offer: () => Promise.reject(),
    report: () => {},
  };
  await assertRejects(() => webhooks.openJobs(other), TypeError, "serve another worker");
  await fixture[Symbol.asyncDispose]();
  const late = new WebhookJobs({ read: () => ({ id: "1", edge: fixture.edge, callId: "1" }) });
  const response = await late.fetch(new Request("http://127.0.0.1", { method: "POST" }));
  assertEquals([response.status, (await response.json()).status], [503, "draining"]);
});

Deno.test("WebhookJobs names a wrong option", () => {
  const read = () => undefined;
  const wrong: [unknown, string][] = [
    [undefined, "options: expected an object like { read }"],
    [{}, "read: expected a function"],
    [{ read, respond: "x" }, "respond: expected a function"],
    [{ read, path: "webhook" }, 'path: expected a path like "/webhook"'],
    [{ read, maxBodyBytes: -1 }, "maxBodyBytes: expected a whole number"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => new WebhookJobs(options as never), Error, message);
  }
});
