/** Faults of network, browser and process, and what each side sees of them. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { openAgentFixture } from "./_agents.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { toneDb } from "./_signal.ts";

browserTest("the page learns that the agent has left", async (browser) => {
  await using fixture = await openAgentFixture();
  const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
  await fixture.agent.close();
  const ended = await until("the call is over", async () => (await guest.events("ended")).at(0));
  assertEquals(ended.code, "agent-left");
  assert(ended.message.length > 0);
});

browserTest(
  "a page whose signalling breaks off comes back as the same participant",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
    const connection = fixture.agent.connection!;
    await until("Ada is here", () => connection.participants.has(guest.id));
    await guest.startTone(500);
    await until("Ada is heard", async () => toneDb(await fixture.ears.next("Ada", 200), 500) > -25);
    await guest.client("breakSignalling");
    await until(
      "the page reconnects",
      async () => (await guest.events("state")).some(({ state }) => state === "reconnecting"),
    );
    await until(
      "the page is back",
      async () => (await guest.events("state")).at(-1)?.state === "connected",
    );
    assertEquals([...connection.participants.keys()], [guest.id]);
    await until("Ada is heard", async () => toneDb(await fixture.ears.next("Ada", 200), 500) > -25);
    await guest.leave();
  },
);

browserTest("a wrong secret is rejected in plain words", async (browser) => {
  await using fixture = await openAgentFixture();
  const wrong = new URL(fixture.link);
  wrong.hash = "A".repeat(22);
  const page = await browser.newPage();
  await page.goto(wrong.href);
  await page.waitForSelector("input");
  await page.type("input", "Eve");
  await page.keyboard.press("Enter");
  const text = await until("the refusal is shown", async () => {
    const shown = await page.evaluate("document.body.innerText") as string;
    return /not open/i.test(shown) && /new link/i.test(shown) && shown;
  });
  assert(!/undefined|\[object/.test(text), text);
  assertEquals(fixture.agent.connection!.participants.size, 0);
});

browserTest("a page of a foreign origin is rejected", async (browser) => {
  await using fixture = await openAgentFixture();
  await using foreign = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("<p>elsewhere</p>", { headers: { "content-type": "text/html" } }),
  );
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${foreign.addr.port}/`);
  const outcome = await page.evaluate(
    (address) =>
      new Promise((resolve) => {
        const socket = new WebSocket(address);
        socket.onopen = () => resolve("open");
        socket.onclose = () => resolve("refused");
      }),
    `ws://${fixture.link.host}/signal`,
  );
  assertEquals(outcome, "refused");
  const script = await page.evaluate(
    (address) => import(address).then(() => "loaded", () => "refused"),
    new URL("/client.js", fixture.link).href,
  );
  assertEquals(script, "refused");
  await page.close();
});

browserTest("a killed browser is gone for the agent", async (browser) => {
  await using fixture = await openAgentFixture();
  await Guest.join(browser, fixture.link, { name: "Ada" });
  const connection = fixture.agent.connection!;
  await until("Ada is here", () => connection.state === "active");
  const killed = performance.now();
  browser.process()!.kill("SIGKILL");
  await until("Ada is gone", () => connection.participants.size === 0);
  assertEquals(connection.state, "idle");
  // A second is what is promised; the rest is for a machine that is busy.
  assertLess(performance.now() - killed, 3000);
});
