/**
 * The rules of two services for the messages of a request, by which they refuse it with a 400, checked
 * on the bodies that the providers of the AI SDK send.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { createAnthropic } from "npm:@ai-sdk/anthropic@4.0.105";
import { createOpenAI } from "npm:@ai-sdk/openai@4.0.118";
import { aiSdkLLM, type AiSdkModel } from "../../../src/adapters/ai_sdk/mod.ts";
import type { LLMRequest } from "../../../src/inference/contracts/llm.ts";

interface OpenAIMessage {
  role: string;
  content?: unknown;
  tool_calls?: { id: string }[];
  tool_call_id?: string;
}

interface Block {
  type: string;
  text?: string;
  id?: string;
  tool_use_id?: string;
}

interface AnthropicMessage {
  role: string;
  content: Block[];
}

/** Asserts that OpenAI's chat completions and Anthropic's messages take a request. */
export async function assertAccepted(request: Pick<LLMRequest, "messages">): Promise<void> {
  const openAI = await bodyOf((fetch) => createOpenAI({ apiKey: "k", fetch }).chat("m"), request);
  assertOpenAI(openAI.messages as OpenAIMessage[]);
  const anthropic = await bodyOf((fetch) => createAnthropic({ apiKey: "k", fetch })("m"), request);
  assertAnthropic(anthropic.messages as AnthropicMessage[]);
}

/** Returns what a provider sends for a request. The SDK itself refuses a call without a result. */
async function bodyOf(
  model: (fetch: typeof globalThis.fetch) => AiSdkModel,
  { messages }: Pick<LLMRequest, "messages">,
): Promise<{ messages: unknown }> {
  let body: string | undefined;
  const llm = aiSdkLLM(
    model((_, init) => {
      body = init?.body as string;
      return Promise.resolve(new Response("{}", { status: 400 }));
    }),
    { maxRetries: 0 },
  );
  const { signal } = new AbortController();
  let failure: unknown;
  try {
    for await (const _ of llm.generate({ messages, tools: [], signal }));
  } catch (error) {
    failure = error;
  }
  if (body === undefined) throw failure;
  return JSON.parse(body);
}

/** Each call is followed by its output, in one row, and nothing else has an output. */
function assertOpenAI(messages: OpenAIMessage[]): void {
  const due = new Set<string>();
  for (const { role, content, tool_calls = [], tool_call_id } of messages) {
    if (role === "tool") {
      assert(due.delete(tool_call_id!), `OpenAI: an output of no call, ${tool_call_id}`);
      continue;
    }
    assertEquals([...due], [], "OpenAI: calls must be followed by their outputs");
    for (const { id } of tool_calls) due.add(id);
    assertEquals(due.size, tool_calls.length, "OpenAI: two calls of one id");
    assert(content || tool_calls.length > 0, `OpenAI: an empty message of ${role}`);
  }
  assertEquals([...due], [], "OpenAI: calls must be followed by their outputs");
}

/** The message after calls begins with their results; ids are used once; no text is blank. */
function assertAnthropic(messages: AnthropicMessage[]): void {
  const all = new Set<string>();
  let due: string[] = [];
  for (const { role, content } of messages) {
    const results = content.filter(({ type }) => type === "tool_result");
    const given = results.map(({ tool_use_id }) => tool_use_id!);
    assertEquals(given.toSorted(), due.toSorted(), "Anthropic: results of the calls before");
    assertEquals(results, content.slice(0, results.length), "Anthropic: results come first");
    assert(content.length > 0, `Anthropic: an empty message of ${role}`);
    due = content.filter(({ type }) => type === "tool_use").map(({ id }) => id!);
    for (const id of due) {
      assert(!all.has(id), `Anthropic: two calls of the id ${id}`);
      assert(/^[\w-]+$/.test(id), `Anthropic: the id ${id}`);
      all.add(id);
    }
    for (const { type, text } of content) {
      if (type === "text") assert(/\S/.test(text!), "Anthropic: a blank text");
    }
  }
  assertEquals(due, [], "Anthropic: calls without results");
  assertEquals(messages.at(-1)?.role, "user", "Anthropic: the last message is the user's");
}
