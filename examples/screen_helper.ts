// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-read --allow-env=OPENAI_API_KEY,OPENAI_BASE_URL examples/screen_helper.ts
/**
 * An agent that watches a shared screen and comments on it each time it has changed and settled. People
 * can also ask it about the screen.
 */
import { Agent, screenChanges } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { jpegEncoder } from "@ringline/edge/jpeg";
import { OPENAI_MODELS, openAICompatible } from "@ringline/edge/openai";
import { commandLine, run, serviceFromEnv } from "./lib/program.ts";

const options = commandLine({
  model: OPENAI_MODELS.chat,
  stt: OPENAI_MODELS.transcription,
  tts: OPENAI_MODELS.speech,
  voice: "marin",
});
const service = openAICompatible(serviceFromEnv());

await run(async (signal) => {
  await using edge = new LocalEdge();
  const watching = screenChanges(async () => {
    // The model receives the latest frame with every request. A comment that fails is an event; this
    // screen needs no second try.
    await agent.generateReply(
      "The shared screen has changed. Say in one sentence what stands out.",
    ).catch(() => {});
  });
  const agent: Agent = new Agent({
    edge,
    agentUser: { id: "screen-helper", name: "Screen helper" },
    instructions:
      "You see the screen that a person shares, and help with what is on it. What you " +
      "write is spoken: be brief.",
    llm: service.llm({ model: options.model, acceptsImages: true }),
    stt: service.stt({ model: options.stt }),
    tts: service.tts({ model: options.tts, voice: options.voice }),
    vision: { maxSide: 1280, encoder: jpegEncoder() },
    processors: [watching],
  });
  const call = await agent.createCall("default", "screen");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
  await edge.openDemo(call, { signal });
  await agent.finish({ signal });
});
