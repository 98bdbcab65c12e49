// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-env examples/realtime.ts
/** A realtime model to talk to, which hears and speaks by itself. */
import { Agent, untilInterrupted } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { openAIRealtime } from "@ringline/edge/openai-realtime";

const apiKey = Deno.env.get("OPENAI_API_KEY");
if (!apiKey) {
  console.error("Set OPENAI_API_KEY. Without any key: examples/local_assistant.ts");
  Deno.exit(1);
}

await untilInterrupted(async (signal) => {
  await using edge = new LocalEdge();
  const agent = new Agent({
    edge,
    agentUser: { id: "realtime", name: "Realtime" },
    instructions: "You are a friendly companion on a call. Keep it short.",
    llm: openAIRealtime({ apiKey, voice: "marin" }),
    audioRate: 24_000,
  });
  const call = await agent.createCall("default", "realtime");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
  await edge.openDemo(call, { signal });
  await agent.waitForParticipant({ signal });
  agent.respond("Greet the person who has just joined.");
  await agent.finish({ signal });
});
