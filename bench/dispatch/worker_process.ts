/**
 * A worker as a program: its agents say a tone as soon as they can be heard. Argument: where, as JSON.
 * Sends when each job was assigned, and when its agent had joined; ends with its input.
 *
 * @module
 */
import { Agent, PcmChunk, silentLogger } from "@ringline/edge";
import { AgentJoinedEvent, JobEndedEvent, JobStartedEvent, serve } from "@ringline/edge/serve";
import { LiveKitEdge } from "@ringline/livekit";
import { receive, send } from "../lib/lines.ts";

Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order

const { agentName, calls, ...service } = JSON.parse(Deno.args[0]!);
const tone = new PcmChunk(
  Int16Array.from({ length: 24_000 }, (_, index) => 10_000 * Math.sin(index / 8)),
  { sampleRate: 48_000 },
);
const edge = new LiveKitEdge({ ...service, logger: silentLogger });
const worker = await serve({
  sources: [edge.jobs({ agentName })],
  agent: () =>
    new Agent({
      edge,
      agentUser: { id: "agent", name: "Agent" },
      onEnter: async ({ audio }) => {
        for (let count = 0; count < 10; count++) await audio.write(tone);
      },
    }),
  limits: { calls },
  // The server chooses by the number of calls alone: all workers are on this machine.
  measure: () => ({ cpu: undefined, memory: undefined }),
  logger: silentLogger,
});
worker.events.subscribe(JobStartedEvent, ({ job }) => {
  send({ event: { room: job.callId, assignedAt: Date.now() } });
});
worker.events.subscribe(AgentJoinedEvent, ({ job }) => {
  send({ event: { room: job.callId, joinedAt: Date.now() } });
});
worker.events.subscribe(JobEndedEvent, ({ job, outcome }) => {
  if (outcome.status === "failed") send({ event: { room: job.callId, error: `${outcome.error}` } });
});
send({ ready: true });
for await (const _ of receive());
await worker.close();
await edge.close();
Deno.exit();
