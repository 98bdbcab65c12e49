/** A worker that shares its jobs with others: its agents say what they hear. For a program of its own. */
import { Agent, silentLogger } from "@ringline/edge";
import { sharedJobs } from "@ringline/edge/leases";
import { RedisJobStore } from "@ringline/redis";
import { JobStartedEvent, serve } from "@ringline/edge/serve";
import { LiveKitEdge } from "@ringline/livekit";

const { name, urls, redis, apiKey, apiSecret, calls } = JSON.parse(Deno.args[0]!);
const edge = new LiveKitEdge({ url: urls, apiKey, apiSecret, logger: silentLogger });
const store = new RedisJobStore({ url: redis, pool: "cooks" });
const worker = await serve({
  sources: [sharedJobs(edge.jobs({ agentName: "cook" }), { store, workerId: name })],
  agent: () =>
    new Agent({
      edge,
      agentUser: { id: "cook", name },
      audioMode: "live",
      onAudio: ({ pcm }, { audio }) => audio.write(pcm),
    }),
  // The machine of a test may be busy with others.
  measure: () => ({ cpu: undefined, memory: undefined }),
  limits: calls === undefined ? {} : { calls },
  logger: silentLogger,
});
worker.events.subscribe(JobStartedEvent, ({ job }) => {
  console.log(`job ${job.callId} ${job.attempt}`);
});
console.log("ready");
// The end of its input is its order to stop.
for await (const _ of Deno.stdin.readable);
await worker.close();
await store.close();
await edge.close();
