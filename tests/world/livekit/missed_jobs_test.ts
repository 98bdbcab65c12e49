/** Callers who came while no worker was connected to LiveKit's own server. */
import { assertEquals } from "@std/assert";
import { RoomAgentDispatch, RoomConfiguration } from "@livekit/protocol";
import { AccessToken } from "livekit-server-sdk";
import { Agent, ErrorEvent, silentLogger } from "@ringline/edge";
import { type JobStore, MemoryJobStore, sharedJobs } from "@ringline/edge/leases";
import { type AgentWorker, type Job, JobStartedEvent, serve } from "@ringline/edge/serve";
import type { LiveKitEdge } from "@ringline/livekit";
import { RedisJobStore } from "@ringline/redis";
import { tone } from "../../edges/getstream/listener.ts";
import { until } from "../../fixtures/until.ts";
import { hasRedis, RedisServer } from "../leases/_redis.ts";
import { edgeOn, liveKitTest, type World } from "./_fixture.ts";
import { Guest } from "./_guest.ts";
import { API_KEY, API_SECRET } from "./_server.ts";
import { Wire } from "./_wire.ts";

/** A worker whose agents say a tone. */
class Cooks implements AsyncDisposable {
  readonly #edge: LiveKitEdge;
  worker!: AgentWorker;
  readonly jobs: Job[] = [];
  losses = 0;

  constructor(url: string) {
    this.#edge = edgeOn(url);
  }

  async start(store: JobStore): Promise<this> {
    this.worker = await serve({
      sources: [sharedJobs(this.#edge.jobs({ agentName: "cook" }), { store })],
      agent: () =>
        new Agent({
          edge: this.#edge,
          agentUser: { id: "cook", name: "Cook" },
          onEnter: async ({ audio, connection }) => {
            while (connection?.state !== "closed") {
              await audio.write(tone({ frequency: 660, ms: 100 }));
            }
          },
        }),
      measure: () => ({ cpu: undefined, memory: undefined }),
      logger: silentLogger,
    });
    this.worker.events.subscribe(JobStartedEvent, ({ job }) => void this.jobs.push(job));
    this.worker.events.subscribe(ErrorEvent, ({ context, error }) => {
      if (context === "LiveKit's jobs" && (error as { code?: string }).code === "lost") {
        this.losses++;
      }
    });
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.close();
    await this.#edge.close();
  }
}

/** Joins a room, and asks for the cook. */
async function call({ server, guests }: World, identity: string, room: string): Promise<Guest> {
  const token = new AccessToken(API_KEY, API_SECRET, { identity });
  token.addGrant({ room, roomJoin: true });
  token.roomConfig = new RoomConfiguration({
    agents: [new RoomAgentDispatch({ agentName: "cook" })],
  });
  return await Guest.join(guests, { url: server.url, token: await token.toJwt(), silent: true });
}

/** Waits until a caller hears an agent, from now on. */
async function hears(guest: Guest): Promise<void> {
  const before = await guest.audibleMs();
  await until("an agent is heard", async () => await guest.audibleMs() > before + 300, 60_000);
}

/** Cuts the workers off while a caller comes, and returns the caller. */
async function whileCutOff(
  wire: Wire,
  workers: Cooks[],
  come: () => Promise<Guest>,
): Promise<Guest> {
  const before = workers.map(({ losses }) => losses);
  wire.cut(true);
  await until("the workers notice", () => workers.every(({ losses }, at) => losses > before[at]!));
  const guest = await come();
  wire.cut(false);
  return guest;
}

liveKitTest("one worker alone takes up a call that came while it was cut off", async (world) => {
  await using wire = new Wire(world.server.port);
  await using cooks = await new Cooks(wire.url).start(new MemoryJobStore());
  const anna = await whileCutOff(wire, [cooks], () => call(world, "anna", "kitchen"));
  await hears(anna);
  assertEquals(cooks.jobs.map(({ callId, attempt }) => [callId, attempt]), [["kitchen", 1]]);
});

liveKitTest(
  "one of the workers takes up a call that came while all were cut off",
  async (world) => {
    await using redis = await RedisServer.start();
    await using wire = new Wire(world.server.port);
    await using stores = new AsyncDisposableStack();
    const workers: Cooks[] = [];
    for (let count = 0; count < 2; count++) {
      const store = stores.use(new RedisJobStore({ url: redis.url }));
      workers.push(stores.use(await new Cooks(wire.url).start(store)));
    }
    const jobs = () => workers.flatMap(({ jobs }) => jobs.map(({ callId }) => callId)).sort();
    await hears(await whileCutOff(wire, workers, () => call(world, "anna", "kitchen")));
    assertEquals(jobs(), ["kitchen"]);
    const agents = (await world.server.rooms.listParticipants("kitchen")).filter(({ kind }) =>
      kind === 4
    );
    assertEquals(agents.length, 1);

    // A call whose agent has left is not among those that were missed.
    await hears(await call(world, "bert", "bar"));
    const bar = workers.flatMap(({ worker, jobs }) => jobs.map((job) => ({ worker, job })))
      .find(({ job }) => job.callId === "bar")!;
    await bar.worker.agentOf(bar.job.id)!.close();
    await until("it has left", () => !bar.worker.jobs.has(bar.job.id));
    await hears(await whileCutOff(wire, workers, () => call(world, "carl", "hall")));
    assertEquals(jobs(), ["bar", "hall", "kitchen"]);
  },
  { ignore: !hasRedis },
);
