import { PROTOCOL_VERSION } from "../../../src/edges/local/wire/signalling.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Agent, get } from "node:http";
import type { LocalServerOptions } from "../../../src/edges/local/settings.ts";
import { EdgeError } from "../../../src/edge/errors.ts";
import type { JsonValue } from "../../../src/edge/types.ts";
import type { AgentConnection } from "../../../src/media/child/contract.ts";
import { hello } from "./fakes.ts";
import { CALL, type Page, SECRET, ServerFixture } from "./server_fixture.ts";
import { hasLoopback6 } from "./network.ts";

/** The code of a raw HTTP answer, since `fetch` would not let us lie about Host. */
async function status(origin: string, headers: string[], path = "/"): Promise<string> {
  const { hostname, port } = new URL(origin);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [`GET ${path} HTTP/1.1`, ...headers, "Connection: close", "", ""];
  await connection.write(new TextEncoder().encode(lines.join("\r\n")));
  const answer = await new Response(connection.readable).text();
  return answer.slice(9, 12);
}

Deno.test("the server sends the page and its files with a strict policy", async () => {
  await using fixture = await ServerFixture.open();
  for (const path of ["/", "/call/default/kitchen", "/app.js", "/client.js", "/style.css"]) {
    const response = await fetch(fixture.origin + path);
    assertEquals(response.status, 200, path);
    const policy = response.headers.get("content-security-policy")!;
    assertMatch(policy, /^default-src 'none'/);
    assert(!/unsafe|https?:|\*/.test(policy), policy);
    assertEquals(response.headers.get("x-content-type-options"), "nosniff");
    const text = await response.text();
    if (!path.endsWith(".js") && !path.endsWith(".css")) {
      assert(!/ style=| on\w+=|<style|<script>/.test(text), `${path} has something inline`);
      for (const [, file] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
        const linked = await fetch(fixture.origin + file);
        assertEquals(linked.status, 200, file);
        await linked.body?.cancel();
      }
    }
    for (const [, file] of text.matchAll(/ from "\.(\/[^"]+)"/g)) {
      const imported = await fetch(fixture.origin + file);
      assertEquals(imported.status, 200, file);
      await imported.body?.cancel();
    }
  }
  const missing = await fetch(`${fixture.origin}/nothing`);
  assertEquals(missing.status, 404);
  await missing.body?.cancel();
});

Deno.test("the server rejects requests for another host name", async () => {
  await using fixture = await ServerFixture.open();
  const { host } = new URL(fixture.origin);
  assertEquals(await status(fixture.origin, [`Host: ${host}`]), "200");
  assertEquals(await status(fixture.origin, ["Host: evil.example"]), "403");
  assertEquals(await status(fixture.origin, ["Host: 127.0.0.1"]), "403");
  const upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"];
  assertEquals(await status(fixture.origin, [`Host: ${host}`, ...upgrade], "/signal"), "403");
  assert(fixture.lines.some((line) => line.includes("wrong-host")), fixture.lines.join());
});

Deno.test("the server turns requests with hundreds of headers away, before it copies them", async () => {
  await using fixture = await ServerFixture.open();
  const { host } = new URL(fixture.origin);
  const many = Array.from({ length: 2000 }, (_, index) => `${index.toString(36)}:`);
  assertEquals(await status(fixture.origin, [`Host: ${host}`, ...many]), "431");
  assertEquals(await status(fixture.origin, ["Host: evil.example", ...many]), "431");
  const upgrade = ["Upgrade: websocket", "Connection: Upgrade"];
  const own = [`Host: ${host}`, `Origin: ${fixture.origin}`];
  assertEquals(await status(fixture.origin, [...own, ...upgrade, ...many], "/signal"), "431");
  assertEquals(await status(fixture.origin, [`Host: ${host}`, ...many.slice(0, 90)]), "200");
});

Deno.test("the server serves a proxy that keeps its connections, however much it asks for", async () => {
  await using fixture = await ServerFixture.open();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answers: { port: number | undefined; isLast: boolean }[] = [];
  const headers = { cookie: `c=${"c".repeat(12_000)}` };
  try {
    for (let requests = 0; requests < 50; requests++) {
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      const request = get(`${fixture.origin}/app.js`, { agent, headers }, (response) => {
        const isLast = response.headers.connection === "close";
        answers.push({ port: response.socket.localPort, isLast });
        response.resume().on("end", () => resolve(response.statusCode)).on("error", reject);
      });
      request.on("error", reject);
      assertEquals(await promise, 200);
    }
  } finally {
    agent.destroy();
  }
  // A client that tries again hides what was cut off: the eleventh answer is the one past 128 KiB.
  for (const [port, on] of Map.groupBy(answers, ({ port }) => port)) {
    assertEquals(on.map(({ isLast }) => isLast), on.map((_, at) => at === 10), `${port}`);
  }
});

Deno.test("the server rejects a socket of a foreign page and accepts one of a listed page", async () => {
  await using fixture = await ServerFixture.open({ origins: ["https://example.org"] });
  await fixture.join();
  for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
    let opened = true;
    await fixture.open(origin).catch(() => opened = false);
    assert(!opened, origin);
  }
  assert(fixture.lines.some((line) => line.includes("wrong-origin")));
  const page = await fixture.open("https://example.org");
  page.say(hello("Ada", CALL));
  await page.next("welcome");
});

Deno.test("the server offers its own addresses only to a browser on this machine", async () => {
  const here = "candidate:1 1 udp 1 192.0.2.2 5000 typ host";
  const isOffered = async (
    options: LocalServerOptions,
    { headers, origin }: { headers?: Record<string, string>; origin?: string } = {},
  ): Promise<boolean> => {
    await using fixture = await ServerFixture.open(options);
    await fixture.join();
    const page = await fixture.open(origin, headers);
    page.say(hello("Ada", CALL));
    await page.next("offer");
    fixture.peers[0]!.options.onCandidate?.({ candidate: here });
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

Deno.test("the server lets a listed page read the client, and no foreign one", async () => {
  await using fixture = await ServerFixture.open({ origins: ["https://example.org"] });
  const listed = await fetch(`${fixture.origin}/client.js`, {
    headers: { origin: "https://example.org" },
  });
  assertEquals(listed.headers.get("access-control-allow-origin"), "https://example.org");
  await listed.body?.cancel();
  const foreign = await fetch(`${fixture.origin}/client.js`, {
    headers: { origin: "https://evil.example" },
  });
  assertEquals(foreign.status, 403);
  assertEquals(foreign.headers.get("access-control-allow-origin"), null);
  await foreign.body?.cancel();
});

Deno.test("the server rejects a wrong secret and an unknown call in the same way", async () => {
  await using fixture = await ServerFixture.open();
  await fixture.join();
  const answers = [];
  for (
    const wrong of [{ secret: "B".repeat(22) }, { secret: "" }, { callId: "cellar" }]
  ) {
    const page = await fixture.open();
    page.say(hello("Eve", { ...CALL, ...wrong }));
    answers.push(await page.next("rejected"), await page.closed);
  }
  for (const [index, answer] of answers.entries()) assertEquals(answer, answers[index % 2]);
  assertEquals(answers[0].code, "wrong-link");
  assertEquals(answers[1], { code: 4001, reason: "wrong-link" });
});

Deno.test("the server rejects a page that says nothing, says something else first, or has another version", async () => {
  await using fixture = await ServerFixture.open({ limits: { helloMs: 50 } });
  await fixture.join();
  const silent = await fixture.open();
  assertEquals((await silent.next("rejected")).code, "hello-timeout");
  const early = await fixture.open();
  early.say({ type: "ping", id: 1 });
  assertEquals((await early.next("rejected")).code, "bad-message");
  const old = await fixture.open();
  old.say(hello("Ada", { ...CALL, version: 0 }));
  assertEquals((await old.next("rejected")).code, "wrong-version");
});

Deno.test("the oldest silent socket makes room for a new one", async () => {
  await using fixture = await ServerFixture.open({ limits: { sockets: 2 } });
  await fixture.join();
  const idle = [await fixture.open(), await fixture.open()];
  const ada = await fixture.open();
  assertEquals((await idle[0]!.next("rejected")).code, "too-many-sockets");
  ada.say(hello("Ada", CALL));
  await ada.next("welcome");
  assertEquals(idle[1]!.received, []);
  // A participant's socket does not count.
  const grace = await fixture.open();
  await fixture.open();
  assertEquals((await idle[1]!.next("rejected")).code, "too-many-sockets");
  grace.say(hello("Grace", CALL));
  await grace.next("welcome");
});

Deno.test("the limit of sockets leaves participants in their calls", async () => {
  await using fixture = await ServerFixture.open({ limits: { sockets: 2 } });
  await fixture.join();
  const people = [];
  for (const name of ["Ada", "Grace"]) {
    const page = await fixture.open();
    page.say(hello(name, CALL));
    await page.next("welcome");
    people.push(page);
  }
  // They are not counted either.
  const third = await fixture.open();
  third.say(hello("Linus", CALL));
  await third.next("welcome");
  for (const page of people) assert(!page.received.some(({ type }) => type === "rejected"));
});

Deno.test("LocalChild accepts only a whole secret for a call", async () => {
  await using fixture = await ServerFixture.open();
  for (const secret of ["", "short", "A".repeat(23), `${"A".repeat(21)}!`]) {
    await assertRejects(() => fixture.child.request("open", { ...CALL, secret }));
  }
});

Deno.test("a call has at most one participant per UDP port", async () => {
  await using fixture = await ServerFixture.open({ udpPortRange: { min: 50_000, max: 50_000 } });
  await fixture.join();
  const first = await fixture.open();
  first.say(hello("Ada", CALL));
  await first.next("welcome");
  const second = await fixture.open();
  second.say(hello("Grace", CALL));
  assertEquals((await second.next("rejected")).code, "room-full");
});

Deno.test("repeated rejections do not fill the log", async () => {
  await using fixture = await ServerFixture.open();
  for (let count = 0; count < 30; count++) {
    const response = await fetch(fixture.origin, { headers: { origin: "https://evil.example" } });
    await response.body?.cancel();
  }
  assert(fixture.lines.length >= 1 && fixture.lines.length < 20, `${fixture.lines.length} lines`);
});

Deno.test("a page starts a call only with the start page's secret, and waits in it", async () => {
  await using fixture = await ServerFixture.open({ limits: { calls: 1 } });
  const start = { type: "start", version: PROTOCOL_VERSION, secret: SECRET };
  const ask = async (message: JsonValue): Promise<Page> => {
    const page = await fixture.open();
    page.say(message);
    return page;
  };
  assertEquals((await (await ask(start)).next("rejected")).code, "not-serving");
  await fixture.child.request("serve", { secret: SECRET });
  const wrong = await ask({ ...start, secret: "B".repeat(22) });
  assertEquals((await wrong.next("rejected")).code, "wrong-link");
  const { type: _, ...started } = await (await ask(start)).next("started");
  assertEquals(fixture.messages, [{ type: "callStarted", ...started }]);
  assertEquals((await (await ask(start)).next("rejected")).code, "too-many-calls");
  const page = await fixture.open();
  page.say(hello("Ada", started));
  await page.next("welcome");
});

Deno.test("pages that wait for a call's own process count as calls while they are there", async () => {
  await using fixture = await ServerFixture.open({ mediaIsolation: "call", limits: { calls: 1 } });
  await fixture.child.request("serve", { secret: SECRET });
  const ask = async (): Promise<Page> => {
    const page = await fixture.open();
    page.say({ type: "start", version: PROTOCOL_VERSION, secret: SECRET });
    return page;
  };
  const first = await ask();
  assertEquals((await (await ask()).next("rejected")).code, "too-many-calls");
  assertEquals(fixture.messages.length, 1);
  first.socket.close();
  await first.closed;
  const next = await ask();
  const { callId } = fixture.messages[0] as { callId: string };
  await fixture.child.request("started", { callId, origin: "http://127.0.0.1:1" });
  while (fixture.messages.length < 2) await new Promise((resolve) => setTimeout(resolve));
  const second = fixture.messages[1] as { callId: string };
  await fixture.child.request("started", { callId: second.callId, origin: "http://127.0.0.1:1" });
  assertEquals((await next.next("started")).callId, second.callId);
});

Deno.test("pages that start a call wait until the agent's program takes it, where it is asked", async () => {
  await using fixture = await ServerFixture.open();
  await fixture.child.request("serve", { secret: SECRET, asks: true });
  const ask = async (): Promise<{ page: Page; started: Record<string, string> }> => {
    const page = await fixture.open();
    const asked = fixture.messages.length;
    page.say({ type: "start", version: PROTOCOL_VERSION, secret: SECRET });
    while (fixture.messages.length === asked) await new Promise((resolve) => setTimeout(resolve));
    return { page, started: fixture.messages[asked] as Record<string, string> };
  };
  const declined = await ask();
  const { callId, callType, secret } = declined.started;
  const early = await fixture.open();
  early.say(hello("Eve", { callId, callType, secret }));
  assertEquals((await early.next("rejected")).code, "wrong-link", "nothing is open yet");
  await fixture.child.request("started", { callId: callId!, origin: null });
  assertEquals((await declined.page.next("rejected")).code, "too-many-calls");

  const taken = await ask();
  await fixture.child.request("started", { callId: taken.started.callId! });
  const { type: _, ...started } = await taken.page.next("started");
  const { type: __, ...announced } = taken.started;
  assertEquals(started, announced as never);
  const page = await fixture.open();
  page.say(hello("Ada", started));
  await page.next("welcome");
});

Deno.test("endUnanswered ends a call without an agent, and no other", async () => {
  await using fixture = await ServerFixture.open();
  await fixture.child.request("open", CALL);
  const page = await fixture.open();
  page.say(hello("Ada", CALL));
  await page.next("welcome");
  const agent = await fixture.join();
  await fixture.child.request("endUnanswered", CALL);
  assertEquals(page.received.findLast(({ type }) => type === "goodbye"), undefined);
  await fixture.child.leave(agent as unknown as AgentConnection);
  assertEquals((await page.next("goodbye")).code, "agent-left");

  await fixture.child.request("open", CALL);
  const again = await fixture.open();
  again.say(hello("Ada", CALL));
  await again.next("welcome");
  await fixture.child.request("endUnanswered", CALL);
  assertEquals((await again.next("goodbye")).code, "no-agent");
});

Deno.test("goodbye informs every page and closes its socket", async () => {
  await using fixture = await ServerFixture.open();
  await fixture.join();
  const page = await fixture.open();
  page.say(hello("Ada", CALL));
  await page.next("welcome");
  await fixture.child.goodbye();
  assertEquals((await page.next("goodbye")).code, "server-closing");
  assertEquals((await page.closed).code, 4002);
});

Deno.test("a call ends with its last agent, and so does its link", async () => {
  await using fixture = await ServerFixture.open();
  const agent = await fixture.join();
  await fixture.child.leave(agent as unknown as AgentConnection);
  assertEquals(fixture.messages, [{ type: "callEnded", ...CALL }]);
  const page = await fixture.open();
  page.say(hello("Ada", CALL));
  assertEquals((await page.next("rejected")).code, "wrong-link");
});

Deno.test("a port in use is an EdgeError that names it", async () => {
  await using fixture = await ServerFixture.open();
  const port = Number(new URL(fixture.origin).port);
  const error = await assertRejects(
    () => ServerFixture.open({ port }),
    EdgeError,
    "0 for a free one",
  );
  assertEquals(error.code, "address-in-use");
  assertMatch(error.message, new RegExp(String(port)));
});

Deno.test("a page learns who is in a call by its link alone, and does not join it", async () => {
  await using fixture = await ServerFixture.open();
  await fixture.child.request("open", CALL);
  const look = async (secret: string): Promise<Page> => {
    const { callType, callId } = CALL;
    const page = await fixture.open();
    page.say({ type: "look", version: PROTOCOL_VERSION, callType, callId, secret });
    return page;
  };
  assertEquals((await (await look("B".repeat(22))).next("rejected")).code, "wrong-link");
  assertEquals((await (await look(CALL.secret)).next("call")).participants, []);
});
