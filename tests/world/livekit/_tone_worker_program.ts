/** A worker whose agents say the tone that their job's metadata names. For a program of its own. */
import { Agent, ErrorEvent, PcmChunk, silentLogger } from "@ringline/edge";
import { JobEndedEvent, JobStartedEvent, serve } from "@ringline/edge/serve";
import { LiveKitEdge, ReconnectedEvent } from "@ringline/livekit";

const SAMPLE_RATE = 48_000;
const AMPLITUDE = 0.3 * 32_767;

const { agentName, url, apiKey, apiSecret } = JSON.parse(Deno.args[0]!);
await using edge = new LiveKitEdge({ url, apiKey, apiSecret, logger: silentLogger });

/** Says a tone until the agent's track ends, a second at a time. */
async function speak(agent: Agent, hz: number): Promise<void> {
  // Whole periods, so that the seconds join without a click.
  const samples = Int16Array.from(
    { length: SAMPLE_RATE },
    (_, at) => Math.sin(2 * Math.PI * hz * at / SAMPLE_RATE) * AMPLITUDE,
  );
  for (;;) await agent.audio.write(new PcmChunk(samples, { sampleRate: SAMPLE_RATE }));
}

const worker = await serve({
  sources: [edge.jobs({ agentName })],
  agent: (job) =>
    new Agent({
      edge,
      agentUser: { id: "teller", name: "Teller" },
      onEnter: (context) => {
        const { hz } = job.metadata as { hz: number };
        speak(context as Agent, hz).catch(() => {});
      },
    }),
  limits: { idleMs: 2000 },
  // The machine of a test may be busy with others.
  measure: () => ({ cpu: undefined, memory: undefined }),
  logger: silentLogger,
});
worker.events.subscribe(JobStartedEvent, ({ job }) => {
  console.log(`job ${job.callId} media ${edge.mediaProcessId}`);
});
worker.events.subscribe(JobEndedEvent, ({ job, outcome }) => {
  console.log(`ended ${job.callId} ${outcome.status}`);
});
edge.events.subscribe(
  ErrorEvent,
  ({ context, error }) => console.log(`error ${context}: ${error}`),
);
edge.events.subscribe(
  ReconnectedEvent,
  ({ strategy, elapsedMs }) => console.log(`reconnected ${strategy} ${Math.round(elapsedMs)}`),
);
console.log("ready");
// The end of its input is its order to stop.
for await (const _ of Deno.stdin.readable);
await worker.close();
