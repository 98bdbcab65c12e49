// deno run --allow-run examples/two_agents.ts
/**
 * Two agents on one edge, each in a call of its own: the echo says everything back immediately, the
 * counter tells the page how long each person has spoken. Neither hears the other's call. Open both
 * links in a browser; Ctrl-C ends them.
 */
import { Agent, untilShutdown } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";

/** Brings an agent into a call and stays until Ctrl-C. */
async function run(agent: Agent, callId: string, signal: AbortSignal): Promise<void> {
  const call = await agent.createCall("default", callId);
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
  await edge.openDemo(call, { signal });
  await agent.finish({ signal });
}

await using edge = new LocalEdge();

const echo = new Agent({
  edge,
  agentUser: { id: "echo", name: "Echo" },
  audioMode: "live",
  onAudio: ({ pcm }, { audio }) => audio.write(pcm),
});

const spokenMs = new Map<string, number>();
const counter = new Agent({
  edge,
  agentUser: { id: "counter", name: "Counter" },
  publishAudio: false,
  onAudio({ participant, pcm }) {
    if (!pcm.samples.some((sample) => Math.abs(sample) > 1000)) return;
    spokenMs.set(participant.name, (spokenMs.get(participant.name) ?? 0) + 20);
  },
});
const timer = setInterval(() => {
  if (counter.connection?.state !== "active" || spokenMs.size === 0) return;
  // Rejects when the call ends meanwhile, which is no trouble.
  counter.sendCustomEvent({ type: "spoken_ms", ...Object.fromEntries(spokenMs) }).catch(() => {});
}, 2000);

await untilShutdown((signal) =>
  Promise.all([run(echo, "echo", signal), run(counter, "counter", signal)])
);
clearInterval(timer);
