// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-env=OPENAI_API_KEY,OPENAI_BASE_URL examples/realtime.ts
/** An agent with a realtime model, which receives and returns speech. */
import { Agent } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { OPENAI_MODELS, openAIRealtime } from "@ringline/edge/openai-realtime";
import { commandLine, run, serviceFromEnv } from "./lib/program.ts";

const options = commandLine({ model: OPENAI_MODELS.realtime, voice: "marin" });
const service = serviceFromEnv();

await run(async (signal) => {
  await using edge = new LocalEdge();
  const agent = new Agent({
    edge,
    agentUser: { id: "realtime", name: "Realtime" },
    instructions: "You are a friendly companion on a call. Keep it short.",
    llm: openAIRealtime({ ...service, ...options }),
    sampleRate: 24_000,
  });
  const call = await agent.createCall("default", "realtime");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
  await edge.openDemo(call, { signal });
  await agent.waitForParticipant({ signal });
  const greeting = agent.generateReply("Greet the person who has just joined.");
  await Promise.all([greeting, agent.finish({ signal })]);
});
