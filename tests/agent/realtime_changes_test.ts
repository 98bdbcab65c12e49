/** Changes of an agent with a realtime model while its session is not at rest. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { handoffTool } from "../../src/agent/handoff_tool.ts";
import { sleep } from "../../src/events/waiting.ts";
import { AgentUpdatedEvent } from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { FakeRealtimeLLM } from "../../src/testing/fake_realtime_llm.ts";
import { Fixture } from "../inference/_fixture.ts";

/** Has the next connection of a model take so long. */
function slow({ clock }: Fixture, llm: FakeRealtimeLLM, ms: number): void {
  const connect = llm.connect.bind(llm);
  llm.connect = async (options) => {
    llm.connect = connect;
    // As with a service that does not notice that it is not wanted any more.
    await sleep(ms, { clock });
    return await connect({ ...options, signal: new AbortController().signal });
  };
}

const look = defineTool({ name: "look", description: "", execute: () => "found" });

for (const ends of ["was lost", "ends soon"] as const) {
  for (const change of ["an update", "a handoff", "a handoff to another model"] as const) {
    for (const canUpdate of [true, false]) {
      const how = canUpdate ? "" : ", of a model whose sessions cannot be changed";
      Deno.test(`${change} while a session that ${ends} is replaced is not lost${how}`, async () => {
        await using fixture = await Fixture.set({
          realtime: [{ heard: "Look.", call: { name: "look", input: {} }, reply: "It is" }],
          agent: { instructions: "Old." },
          prepare: ({ realtime }) => realtime.canUpdate = canUpdate,
        });
        const { clock, agent, realtime } = fixture;
        const other = new FakeRealtimeLLM(clock, [
          { heard: "Look.", call: { name: "look", input: {} }, reply: "It is" },
        ]);
        const closedMs: number[] = [];
        Object.assign(realtime, { close: () => void closedMs.push(clock.now()) });
        await clock.advance(1000);
        slow(fixture, realtime, 3000);
        const [first] = realtime.sessions;
        if (ends === "was lost") first!.lose();
        else first!.expire(60_000);
        await clock.advance(1000);
        const settings = { instructions: "New.", tools: [look] };
        const to = { name: "Billing", ...settings };
        const changing = change === "an update"
          ? agent.update(settings)
          : agent.handoff(change === "a handoff" ? to : { ...to, llm: other });
        await clock.until(changing);
        await clock.advance(20_000);
        const isOther = change === "a handoff to another model";
        assertEquals(closedMs.length, isOther ? 1 : 0);
        await fixture.hear(600, 3000);
        assertEquals(fixture.conversation.at(-1), "agent: It is found");
        // A session that comes too late is not used.
        const heard = [...realtime.sessions, ...other.sessions].filter((one) => one.heardSoundMs);
        assertEquals(heard.map(({ options }) => options.instructions), ["New."]);
        assertEquals(heard[0]!.options.tools.map(({ name }) => name), ["look"]);
        assertEquals(other.sessions.includes(heard[0]!), isOther);
      });
    }
  }
}

for (const why of ["an update", "the end of its session"] as const) {
  Deno.test(`a realtime model knows what was said while it was connected: ${why}`, async () => {
    await using fixture = await Fixture.set({
      realtime: [{ reply: "Four." }],
      prepare: ({ realtime }) => realtime.canUpdate = false,
    });
    const { clock, agent, realtime } = fixture;
    slow(fixture, realtime, 2000);
    const update = why === "an update" ? agent.update({ instructions: "New." }) : undefined;
    if (!update) realtime.sessions[0]!.expire(60_000);
    await clock.advance(600);
    await clock.until(agent.generateReply("What is two and two?"));
    await clock.advance(10_000);
    await update;
    const [, session, ...others] = realtime.sessions;
    assertEquals(others, []);
    assertEquals(session!.options.history, []);
    assertEquals([...session!.texts, ...session!.assistantTexts], [
      "What is two and two?",
      "Four.",
    ]);
  });
}

Deno.test("a realtime model is told of a reply of its last session that is heard to its end", async () => {
  const reply = "There is a lot to be said about it, and here it is.";
  await using fixture = await Fixture.set({ realtime: [{ heard: "Hi.", reply }] });
  const { clock, realtime } = fixture;
  await fixture.hear(600, 800);
  realtime.sessions[0]!.lose();
  await clock.advance(10_000);
  const session = realtime.sessions[1]!;
  assertEquals(session.options.history.map(({ text }) => text), ["Hi."]);
  assertEquals(session.assistantTexts, [reply]);
});

Deno.test("a realtime model is told of a tool that ended while its session was connected", async () => {
  const tool = defineTool({
    name: "look",
    description: "",
    execute: async () => {
      await sleep(3000, { clock: fixture.clock });
      return "found";
    },
  });
  const fixture = await Fixture.set({
    realtime: [{ heard: "Look.", call: { name: "look", input: {} }, reply: "It is" }, {
      reply: "Told.",
    }],
    agent: { tools: [tool] },
  });
  await using _ = fixture;
  const { clock, realtime } = fixture;
  await fixture.hear(600, 800);
  slow(fixture, realtime, 5000);
  realtime.sessions[0]!.lose();
  await clock.advance(20_000);
  const [text, ...others] = realtime.sessions[1]!.texts;
  assertEquals(others, []);
  assert(/^\[the outcome of look, .*\] found$/.test(text ?? ""), text);
  assertEquals(fixture.conversation.at(-1), "agent: Told.");
});

for (const sound of ["a radio", "the application"] as const) {
  Deno.test(`a realtime session is replaced although ${sound} is never quiet`, async () => {
    await using fixture = await Fixture.set({
      realtime: [],
      prepare: ({ realtime }) => realtime.canUpdate = false,
    });
    const { clock, agent } = fixture;
    const said: Promise<unknown>[] = [];
    const speakOn = (): unknown => {
      said.push(agent.say("A sentence that takes two seconds to say").catch(() => {}));
      return said.length < 20 && clock.schedule(speakOn, 2000);
    };
    if (sound === "a radio") fixture.speak(60_000);
    else speakOn();
    await clock.advance(1000);
    const startMs = clock.now();
    const changes = [
      agent.handoff({ name: "Billing", instructions: "New." }),
      agent.update({ tools: [look] }),
    ];
    await clock.until(Promise.all(changes));
    assert(clock.now() - startMs <= 21_000, `${clock.now() - startMs} ms`);
    assertEquals(agent.instructions, "New.");
    await clock.until(Promise.all(said));
  });
}

Deno.test("a written reply of a realtime model goes on after a handoff without the history", async () => {
  const to = { name: "Billing", instructions: "You are billing.", history: "none" } as const;
  await using fixture = await Fixture.set({
    realtime: [{ reply: "", call: { name: "to_billing", input: {} } }, { reply: "It is paid." }],
    agent: { tools: [handoffTool({ name: "to_billing", to: () => to })] },
  });
  const { clock, agent } = fixture;
  assertEquals(await clock.until(agent.text("Is it paid?")), { text: "It is paid." });
});

for (
  const [how, update, message] of [
    ["throws", () => {
      throw new Error("refused");
    }, "refused"],
    ["rejects", () => Promise.reject(new Error("refused")), "refused"],
    ["does not settle", () => new Promise<void>(() => {}), "did not happen within 10000 ms"],
  ] as const
) {
  Deno.test(`update() rejects, and changes nothing, where the session's ${how}`, async () => {
    await using fixture = await Fixture.set({ realtime: [], agent: { instructions: "Old." } });
    const { clock, agent, realtime } = fixture;
    const [session] = realtime.sessions;
    const told: string[] = [];
    session!.update = ({ instructions }) => {
      told.push(instructions);
      return instructions === "Old." ? undefined : update();
    };
    const updating = clock.until(agent.update({ instructions: "New." }));
    await assertRejects(() => updating, Error, message);
    assertEquals(agent.instructions, "Old.");
    assertEquals(told, ["New.", "Old."]);
    assertEquals(fixture.events(AgentUpdatedEvent), []);
  });
}
