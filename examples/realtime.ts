// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-env=OPENAI_API_KEY,OPENAI_BASE_URL,GEMINI_API_KEY,GEMINI_BASE_URL examples/realtime.ts
/**
 * An agent with a realtime model, which receives and returns speech: one of OpenAI, or with `--model
 * gemini-3.1-flash-live-preview` and the key `GEMINI_API_KEY` one of Gemini.
 */
import { Agent, type RealtimeLLM } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { OPENAI_MODELS, openAIRealtime } from "@ringline/edge/openai-realtime";
import { commandLine, run, serviceFromEnv } from "./lib/program.ts";
import { vendor } from "./lib/speech_services.ts";

const { model, voice } = commandLine({ model: OPENAI_MODELS.realtime, voice: "" });

/** Creates the model; loads only the adapter in use. */
async function createModel(): Promise<RealtimeLLM> {
  if (!model.startsWith("gemini")) {
    return openAIRealtime({ ...serviceFromEnv(), model, voice: voice || "marin" });
  }
  const { geminiLive } = await import("@ringline/edge/gemini-live");
  return geminiLive({ ...vendor("gemini"), model, voice: voice || undefined });
}

const llm = await createModel();

await run(async (signal) => {
  await using edge = new LocalEdge();
  const agent = new Agent({
    edge,
    agentUser: { id: "realtime", name: "Realtime" },
    instructions: "You are a friendly companion on a call. Keep it short.",
    llm,
    sampleRate: 24_000,
  });
  const call = await agent.createCall("default", "realtime");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
  await edge.openDemo(call, { signal });
  await agent.waitForParticipant({ signal });
  void agent.generateReply("Greet the person who has just joined.");
  await agent.finish({ signal });
});
