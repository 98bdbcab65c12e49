/** What telemetry is told of the replies of realtime models, each in front of the double of its service. */
import { assert, assertEquals } from "@std/assert";
import { createOpenAI } from "npm:@ai-sdk/openai@4.0.118";
import { aiSdkRealtime } from "../../src/adapters/ai_sdk/mod.ts";
import { geminiLive } from "../../src/adapters/gemini/mod.ts";
import { OPENAI_MODELS } from "../../src/adapters/openai/mod.ts";
import { openAIRealtime } from "../../src/adapters/openai/realtime.ts";
import { Agent } from "../../src/agent/agent.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { ModelResponseEvent } from "../../src/inference/contracts/events.ts";
import type { RealtimeLLM } from "../../src/inference/contracts/realtime_llm.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { tone } from "../../src/testing/sounds.ts";
import { until } from "../fixtures/until.ts";
import { send, startGemini } from "./gemini/_double.ts";
import { RealtimeService } from "./_realtime_service.ts";

const look = defineTool({
  name: "look",
  description: "Looks",
  parameters: { type: "object", properties: {} },
  execute: () => "dark",
});

/** Has an agent asked for a reply; returns what is told of the model. */
async function responses(
  llm: RealtimeLLM,
  { count, act = async () => {} }: { count: number; act?: () => Promise<void> },
): Promise<ModelResponseEvent[]> {
  await using edge = new MemoryEdge({ logger: silentLogger });
  const user = { id: "agent", name: "Agent" };
  const agent = new Agent({ edge, agentUser: user, llm, tools: [look] });
  const all: ModelResponseEvent[] = [];
  agent.events.subscribe(ModelResponseEvent, (event) => void all.push(event));
  try {
    const call = await agent.createCall("default", "usage");
    edge.enter(call, { userId: "ann", name: "Ann", id: "ann" });
    await agent.join(call);
    const asked = agent.generateReply("Is it dark?");
    await act();
    await asked;
    await until("the responses", () => all.length === count);
  } finally {
    await agent.close();
  }
  return all;
}

function told({ component, model, provider, outcome, finishReason, ...event }: ModelResponseEvent) {
  assert(event.durationMs >= 0 && event.ttftMs! <= event.durationMs);
  const { inputTokens, outputTokens } = event;
  return [component, model, provider, outcome, finishReason, inputTokens, outputTokens];
}

for (const name of ["openai-realtime", "ai-sdk-realtime"]) {
  Deno.test(`the tokens of each reply by ${name} are told`, async () => {
    const call = { name: "look", arguments: "{}" };
    await using service = new RealtimeService({ script: [{ call }, { text: "It is dark." }] });
    const llm = name === "openai-realtime"
      ? openAIRealtime({ apiKey: "key", baseUrl: service.baseUrl })
      : aiSdkRealtime(
        createOpenAI({ apiKey: "key", baseURL: service.baseUrl })
          .experimental_realtime(OPENAI_MODELS.realtime),
      );
    const all = await responses(llm, { count: 2 });
    const provider = name === "openai-realtime" ? "127.0.0.1" : "openai";
    const common = [name, OPENAI_MODELS.realtime, provider, "complete"];
    assertEquals(all.map(told), [
      [...common, "tool-calls", 120, 30],
      [...common, "stop", 120, 30],
    ]);
  });
}

Deno.test("the tokens of each reply by geminiLive are told once, thoughts and tools included", async () => {
  await using service = await startGemini();
  const model = "gemini-3.1-flash-live-preview";
  const llm = geminiLive({ apiKey: "key", baseUrl: service.baseUrl, model });
  const { buffer } = tone(100, { sampleRate: 24_000 }).samples.slice();
  const data = new Uint8Array(buffer as ArrayBuffer).toBase64();
  const inlineData = { mimeType: "audio/pcm;rate=24000", data };
  const act = async () => {
    const has = (field: string) => () =>
      service.received.some((one) => field in (one as Record<string, unknown>));
    await until("the request", has("clientContent"));
    const [connection] = [...service.connections];
    send(connection!, {
      toolCall: { functionCalls: [{ id: "c1", name: "look", args: {} }] },
      usageMetadata: { promptTokenCount: 100, responseTokenCount: 5, thoughtsTokenCount: 2 },
    });
    await until("the result", has("toolResponse"));
    send(connection!, { serverContent: { modelTurn: { role: "model", parts: [{ inlineData }] } } });
    send(connection!, {
      serverContent: { turnComplete: true },
      usageMetadata: {
        promptTokenCount: 110,
        toolUsePromptTokenCount: 10,
        responseTokenCount: 30,
        totalTokenCount: 150,
      },
    });
  };
  const all = await responses(llm, { count: 2, act });
  const common = ["gemini-live", model, "gcp.gemini", "complete"];
  assertEquals(all.map(told), [
    [...common, "tool-calls", 100, 7],
    [...common, "stop", 120, 30],
  ]);
});
