/** A worker as a program: its start page, its limits, its control, and how it stops. */
import { assert, assertEquals } from "@std/assert";
import { childrenOf, Example, gone, ROOT } from "./_example.ts";
import { browserTest, until } from "./_fixture.ts";
import { openPage, shows } from "./_page.ts";
import { PROTOCOL_VERSION } from "../../src/edges/local/wire/signalling.ts";
import type { Page } from "../../scripts/lib/browser.ts";

const TOKEN = "w".repeat(32);
/** A program and its media process begin, on a machine that does much else. */
const START_MS = 60_000;
const HEADERS = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };

/** The example, with its control. */
async function start(args: string[] = []): Promise<{ worker: Example; control: string }> {
  const worker = await Example.start("worker.ts", {
    env: { CONTROL_TOKEN: TOKEN },
    args: ["--control", "0", ...args],
  });
  try {
    const control = await until(
      `the control is served: ${worker.output}`,
      () => worker.output.match(/^Control: (\S+)$/m)?.[1],
      START_MS,
    );
    return { worker, control };
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw error;
  }
}

/** A probe's status and what it says. */
async function probe(control: string, path: string): Promise<string> {
  const response = await fetch(`${control}${path}`);
  return `${response.status} ${(await response.json()).status}`;
}

/** Starts a call on the start page, by keyboard. */
async function startCall(page: Page): Promise<void> {
  await page.waitForSelector("#name, button");
  await shows(page, /start/i);
  if (await page.$("#lobby:not([hidden]) #name")) await page.type("#name", "Ada");
  await page.keyboard.press("Enter");
}

/** What another page is told that wants to start a call. */
async function answerToStart(link: URL): Promise<string> {
  const socket = new WebSocket(`${link.origin.replace("http", "ws")}/signal`, {
    headers: { origin: link.origin },
  });
  const secret = link.hash.slice(1);
  socket.onopen = () => {
    socket.send(JSON.stringify({ type: "start", version: PROTOCOL_VERSION, secret }));
  };
  let answer: { type: string; code?: string } | undefined;
  socket.onmessage = ({ data }) => answer = JSON.parse(data);
  try {
    const { type, code } = await until("the start is answered", () => answer);
    return code ?? type;
  } finally {
    socket.close();
    await until("the socket is closed", () => socket.readyState === WebSocket.CLOSED);
  }
}

browserTest("a worker lets its call finish after SIGTERM, and takes no other", async (browser) => {
  const { worker, control } = await start(["--calls", "1"]);
  await using _worker = worker;
  const link = await worker.link();
  assertEquals(await probe(control, "/readyz"), "200 ready");
  const ada = await openPage(browser, link);
  await startCall(ada);
  await shows(ada, /Parrot/);
  assertEquals(await probe(control, "/readyz"), "503 calls");
  assertEquals(await answerToStart(link), "too-many-calls");

  Deno.kill(worker.pid, "SIGTERM");
  await until("it drains", () => /stopping: 1 call goes on/.test(worker.output));
  assertEquals(await probe(control, "/readyz"), "503 draining");
  assertEquals(await probe(control, "/healthz"), "200 ok");
  await shows(ada, /Parrot/);
  await until("the call goes on", async () => {
    const response = await fetch(`${control}/calls`, { headers: HEADERS });
    const { calls } = await response.json();
    return calls.length === 1 && calls[0].state === "active";
  });
  await ada.close();
  assertEquals(await worker.ended(), 0, worker.output);
  assert(/has ended after \d+ s: finished\./.test(worker.output), worker.output);
  assert(/stopping: 0 calls go on/.test(worker.output), worker.output);
});

Deno.test({
  name: "a worker whose control cannot be served ends, and says why",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using worker = await Example.start("worker.ts", {
      env: { CONTROL_TOKEN: "short" },
      args: ["--control", "0"],
    });
    assertEquals(await worker.ended(), 1, worker.output);
    assert(worker.output.includes("token: expected at least 32 random characters"), worker.output);
    assert(!/^Open /m.test(worker.output), worker.output);
  },
});

Deno.test({
  name: "a worker ends immediately on a second signal, and its media process with it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { worker, control } = await start();
    await using _worker = worker;
    const created = await fetch(`${control}/calls`, {
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify({ callId: "kitchen" }),
    });
    const { url, id } = await created.json();
    assertEquals([created.status, new URL(url).pathname], [201, "/call/default/kitchen"]);
    await until("the agent is there", async () => {
      const call = await fetch(`${control}/calls/${id}`, { headers: HEADERS });
      return (await call.json()).state === "waiting";
    });
    const [media] = await childrenOf(worker.pid);
    Deno.kill(worker.pid, "SIGTERM");
    await until("it drains", () => /stopping: 1 call goes on/.test(worker.output));
    Deno.kill(worker.pid, "SIGTERM");
    assertEquals(await worker.ended(), 143);
    await gone(media!);
  },
});

Deno.test("a worker as a program lets a call that throws end alone", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "tests/serve/fixtures/uncaught.ts"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(60_000),
  }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const errors = new TextDecoder().decode(stderr);
  assertEquals([code, lines.slice(0, 2).sort()], [0, [
    "rejects failed: late",
    "throws failed: now",
  ]]);
  assertEquals(lines[2], "goes on: good");
  assertEquals(lines.at(-1), "closed");
  assert(errors.includes("the agent of rejects: Error: late"), errors);
});
