// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-env examples/assistant.ts [--edge stream]
/**
 * An assistant to talk to. One environment variable: the key of a service that speaks OpenAI's
 * interface; `OPENAI_BASE_URL` names another one, a local server included. `--edge stream` joins a
 * call of Stream's instead of the local page (`STREAM_API_KEY`, `STREAM_API_SECRET`).
 */
import { parseArgs } from "node:util";
import { Agent, defineTool, type EdgeTransport, untilInterrupted } from "@ringline/edge";
import { openAICompatible } from "@ringline/edge/openai-compatible";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    edge: { type: "string", default: "local" },
    model: { type: "string", default: "gpt-5-mini" },
    stt: { type: "string", default: "gpt-4o-mini-transcribe" },
    tts: { type: "string", default: "gpt-4o-mini-tts" },
    voice: { type: "string", default: "marin" },
  },
});

/** Only the edge that is used is loaded. */
async function makeEdge(name: string): Promise<EdgeTransport> {
  switch (name) {
    case "local":
      return new (await import("@ringline/edge/local")).LocalEdge();
    case "stream":
      return new (await import("@ringline/edge/getstream")).GetStreamEdge();
    default:
      throw new TypeError(`--edge must be local or stream, got ${name}`);
  }
}

const apiKey = Deno.env.get("OPENAI_API_KEY");
const baseUrl = Deno.env.get("OPENAI_BASE_URL");
if (!apiKey && !baseUrl) {
  console.error("Set OPENAI_API_KEY. Without any key: examples/local_assistant.ts");
  Deno.exit(1);
}
const service = openAICompatible({ apiKey, baseUrl });

await untilInterrupted(async (signal) => {
  await using edge = await makeEdge(values.edge);
  const agent = new Agent({
    edge,
    agentUser: { id: "assistant", name: "Assistant" },
    instructions:
      "You are a friendly assistant on a call. What you write is spoken: answer in one " +
      "or two short sentences, without lists or symbols.",
    llm: service.llm({ model: values.model }),
    stt: service.stt({ model: values.stt }),
    tts: service.tts({ model: values.tts, voice: values.voice }),
    talk: { eagerTurns: true },
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
  agent.respond("Somebody has joined. Greet them briefly.");
  await agent.finish({ signal });
});
