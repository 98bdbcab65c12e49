// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-read --allow-env=OPENAI_API_KEY,OPENAI_BASE_URL examples/assistant.ts
/**
 * An assistant to talk to. One environment variable: the key of a service that speaks OpenAI's
 * interface; `OPENAI_BASE_URL` names another one, a local server included, and `--model`, `--stt`,
 * `--tts` and `--voice` what it has.
 *
 * `--edge stream` joins a call of Stream's instead of the local page. That needs `STREAM_API_KEY`
 * and `STREAM_API_SECRET`, and `--allow-env` for them.
 */
import { Agent, defineTool, type EdgeTransport } from "@ringline/edge";
import { OPENAI_MODELS, openAICompatible } from "@ringline/edge/openai";
import { sileroVad } from "@ringline/silero-vad";
import { commandLine, fail, run, serviceFromEnv } from "./lib/program.ts";

const options = commandLine({
  edge: "local",
  model: OPENAI_MODELS.chat,
  stt: OPENAI_MODELS.transcription,
  tts: OPENAI_MODELS.speech,
  voice: "marin",
});
const service = openAICompatible(serviceFromEnv());

/** Only the edge that is used is loaded. */
async function makeEdge(name: string): Promise<EdgeTransport> {
  switch (name) {
    case "local":
      return new (await import("@ringline/edge/local")).LocalEdge();
    case "stream":
      return new (await import("@ringline/getstream")).GetStreamEdge();
    default:
      return fail(`--edge must be local or stream, got ${name}`);
  }
}

await run(async (signal) => {
  await using edge = await makeEdge(options.edge);
  const agent = new Agent({
    edge,
    agentUser: { id: "assistant", name: "Assistant" },
    instructions:
      "You are a friendly assistant on a call. What you write is spoken: answer in one " +
      "or two short sentences, without lists or symbols.",
    llm: service.llm({ model: options.model }),
    vad: sileroVad(),
    stt: service.stt({ model: options.stt }),
    tts: service.tts({ model: options.tts, voice: options.voice }),
    turnHandling: { preemptiveGeneration: true },
    tools: [
      defineTool({
        name: "get_time",
        description: "The date and time, where the person is",
        execute: () => new Date().toString(),
      }),
    ],
  });
  const call = await agent.createCall("default", "assistant");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
  await edge.openDemo(call, { signal });
  await agent.waitForParticipant({ signal });
  const greeting = agent.generateReply("A participant has joined. Greet them briefly.");
  await Promise.all([greeting, agent.finish({ signal })]);
});
