import { createOpenAICompatible } from "npm:@ai-sdk/openai-compatible@3.0.92";
import { aiSdkLLM } from "../../../src/adapters/ai_sdk/mod.ts";
import { openAICompatible } from "../../../src/adapters/openai/mod.ts";
import { FallbackLLM } from "../../../src/inference/fallback/fallback_llm.ts";
import {
  FakeLLM,
  type FakeLLMReply,
  type LLMAct,
  llmConformance,
  VirtualClock,
} from "../../../src/testing/mod.ts";
import { overChatCompletions } from "./_chat_service.ts";

llmConformance(
  overChatCompletions((baseUrl) => openAICompatible({ baseUrl }).llm({ model: "m" })),
  { name: "OpenAIChat" },
);

llmConformance(
  overChatCompletions((baseURL) =>
    aiSdkLLM(createOpenAICompatible({ name: "double", baseURL })("m"))
  ),
  { name: "aiSdkLLM" },
);

llmConformance(
  overChatCompletions((baseUrl) =>
    new FallbackLLM([openAICompatible({ baseUrl }).llm({ model: "m" })])
  ),
  { name: "FallbackLLM" },
);

llmConformance((acts) => {
  const clock = new VirtualClock();
  const llm = new FakeLLM(clock, acts.map(toReply));
  return { llm, clock, requests: () => llm.requests.length, async [Symbol.asyncDispose]() {} };
}, { name: "FakeLLM", network: false });

function toReply({ parts = [], beforeMs, gapMs, end }: LLMAct): FakeLLMReply {
  const finish = parts.find((part) => part.type === "finish");
  return {
    text: parts.map((part) => part.type === "text" ? part.text : "").join(""),
    calls: parts.flatMap((part) => part.type === "tool-call" ? part.call : []),
    firstTokenMs: beforeMs,
    tokenMs: gapMs,
    hangs: end === "hang" || end === "silent",
    finish: finish?.reason,
  };
}
