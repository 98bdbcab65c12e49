/** A worker for Stream's webhooks whose agents run in processes of their own; the one of the call "exit" exits. */
import { Agent, PcmChunk, silentLogger, systemClock } from "@ringline/edge";
import {
  AgentJoinedEvent,
  JobEndedEvent,
  serve,
  WebhookJobs,
  WorkerControl,
} from "@ringline/edge/serve";
import { FakeLLM, FakeSTT, FakeTTS, FakeVAD } from "@ringline/edge/testing";
import { GetStreamEdge } from "@ringline/getstream";

const edge = new GetStreamEdge({ ...JSON.parse(Deno.args[0]!), logger: silentLogger });
const webhooks = new WebhookJobs({ read: (request) => edge.readWebhook(request) });
const samples = Int16Array.from({ length: 2400 }, (_, n) => 9000 * Math.sin(n / 10));

/** Sends a tone for as long as the call lives. */
async function play(agent: Agent): Promise<void> {
  for (;;) await agent.audio.write(new PcmChunk(samples, { sampleRate: 24_000 }));
}

/** Replies to what it hears. */
function talker(): Agent {
  return new Agent({
    edge,
    agentUser: { id: "bot", name: "Bot" },
    vad: new FakeVAD(),
    stt: new FakeSTT(systemClock, ["Soup, please."]),
    llm: new FakeLLM(systemClock, ["It is on its way."]),
    tts: new FakeTTS(systemClock),
  });
}

const worker = await serve({
  sources: [webhooks],
  edges: [edge],
  agentIsolation: "process",
  agent: ({ callId }) => {
    if (callId === "talk") return talker();
    const agent: Agent = new Agent({
      edge,
      agentUser: { id: "bot", name: "Bot" },
      onEnter: () => {
        play(agent).catch(() => {});
        if (callId === "exit") setTimeout(() => Deno.exit(7), 2000);
      },
    });
    return agent;
  },
  goodbye: () => console.log("goodbye"),
  limits: { drainMs: 1000 },
  measure: () => ({ cpu: undefined, memory: undefined }),
  logger: silentLogger,
  isProgram: true,
});
worker.events.subscribe(AgentJoinedEvent, ({ job }) => console.log(`joined ${job.callId}`));
worker.events.subscribe(JobEndedEvent, ({ job, outcome }) => {
  const how = outcome.status === "failed"
    ? (outcome.error as { code?: string }).code ?? `${outcome.error}`
    : outcome.reason;
  console.log(`ended ${job.callId} ${outcome.status} ${how}`);
});
const control = new WorkerControl(worker, { token: "t".repeat(32), publicMetrics: true });
const address = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
const server = Deno.serve(
  address,
  (request) => request.method === "GET" ? control.fetch(request) : webhooks.fetch(request),
);
console.log(`port ${server.addr.port}`);
console.log("ready");
await worker.closed;
await server.shutdown();
await edge.close();
console.log("closed");
