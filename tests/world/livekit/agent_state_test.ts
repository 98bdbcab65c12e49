/** What an agent does, as LiveKit's own client is told it. */
import { assertEquals } from "@std/assert";
import { Agent, systemClock } from "@ringline/edge";
import { FakeLLM, FakeSTT, FakeTTS, FakeVAD } from "@ringline/edge/testing";
import { until } from "../../fixtures/until.ts";
import { edgeOn, entry, liveKitTest } from "./_fixture.ts";
import { Guest } from "./_guest.ts";

liveKitTest(
  "people see what an agent does, by the attribute of LiveKit's front ends",
  async (world) => {
    const { server, guests } = world;
    await using edge = edgeOn(server.url);
    await using agent = new Agent({
      edge,
      agentUser: { id: "bot", name: "Bot" },
      vad: new FakeVAD(),
      stt: new FakeSTT(systemClock),
      tts: new FakeTTS(systemClock),
      llm: new FakeLLM(systemClock, [{ text: "I am fine.", firstTokenMs: 700 }]),
    });
    const call = await agent.createCall("default", "kitchen");
    const person = { id: "anna", name: "Anna" };
    const anna = await Guest.join(guests, await entry(edge, call, server.url, person));
    await agent.join(call, { participantWaitTimeoutMs: 30_000 });
    const states = async () =>
      (await anna.log()).flatMap((line) =>
        /^bot \{"lk.agent.state":"(\w+)"\}$/.exec(line)?.[1] ?? []
      );
    const attributes = async () => {
      const others = await anna.run<{ attributes: Record<string, string> }[]>("others");
      return others[0]?.attributes?.["lk.agent.state"];
    };
    await until("it listens", async () => await attributes() === "listening");
    const before = (await states()).length;
    await agent.generateReply("Say how you are.");
    await until("it has spoken", async () => (await states()).length >= before + 3);
    assertEquals((await states()).slice(before), ["thinking", "speaking", "listening"]);
    // One who comes later is told, too.
    const bert = await Guest.join(
      guests,
      await entry(edge, call, server.url, { id: "bert", name: "B" }),
    );
    const others = await bert.run<{ identity: string; attributes: Record<string, string> }[]>(
      "others",
    );
    const bot = others.find(({ identity }) => identity === "bot")!;
    assertEquals(bot.attributes["lk.agent.state"], "listening");
  },
);
