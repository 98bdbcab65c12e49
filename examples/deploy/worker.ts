/**
 * The worker of these files: its agents return what they hear, in the rooms of LiveKit's dispatch.
 * Its environment has LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET and CONTROL_TOKEN.
 */
import { Agent } from "@ringline/edge";
import { JobEndedEvent, serve, WorkerControl } from "@ringline/edge/serve";
import { LiveKitEdge } from "@ringline/livekit";

await using edge = new LiveKitEdge();
await using worker = await serve({
  sources: [edge.jobs({ agentName: Deno.env.get("AGENT_NAME") ?? "" })],
  agent: () =>
    new Agent({
      edge,
      agentUser: { id: "echo", name: "Echo" },
      audioMode: "live",
      onAudio: ({ pcm }, { audio }) => audio.write(pcm),
    }),
  limits: { calls: 10 },
  isProgram: true,
});
worker.events.subscribe(JobEndedEvent, ({ job, outcome }) => {
  console.log(`${job.callId}: ${outcome.status}`);
});

// Probes come from other machines: in a container it listens on all of its addresses.
const control = new WorkerControl(worker, { edge, token: Deno.env.get("CONTROL_TOKEN") });
const server = Deno.serve({ hostname: "0.0.0.0", port: 8081, onListen() {} }, control.fetch);
await worker.closed;
await server.shutdown();
