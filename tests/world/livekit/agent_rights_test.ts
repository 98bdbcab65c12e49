/** What an agent may say of itself and send, on LiveKit's own server. */
import { assertEquals } from "@std/assert";
import { AccessToken } from "livekit-server-sdk";
import { Agent, type EdgeError, ErrorEvent, silentLogger } from "@ringline/edge";
import { LiveKitEdge } from "@ringline/livekit";
import { until } from "../../fixtures/until.ts";
import { edgeOn } from "./_fixture.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";

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

Deno.test({
  name: "an agent learns that it may send no data, and that it may again",
  ignore: program === undefined,
  async fn() {
    await using server = await LiveKitServer.start();
    await using edge = edgeOn(server.url);
    await using agent = new Agent({ edge, agentUser: { id: "bot", name: "Bot" } });
    const call = await agent.createCall("default", "kitchen");
    const { connection } = await agent.join(call, { participantWaitTimeoutMs: 0 });
    await server.hasMediaOf("bot", "kitchen");
    const send = () =>
      connection.sendCustomEvent({ table: 7 }).then(() => "sent", ({ code }) => code);
    assertEquals(await send(), "sent");
    for (const [canPublishData, outcome] of [[false, "forbidden"], [true, "sent"]] as const) {
      const permission = { canPublish: true, canSubscribe: true, canPublishData };
      await server.rooms.updateParticipant("kitchen", "bot", { permission });
      await until(`it is ${outcome}`, async () => await send() === outcome);
      const text = await edge.sendText("Soup.").then(() => "sent", ({ code }) => code);
      assertEquals(text, outcome);
    }
  },
});

Deno.test({
  name: "an agent learns that it may hear no one",
  ignore: program === undefined,
  async fn() {
    await using server = await LiveKitServer.start();
    await using edge = edgeOn(server.url);
    const errors: string[] = [];
    edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push((error as EdgeError).code));
    await using agent = new Agent({ edge, agentUser: { id: "bot", name: "Bot" } });
    const call = await agent.createCall("default", "kitchen");
    const { connection } = await agent.join(call, { participantWaitTimeoutMs: 0 });
    await server.hasMediaOf("bot", "kitchen");
    for (const may of [false, true, false]) {
      const permission = { canPublish: true, canPublishData: may, canSubscribe: may };
      await server.rooms.updateParticipant("kitchen", "bot", { permission });
      await until(
        "it has learned of it",
        () => connection.sendCustomEvent({}).then(() => may, () => !may),
      );
    }
    assertEquals(errors, ["forbidden", "forbidden"]);

    // Also by its token.
    await using other = new LiveKitEdge({
      ...{ url: server.url, logger: silentLogger },
      token: async ({ room, user }) => {
        const token = new AccessToken(API_KEY, API_SECRET, { identity: user.id });
        token.addGrant({ room, roomJoin: true, canSubscribe: false });
        return await token.toJwt();
      },
    });
    const said = Promise.withResolvers<ErrorEvent>();
    other.events.subscribe(ErrorEvent, said.resolve);
    await using deaf = new Agent({ edge: other, agentUser: { id: "deaf", name: "Bot" } });
    await deaf.join(await deaf.createCall("default", "kitchen"), { participantWaitTimeoutMs: 0 });
    assertEquals(((await said.promise).error as EdgeError).code, "forbidden");
  },
});
