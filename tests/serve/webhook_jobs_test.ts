/** Jobs that are announced over HTTP. */
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AuthenticationError, ProtocolError } from "../../src/edge/errors.ts";
import type { ServeOptions } from "../../src/serve/serve_options.ts";
import { WebhookJobs, type WebhookJobsOptions } from "../../src/serve/webhook_jobs.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { WorkerFixture } from "./_fixture.ts";

/** A worker whose source is a telephony service's webhook. */
async function set(
  options: Partial<WebhookJobsOptions> = {},
  calls = 2,
  more: Partial<ServeOptions> = {},
) {
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
  const fixture = await WorkerFixture.start({ sources: [webhooks], limits: { calls }, ...more });
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

/** A service that signs its webhooks. */
async function signedService(calls = 2) {
  const key = "the service's secret";
  const sign = (text: string) => createHmac("sha256", key).update(text).digest("hex");
  const { fixture, webhooks } = await set({
    read: ({ body, headers, url }) => {
      const text = new TextDecoder().decode(body);
      if (headers.get("x-signature") !== sign(text)) {
        throw new AuthenticationError("wrong signature", { code: "unauthorized" });
      }
      if (url.searchParams.get("account") !== "7") return undefined;
      const { id } = checkJson(text);
      return { id, edge: fixture.edge, callId: id };
    },
  }, calls);
  const post = async (text: string, { signature = sign(text), account = "7" } = {}) => {
    const url = `http://127.0.0.1/webhook?account=${account}`;
    const headers = { "x-signature": signature };
    return await webhooks.fetch(new Request(url, { method: "POST", headers, body: text }));
  };
  return { fixture, post, sign };
}

function checkJson(text: string): { id: string } {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError("the webhook is no JSON", { code: "bad-webhook" });
  }
}

Deno.test("WebhookJobs offers no job for a wrong signature or a malformed body, and reports none", async () => {
  const { fixture, post, sign } = await signedService();
  await using _fixture = fixture;
  const said = async (response: Response) => {
    const { error, status } = await response.json();
    return `${response.status} ${status ?? `${error.code}: ${error.message}`}`;
  };
  const right = '{"id":"kitchen"}';
  const unauthorized = "401 unauthorized: wrong signature";
  assertEquals(await said(await post(right, { signature: "" })), unauthorized);
  assertEquals(await said(await post(right, { signature: sign('{"id":"hall"}') })), unauthorized);
  // Its signature is right.
  assertEquals(await said(await post("{")), "400 bad-request: the webhook is no JSON");
  assertEquals(await said(await post(right, { account: "8" })), "200 ignored");
  assertEquals([fixture.log, fixture.errors], [[], []]);
  assertEquals(await said(await post(right)), "200 accepted");
  assertEquals(fixture.log, ["kitchen started"]);

  // Not a job that can be run: the program's mistake, which the service cannot mend.
  assertEquals(await said(await post('{"id":7}')), "503 application");
  assertMatch(fixture.errors.join(), /a job that a source offered: TypeError: job.id/);
});

Deno.test("WebhookJobs does not wait for a body that does not come", async () => {
  const clock = new VirtualClock();
  const { fixture, webhooks } = await set({ clock });
  await using _fixture = fixture;
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("CallSid=")),
  });
  const request = new Request("http://127.0.0.1/webhook", { method: "POST", body });
  const response = await clock.until(webhooks.fetch(request));
  assertEquals([response.status, fixture.log], [408, []]);
});

Deno.test("WebhookJobs starts a job once that is delivered twice at the same time", async () => {
  const asked = Promise.withResolvers<boolean>();
  const { fixture, post } = await set({}, 2, { accept: () => asked.promise });
  await using _fixture = fixture;
  const first = post("CallSid=CA1&From=anna");
  const second = await post("CallSid=CA1&From=anna");
  assertEquals(second, '200 {"status":"duplicate"}\n');
  asked.resolve(true);
  assertEquals(await first, '200 {"status":"accepted"}\n');
  assertEquals(fixture.log.filter((line) => line.endsWith("started")), ["CA1 started"]);
});

Deno.test("WebhookJobs has the service try again where the worker is full, and takes the job then", async () => {
  const { fixture, post, sign } = await signedService(1);
  await using _fixture = fixture;
  assertEquals((await post('{"id":"kitchen"}')).status, 200);
  const full = await post('{"id":"hall"}');
  assertEquals([full.status, full.headers.get("retry-after")], [503, "5"]);
  assertEquals(await full.json(), { status: "calls" });
  const known = await post('{"id":"kitchen"}', { signature: sign('{"id":"kitchen"}') });
  assertEquals([known.status, await known.json()], [200, { status: "duplicate" }]);
  await fixture.clock.until(fixture.worker.end("kitchen"));
  assertEquals((await post('{"id":"hall"}')).status, 200, "it was not remembered as known");
});

Deno.test("WebhookJobs has the service try again where the application declines or fails", async () => {
  const answers = [
    () => false,
    () => {
      throw new Error("the database is gone");
    },
    () => true,
  ];
  const { fixture, post } = await set({}, 2, { accept: () => answers.shift()!() });
  await using _fixture = fixture;
  const declined = '503 {"status":"application"}\n';
  assertEquals(await post("CallSid=CA1&From=anna"), declined);
  assertEquals(await post("CallSid=CA1&From=anna"), declined);
  assertEquals(fixture.errors, ["accept of CA1: Error: the database is gone"]);
  assertEquals(await post("CallSid=CA1&From=anna"), '200 {"status":"accepted"}\n');
});

Deno.test("WebhookJobs of a worker that drains declines new jobs, and knows those that run", async () => {
  const { fixture, post } = await set();
  await using _fixture = fixture;
  await post("CallSid=CA1&From=anna");
  await fixture.clock.advance(100);
  fixture.enterAll();
  const drained = fixture.worker.drain({ timeoutMs: 60_000 });
  assertEquals(await post("CallSid=CA2&From=bert"), '503 {"status":"draining"}\n');
  assertEquals(await post("CallSid=CA1&From=anna"), '200 {"status":"duplicate"}\n');
  assertEquals(fixture.joined, ["CA1"], "its call goes on");
  for (const { call } of fixture.edge.connections) await fixture.edge.endCall(call);
  await fixture.clock.until(drained);
  assertEquals(await post("CallSid=CA3&From=carl"), '503 {"status":"draining"}\n', "it is closed");
  assertEquals(fixture.errors, []);
});

Deno.test("WebhookJobs forgets a job whose answer took longer than its place is kept", async () => {
  const answered = Promise.withResolvers<Response>();
  const answers = [answered.promise, Promise.resolve(new Response("<Connect/>"))];
  const { fixture, post } = await set({ respond: () => answers.shift()! }, 1);
  await using _fixture = fixture;
  const slow = post("CallSid=CA1&From=anna");
  await fixture.clock.advance(29_000);
  assertEquals(fixture.worker.load.calls, 1, "it has a place");
  await fixture.clock.advance(2000);
  assertEquals(fixture.worker.load.calls, 0);
  assertEquals(fixture.errors, [
    "the place of CA1: Error: no start and no release within 30000 ms",
  ]);
  answered.resolve(new Response("<Connect/>"));
  assertEquals(await slow, "200 <Connect/>");
  await fixture.clock.advance(0);
  assertEquals(await post("CallSid=CA1&From=anna"), "200 <Connect/>", "the service tries again");
  await fixture.clock.advance(100);
  assertEquals(fixture.joined, ["CA1"]);
});

Deno.test("WebhookJobs remembers a thousand jobs", async () => {
  const { fixture, post } = await set({}, 2, {
    agent: () => {
      throw new Error("no agent today");
    },
  });
  await using _fixture = fixture;
  for (let count = 0; count <= 1000; count++) {
    await post(`CallSid=CA${count}&From=anna`);
    await fixture.clock.advance(0);
  }
  assertEquals(await post("CallSid=CA1&From=anna"), '200 {"status":"duplicate"}\n');
  assertEquals(await post("CallSid=CA0&From=anna"), '200 {"status":"accepted"}\n');
});

Deno.test("WebhookJobs leaves other paths to the application", async () => {
  const { fixture, webhooks } = await set({ path: "/stream" });
  await using _fixture = fixture;
  for (const url of ["/webhook", "/stream/more", "/", undefined, "http://["]) {
    const request = { url } as IncomingMessage;
    assertEquals(await webhooks.handle(request, {} as ServerResponse), false, url);
  }
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
