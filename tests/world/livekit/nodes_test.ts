/** Two nodes of LiveKit's own server on one Redis, and what an agent's call outlives there. */
import { assert, assertEquals } from "@std/assert";
import {
  Agent,
  type CallConnection,
  ConnectionStateChangedEvent,
  ParticipantJoinedEvent,
  ParticipantLeftEvent,
  silentLogger,
} from "@ringline/edge";
import { delay } from "@std/async/delay";
import { type LiveKitEdge, ReconnectedEvent } from "@ringline/livekit";
import { serve } from "@ringline/edge/serve";
import { Listener } from "../../edges/getstream/listener.ts";
import { browserTest } from "../../e2e/_fixture.ts";
import { until } from "../../fixtures/until.ts";
import { edgeOn, entry } from "./_fixture.ts";
import { Guest, GuestPage } from "./_guest.ts";
import { hasRedis, RedisServer } from "../leases/_redis.ts";
import { LiveKitServer, program } from "./_server.ts";
import { freePort } from "../../fixtures/free_port.ts";
import { playTone } from "../../fixtures/performer.ts";

const ANNA = { id: "anna", name: "Anna" };

/** What a test has: the room lives on `first`, and its people are connected by `second`. */
interface Nodes {
  redis: RedisServer;
  first: LiveKitServer;
  second: LiveKitServer;
  edge: LiveKitEdge;
  agent: Listener;
  connection: CallConnection;
  anna: Guest;
}

function nodesTest(name: string, body: (nodes: Nodes) => Promise<void>): void {
  browserTest(name, async (browser) => {
    await using redis = await RedisServer.start();
    await using first = await LiveKitServer.start({ redis: redis.address });
    await using edge = edgeOn(first.url);
    const call = await edge.createCall("kitchen");
    // A room lives on one node: on the only one that there is now.
    await using second = await LiveKitServer.start({ redis: redis.address });
    await using both = edgeOn([first.url, second.url]);
    const agent = new Listener({ id: "bot", name: "Bot" });
    const connection = await both.join(agent, call);
    await playTone(connection, both);
    await using page = await GuestPage.open(browser);
    const anna = await Guest.join(page, await entry(edge, call, second.url, ANNA));
    await anna.run("startTone", 440);
    await until("anna is here", () => connection.participants.has(anna.sid));
    await hears(agent, anna);
    await anna.hears();
    await body({ redis, first, second, edge: both, agent, connection, anna });
  }, { ignore: program === undefined || !hasRedis });
}

/** Waits until the agent hears them, from now on. */
async function hears(agent: Listener, anna: Guest): Promise<void> {
  const since = performance.now();
  await until(
    "the agent hears anna",
    () =>
      agent.slots.filter(({ at, rms, participantId }) =>
        at > since && rms > 0.05 && participantId === anna.sid
      ).length > 20,
    40_000,
  );
}

/** What the agent is told of the call. */
function storyOf(edge: LiveKitEdge): string[] {
  const story: string[] = [];
  edge.events.subscribe([ParticipantJoinedEvent, ParticipantLeftEvent], ({ type }) => {
    story.push(type);
  });
  edge.events.subscribe(ConnectionStateChangedEvent, ({ state, previous }) => {
    if (state !== previous) story.push(state);
  });
  return story;
}

nodesTest(
  "a room whose node is killed goes on, on the other, with the same people",
  async (nodes) => {
    const { first, edge, agent, connection, anna } = nodes;
    const story = storyOf(edge);
    const back = Promise.withResolvers<ReconnectedEvent>();
    edge.events.subscribe(ReconnectedEvent, back.resolve);
    await first.kill();
    // The agent is there long before the browser notices anything.
    const { strategy } = await back.promise;
    assertEquals(strategy, "rejoin");
    await hears(agent, anna);
    await anna.hears();
    assertEquals([[...connection.participants.keys()], story], [[anna.sid], []]);
    assertEquals(connection.idleForMs(), 0);
  },
);

nodesTest(
  "sound goes on while the nodes have no Redis, and the call outlives that",
  async (nodes) => {
    const { redis, edge, agent, connection, anna } = nodes;
    const story = storyOf(edge);
    await redis.stop();
    await hears(agent, anna);
    await anna.hears();
    await redis.restart();
    await until("all is well", () => !connection.isReconnecting, 40_000);
    await hears(agent, anna);
    await anna.hears();
    assertEquals([[...connection.participants.keys()], story], [[anna.sid], []]);
    assert(connection.state === "active");
  },
);

Deno.test({
  name: "a room whose node is killed keeps the one agent of its dispatch",
  ignore: program === undefined || !hasRedis,
  async fn() {
    await using redis = await RedisServer.start();
    await using first = await LiveKitServer.start({ redis: redis.address });
    const port = freePort();
    await using edge = edgeOn([first.url, `ws://127.0.0.1:${port}`]);
    await using worker = await serve({
      sources: [edge.jobs()],
      agent: () => new Agent({ edge, agentUser: { id: "cook", name: "Cook" } }),
      measure: () => ({ cpu: undefined, memory: undefined }),
      logger: silentLogger,
    });
    // A room lives on one node: on the only one that there is now.
    await first.rooms.createRoom({ name: "kitchen" });
    const agents = async ({ rooms }: LiveKitServer) =>
      (await rooms.listParticipants("kitchen").catch(() => [])).map(({ identity }) => identity);
    await until("the agent is there", async () => (await agents(first)).length === 1);
    const before = await agents(first);
    await using second = await LiveKitServer.start({ redis: redis.address, port });
    const reconnected = Promise.withResolvers<void>();
    edge.events.subscribe(ReconnectedEvent, () => reconnected.resolve());
    await first.kill();
    await reconnected.promise;
    // The server asks for its agent some seconds later.
    await delay(10_000);
    assertEquals([await agents(second), worker.jobs.size], [before, 1]);
  },
});
