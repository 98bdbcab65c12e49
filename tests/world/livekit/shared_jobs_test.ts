/** Workers that share jobs, on two nodes of LiveKit's own server and one Redis. */
import { assert, assertEquals } from "@std/assert";
import { RoomAgentDispatch, RoomConfiguration } from "@livekit/protocol";
import { AccessToken } from "livekit-server-sdk";
import { browserTest } from "../../e2e/_fixture.ts";
import { until } from "../../fixtures/until.ts";
import { hasRedis, RedisServer } from "../leases/_redis.ts";
import { WorkerProgram } from "../leases/_workers.ts";
import { Guest, GuestPage } from "./_guest.ts";
import { API_KEY, API_SECRET, LiveKitServer, program } from "./_server.ts";

const PROGRAM = new URL("./_worker_program.ts", import.meta.url);

/** A token that asks for the agent. */
async function tokenFor(identity: string, room: string): Promise<string> {
  const token = new AccessToken(API_KEY, API_SECRET, { identity });
  token.addGrant({ room, roomJoin: true });
  token.roomConfig = new RoomConfiguration({
    agents: [new RoomAgentDispatch({ agentName: "cook" })],
  });
  return await token.toJwt();
}

browserTest("the call of a worker that is killed goes on with another's agent", async (browser) => {
  await using redis = await RedisServer.start();
  await using one = await LiveKitServer.start({ redis: redis.address });
  await using two = await LiveKitServer.start({ redis: redis.address });
  await using guests = await GuestPage.open(browser);
  const options = { redis: redis.url, apiKey: API_KEY, apiSecret: API_SECRET };
  await using a = new WorkerProgram("a", PROGRAM, {
    ...options,
    urls: [one.url, two.url],
    calls: 1,
  });
  await a.ready();

  // One call fills the only worker; the server finds none for the second, and never asks again.
  const anna = await Guest.join(guests, {
    url: two.url,
    token: await tokenFor("anna", "kitchen"),
  });
  await anna.run("startTone", 440);
  await anna.hears();
  assertEquals(a.jobs, ["kitchen 1"]);
  const bert = await Guest.join(guests, { url: one.url, token: await tokenFor("bert", "bar") });
  await bert.run("startTone", 440);
  await using b = new WorkerProgram("b", PROGRAM, { ...options, urls: [two.url, one.url] });
  await b.ready();
  await bert.hears();
  assertEquals([a.jobs, b.jobs], [["kitchen 1"], ["bar 1"]]);

  // Redis is away for a while: the calls go on, and none is taken up.
  await redis.stop();
  await anna.hears();
  await bert.hears();
  await redis.restart();
  await anna.hears();

  const killedAt = performance.now();
  await a.kill();
  await until("the other worker takes the call up", () => b.jobs.includes("kitchen 2"), 60_000);
  const takenUpMs = performance.now() - killedAt;
  await anna.hears();
  assert(takenUpMs > 1000, "not before the lease's end");
  const agents = (await one.rooms.listParticipants("kitchen")).filter(({ kind }) => kind === 4);
  assertEquals(agents.map(({ name }) => name), ["b"]);
  await bert.hears();
}, { ignore: program === undefined || !hasRedis });
