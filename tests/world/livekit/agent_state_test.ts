/** What an agent does, as LiveKit's own client is told it. */
import { assertEquals } from "@std/assert";
import { Agent, ErrorEvent, silentLogger, systemClock } from "@ringline/edge";
import { LiveKitEdge } from "@ringline/livekit";
import { AccessToken } from "livekit-server-sdk";
import { FakeLLM, FakeSTT, FakeTTS, FakeVAD } from "@ringline/edge/testing";
import { until } from "../../fixtures/until.ts";
import { edgeOn, entry, liveKitTest } from "./_fixture.ts";
import { Guest } from "./_guest.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";

liveKitTest(
  "people see what an agent does, by the attribute of LiveKit's front ends",
  async (world) => {
    const { server, guests } = world;
    await using edge = edgeOn(server.url);
    await using agent = new Agent({
      edge,
      agentUser: { id: "bot", name: "Bot" },
      ...{ vad: new FakeVAD(), stt: new FakeSTT(systemClock), tts: new FakeTTS(systemClock) },
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

Deno.test({
  name: "an agent's attributes leave the name and the metadata that others gave it",
  ignore: program === undefined,
  async fn() {
    await using server = await LiveKitServer.start();
    await using edge = edgeOn(server.url);
    await using agent = new Agent({
      edge,
      agentUser: { id: "bot", name: "Bot", custom: { skill: "soup" } },
    });
    const call = await agent.createCall("default", "kitchen");
    await agent.join(call, { participantWaitTimeoutMs: 0 });
    await server.hasMediaOf("bot", "kitchen");
    const given = { name: "Chef", metadata: "of the day" };
    await server.rooms.updateParticipant("kitchen", "bot", given);
    await edge.setAttributes({ table: "7" });
    const bot = await until("it has the attribute", async () => {
      const bot = await server.rooms.getParticipant("kitchen", "bot");
      return bot.attributes.table === "7" ? bot : undefined;
    });
    assertEquals({ name: bot.name, metadata: bot.metadata }, given);
  },
});

Deno.test({
  name: "an agent whose token has no right to attributes says so once",
  ignore: program === undefined,
  async fn() {
    await using server = await LiveKitServer.start();
    await using edge = new LiveKitEdge({
      ...{ url: server.url, logger: silentLogger },
      token: async ({ room, user }) => {
        const token = new AccessToken(API_KEY, API_SECRET, { identity: user.id });
        token.addGrant({ room, roomJoin: true });
        return await token.toJwt();
      },
    });
    const errors: unknown[] = [];
    edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
    await using agent = new Agent({ edge, agentUser: { id: "bot", name: "Bot" } });
    const call = await agent.createCall("default", "kitchen");
    await agent.join(call, { participantWaitTimeoutMs: 0 });
    await server.hasMediaOf("bot", "kitchen");
    for (const state of ["listening", "thinking", "speaking"]) {
      await edge.setAttributes({ "lk.agent.state": state });
    }
    await until("the server has refused", () => errors.length > 0);
    // The server answers in turn: what it says after this was said of all of them.
    await server.rooms.deleteRoom("kitchen");
    assertEquals(await agent.finish(), "call-ended");
    assertEquals(errors.length, 1);
  },
});
