// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-env examples/assistant.ts
/**
 * A voice assistant. It needs one environment variable: the key of a service with OpenAI's interface.
 * `OPENAI_BASE_URL` chooses another service, a local server included, and `--model`, `--stt`, `--tts`
 * and `--voice` its models and voice; `--stt gpt-live-transcribe` hears while one speaks. `--stt` and
 * `--tts` also take `deepgram`, `elevenlabs` and `cartesia`, with the keys `DEEPGRAM_API_KEY`,
 * `ELEVENLABS_API_KEY` and `CARTESIA_API_KEY`, and one of their models: `--stt deepgram:nova-3`.
 *
 * `--edge stream` joins a call of Stream instead of the local page. That needs `STREAM_API_KEY`
 * and `STREAM_API_SECRET`.
 */
import { Agent, defineTool, type EdgeTransport } from "@ringline/edge";
import { OPENAI_MODELS, openAICompatible } from "@ringline/edge/openai";
import { commandLine, run, serviceFromEnv, wrongCommandLine } from "./lib/program.ts";
import { speechToText, textToSpeech } from "./lib/speech_services.ts";

const options = commandLine({
  edge: "local",
  model: OPENAI_MODELS.chat,
  stt: OPENAI_MODELS.transcription,
  tts: OPENAI_MODELS.speech,
  voice: "",
});
const service = openAICompatible(serviceFromEnv());

/** Creates the edge; loads only the one in use. */
async function createEdge(name: string): Promise<EdgeTransport> {
  switch (name) {
    case "local":
      return new (await import("@ringline/edge/local")).LocalEdge();
    case "stream":
      return new (await import("@ringline/getstream")).GetStreamEdge();
    default:
      return wrongCommandLine(`--edge: expected local or stream, got "${name}"`);
  }
}

await run(async (signal) => {
  await using edge = await createEdge(options.edge);
  const stt = await speechToText(options.stt, service);
  const agent = new Agent({
    edge,
    agentUser: { id: "assistant", name: "Assistant" },
    instructions:
      "You are a friendly assistant on a call. What you write is spoken: answer in one " +
      "or two short sentences, without lists or symbols.",
    llm: service.llm({ model: options.model }),
    stt,
    tts: await textToSpeech(options.tts, options.voice || undefined, service),
    turnHandling: {
      preemptiveGeneration: true,
      // A recogniser that finds where turns end knows better than a pause. Otherwise smartTurn() of
      // @ringline/smart-turn answers fewer pauses than silence does, and takes seconds to load.
      turnDetection: stt.detectsTurns ? "stt" : "vad",
    },
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
  void agent.generateReply("A person has joined. Greet them briefly.");
  await agent.finish({ signal });
});
