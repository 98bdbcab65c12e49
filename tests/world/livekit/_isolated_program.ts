/** A worker whose agents run in processes of their own, and misbehave as their job says. */
import { Agent, PcmChunk, silentLogger } from "@ringline/edge";
import { AgentJoinedEvent, JobEndedEvent, serve } from "@ringline/edge/serve";
import { LiveKitEdge } from "@ringline/livekit";

const { url, apiKey, apiSecret } = JSON.parse(Deno.args[0]!);
const edge = new LiveKitEdge({ url, apiKey, apiSecret, logger: silentLogger });
const samples = Int16Array.from({ length: 2400 }, (_, n) => 9000 * Math.sin(n / 10));

/** Sends a tone for as long as the call lives, and then does what the job says. */
function misbehave(agent: Agent, how: string): void {
  const leak: Uint8Array[] = [];
  const write = async (): Promise<void> => {
    for (;;) await agent.audio.write(new PcmChunk(samples, { sampleRate: 24_000 }));
  };
  write().catch(() => {});
  setTimeout(() => {
    if (how === "loop") {
      console.log("loops");
      for (;;);
    }
    if (how === "throw") throw new Error("the agent's timer has failed");
    if (how === "exit") Deno.exit(7);
    if (how === "leak") setInterval(() => leak.push(new Uint8Array(50 << 20).fill(1)), 20);
  }, 2000);
}

const worker = await serve({
  sources: [edge.jobs({ agentName: "cook" })],
  agentIsolation: "process",
  agent: ({ metadata }) => {
    const agent: Agent = new Agent({
      edge,
      agentUser: { id: "cook", name: "Cook" },
      onEnter: () => misbehave(agent, (metadata as { how: string }).how),
    });
    return agent;
  },
  goodbye: () => console.log("goodbye"),
  limits: { stuckMs: 3000, drainMs: 1000 },
  measure: () => ({ cpu: undefined, memory: undefined }),
  logger: silentLogger,
  isProgram: true,
});
worker.events.subscribe(AgentJoinedEvent, ({ job, agent }) => {
  console.log(`joined ${job.callId} ${agent === undefined}`);
});
worker.events.subscribe(JobEndedEvent, ({ job, outcome }) => {
  const how = outcome.status === "failed"
    ? `${(outcome.error as { code?: string }).code ?? (outcome.error as Error).message}`
    : outcome.reason;
  console.log(`ended ${job.callId} ${outcome.status} ${how}`);
});
console.log("ready");
await worker.closed;
await edge.close();
console.log("closed");
