/** The page of `openDemo` in Chromium, in a room of LiveKit's own server. */
import { assert, assertEquals } from "@std/assert";
import { TextReceivedEvent } from "@ringline/edge";
import { Listener } from "../../edges/getstream/listener.ts";
import { browserTest } from "../../e2e/_fixture.ts";
import { until } from "../../fixtures/until.ts";
import { edgeOn } from "./_fixture.ts";
import { LiveKitServer, program } from "./_server.ts";
import { playTone } from "../../fixtures/performer.ts";

browserTest("a person joins a LiveKit room by the link of openDemo, and talks", async (browser) => {
  await using server = await LiveKitServer.start();
  await using edge = edgeOn(server.url);
  const agent = new Listener({ id: "parrot", name: "Parrot" });
  const call = await edge.createCall("kitchen");
  const connection = await edge.join(agent, call);
  await playTone(connection, edge);
  const { log } = console;
  console.log = () => {};
  const url = await edge.openDemo(call).finally(() => console.log = log);

  const page = await browser.newPage();
  await page.goto(url.href);
  assert(
    !(await page.evaluate("location.href") as string).includes("token"),
    "the token is not kept",
  );
  const run = <T>(script: string) => page.evaluate(script) as Promise<T>;
  const text = (id: string) => run<string>(`document.getElementById("${id}").textContent`);
  const click = (id: string) => run(`document.getElementById("${id}").click()`);
  await click("join");
  const person = await connection.waitForParticipant({ timeoutMs: 30_000 });
  assertEquals([person.name, person.userId], ["Human User", "demo-user"]);
  await until("the agent's tile", async () => (await text("tiles")).includes("Parrot"));
  await until(
    "the agent receives them",
    () => agent.slots.some(({ participantId }) => participantId === person.id),
  );
  await until(
    "the page plays the agent",
    () => run("[...document.querySelectorAll('audio')].some((one) => one.currentTime > 0.3)"),
  );

  const conversation = await edge.createConversation(call, agent.user, "");
  conversation.append({ role: "assistant", userId: "parrot", text: "Good day." });
  await until(
    "what the agent says",
    async () => (await text("lines")).includes("Parrot: Good day."),
  );
  const written: string[] = [];
  edge.events.subscribe(TextReceivedEvent, ({ text }) => void written.push(text));
  await run(`document.getElementById("text").value = "Hello?"`);
  await run(`document.getElementById("compose").requestSubmit()`);
  await until("what they write", () => written.length === 1);
  assertEquals(written, ["Hello?"]);
  await until("their own line", async () => (await text("lines")).includes("Human User: Hello?"));
  await edge.setAttributes({ "lk.agent.state": "thinking" });
  await until("its state", async () => (await text("tiles")).includes("Parrot, thinking"));
  await click("leave");
  await until(
    "the end",
    async () => (await text("end-text")) !== "" && connection.state === "idle",
  );
  await page.close();
}, { ignore: program === undefined });
