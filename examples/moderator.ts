// OPENAI_API_KEY=... deno run --allow-run --allow-net --allow-env=OPENAI_API_KEY,OPENAI_BASE_URL examples/moderator.ts
/**
 * A moderator for several people: it transcribes each of them, knows who said what, measures speaking
 * times, and replies only when addressed: "moderator, ...".
 */
import { Agent, defineTool, SpeechStartedEvent, SpeechStoppedEvent } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { OPENAI_MODELS, openAICompatible } from "@ringline/edge/openai";
import { commandLine, run, serviceFromEnv } from "./lib/program.ts";

const options = commandLine({
  model: OPENAI_MODELS.chat,
  stt: OPENAI_MODELS.transcription,
  tts: OPENAI_MODELS.speech,
  voice: "cedar",
});
const service = openAICompatible(serviceFromEnv());

await run(async (signal) => {
  await using edge = new LocalEdge();
  const spokenMs = new Map<string, number>();
  const since = new Map<string, number>();
  const agent = new Agent({
    edge,
    agentUser: { id: "moderator", name: "Moderator" },
    instructions: "You moderate a discussion. When several people are there, each message begins " +
      "with who said it. Be brief, be fair, and call people by their names. What you write is spoken.",
    llm: service.llm({ model: options.model }),
    stt: service.stt({ model: options.stt }),
    tts: service.tts({ model: options.tts, voice: options.voice }),
    turnHandling: { shouldReply: ({ text }) => /\bmoderator\b/i.test(text) },
    tools: [
      defineTool({
        name: "speaking_times",
        description: "For how many seconds each person has spoken so far",
        execute: () =>
          Object.fromEntries([...spokenMs].map(([name, ms]) => [name, Math.round(ms / 100) / 10])),
      }),
    ],
  });
  agent.events.subscribe([SpeechStartedEvent, SpeechStoppedEvent], (event) => {
    const { participant: { id, name }, atMs } = event;
    if (event instanceof SpeechStartedEvent) since.set(id, atMs);
    else spokenMs.set(name, (spokenMs.get(name) ?? 0) + atMs - (since.get(id) ?? atMs));
  });
  const call = await agent.createCall("default", "round-table");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
  await edge.openDemo(call, { signal });
  await agent.finish({ signal });
});
