/** The page of docs/your_own_page.md, as it stands there, in a browser. */
import { assertEquals } from "@std/assert";
import { Agent, silentLogger } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { ROOT } from "./_example.ts";
import { browserTest, until } from "./_fixture.ts";

const GUIDE = new URL("docs/your_own_page.md", ROOT);

browserTest("the guide's page joins, and says how it ended", async (browser) => {
  const html = /```html\n([^]*?)```/.exec(await Deno.readTextFile(GUIDE))![1]!;
  await using own = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(`<!doctype html>${html}`, { headers: { "content-type": "text/html" } }),
  );
  const origin = `http://127.0.0.1:${own.addr.port}`;
  await using edge = new LocalEdge({ origins: [origin], logger: silentLogger });
  const agent = new Agent({ edge, agentUser: { id: "echo", name: "Echo" } });
  const call = await agent.createCall("default", "kitchen");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });

  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => void errors.push(String(error)));
  const { href } = await edge.callLink(call);
  await page.goto(`${origin}/?call=${encodeURIComponent(href)}`);
  const status = () => page.evaluate("document.querySelector('#status').textContent");
  // The button works from when the client is loaded.
  await until("the client is loaded", () => page.evaluate("join.onclick !== null"));
  await page.click("#join");
  await until("the page has joined", async () => await status() === "connected");
  await until(
    "the agent sees Ada",
    () => [...agent.connection!.participants.values()].some(({ name }) => name === "Ada"),
  );
  await agent.close();
  await until("the page says how it ended", async () => /left|over/.test(String(await status())));
  assertEquals(errors, []);
  await page.close();
});
