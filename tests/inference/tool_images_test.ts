/** Images that tools return: they reach models that accept images, and no others. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { createOpenAI } from "npm:@ai-sdk/openai@4.0.118";
import type { Content } from "npm:@google/genai@3.3.0";
import type { ConversationItem } from "npm:openai@7.57.0/resources/realtime/realtime";
import type { ChatCompletionMessageParam } from "npm:openai@7.57.0/resources/chat/completions";
import { aiSdkLLM } from "../../src/adapters/ai_sdk/mod.ts";
import { turnsOf } from "../../src/adapters/gemini/settings.ts";
import { conversationItems } from "../../src/adapters/openai/realtime_items.ts";
import { messagesToWire } from "../../src/adapters/openai/chat_messages.ts";
import { shown } from "../../src/events/checks.ts";
import type { ChatMessage } from "../../src/inference/contracts/messages.ts";
import { defineTool, ToolOutput } from "../../src/inference/contracts/tool.ts";
import { ask } from "../adapters/_chat.ts";
import { collect, events, ServiceDouble } from "../adapters/_double.ts";
import { Fixture } from "./_fixture.ts";

const PNG = { mediaType: "image/png", data: Uint8Array.of(1, 2, 3) };
const URL = "data:image/png;base64,AQID";

const plan = (text = "The plan.") =>
  defineTool({
    name: "show_plan",
    description: "Shows the plan",
    execute: () => new ToolOutput(text, { images: [PNG] }),
  });

for (const seeing of [true, false]) {
  Deno.test(`a tool's image ${seeing ? "reaches" : "is kept from"} a model that accepts ${seeing ? "" : "no "}images`, async () => {
    await using fixture = await Fixture.set({
      seeing,
      replies: [{ calls: [{ name: "show_plan", input: {} }] }, { text: "A house." }, {
        text: "Small.",
      }],
      agent: { tools: [plan()] },
    });
    const { agent, clock, llm } = fixture;
    assertEquals((await clock.until(agent.text("What is on it?"))).text, "A house.");
    await clock.until(agent.text("And how large?"));
    // The image stays in the conversation.
    for (const { messages } of llm.requests.slice(1)) {
      const result = messages.find(({ role }) => role === "tool");
      assert(result?.role === "tool");
      assertEquals([result.text, result.images], ["The plan.", seeing ? [PNG] : undefined]);
    }
  });
}

/** What a tool in the background shows comes after its output, as a message. */
const late = defineTool({
  name: "show_plan",
  description: "Shows the plan",
  background: true,
  execute: () => new ToolOutput("The plan.", { images: [PNG] }),
});

Deno.test("an image that comes after a call's output reaches a model that accepts images", async () => {
  await using fixture = await Fixture.set({
    seeing: true,
    replies: [{ calls: [{ name: "show_plan", input: {} }] }, "I look.", "A house."],
    agent: { tools: [late] },
  });
  const { agent, clock, llm } = fixture;
  clock.until(agent.generateReply("What is on it?"));
  await clock.advance(10_000);
  const outcomes = llm.requests.at(-1)!.messages.filter(({ text }) => text.includes("The plan."));
  assertEquals(outcomes.map((one) => [one.role, "images" in one && one.images]), [["user", [PNG]]]);
});

for (const seeing of [true, false]) {
  Deno.test(`an image that comes late ${seeing ? "reaches" : "is kept from"} a realtime model that accepts ${seeing ? "" : "no "}images, and the session after it`, async () => {
    await using fixture = await Fixture.set({
      seeing,
      realtime: [{ reply: "I look.", call: { name: "show_plan", input: {} } }],
      agent: { tools: [late] },
    });
    const { agent, clock, realtime } = fixture;
    clock.until(agent.generateReply("What is on it?"));
    await clock.advance(5000);
    const [session] = realtime.sessions;
    assertEquals(session!.images, seeing ? [PNG] : []);
    assert(session!.texts.some((text) => text.includes("The plan.")));
    session!.lose();
    await clock.advance(5000);
    const { history } = realtime.sessions[1]!.options;
    const kept = history.filter((one) => "images" in one && one.images);
    assertEquals(kept.length, seeing ? 1 : 0, JSON.stringify(history));
  });
}

Deno.test("ToolOutput names what is no image that models take", () => {
  const wrong = (image: unknown) => () => new ToolOutput("", { images: [image as never] });
  const { data } = PNG;
  for (
    const mediaType of ["text/plain", "image/svg+xml", "image/bmp", "image/tiff", undefined, [
      "image/png",
    ]]
  ) {
    assertThrows(wrong({ mediaType, data }), TypeError, `got ${shown(mediaType)}`);
  }
  assertThrows(wrong({ mediaType: "image/png", data: "AQID" }), TypeError, "AQID");
  assertThrows(wrong({ mediaType: "image/png", data: new Uint8Array() }), TypeError, "0 bytes");
  const { images } = new ToolOutput("", { images: [{ mediaType: "IMAGE/PNG", data }] });
  assertEquals(images, [PNG]);
});

/** A conversation in which two tools were called, of which one returned an image. */
const conversation: ChatMessage[] = [
  { role: "user", text: "What is there?" },
  {
    role: "assistant",
    text: "",
    toolCalls: ["c1", "c2"].map((id) => ({ id, name: "show_plan", input: {} })),
  },
  { role: "tool", callId: "c1", name: "show_plan", text: "One.", isError: false, images: [PNG] },
  { role: "tool", callId: "c2", name: "show_plan", text: "Two.", isError: false },
  { role: "user", text: "And?" },
];

Deno.test("chat models get the images of results after the last result, as the official types say", () => {
  const expected: ChatCompletionMessageParam[] = [
    { role: "user", content: "What is there?" },
    {
      role: "assistant",
      content: "",
      tool_calls: ["c1", "c2"].map((id) => ({
        id,
        type: "function",
        function: { name: "show_plan", arguments: "{}" },
      })),
    },
    { role: "tool", tool_call_id: "c1", content: "One." },
    { role: "tool", tool_call_id: "c2", content: "Two." },
    {
      role: "user",
      content: [
        { type: "text", text: "[the images in the result of show_plan, c1]" },
        { type: "image_url", image_url: { url: URL } },
      ],
    },
    { role: "user", content: "And?" },
  ];
  assertEquals(messagesToWire(conversation) as unknown, expected);
});

Deno.test("aiSdkLLM sends a tool's image as the SDK's official provider of OpenAI writes it", async () => {
  await using double = await ServiceDouble.start(events([]));
  const model = createOpenAI({ baseURL: double.baseUrl, apiKey: "key" })("gpt-5.2");
  await collect(aiSdkLLM(model, { maxRetries: 0 }).generate(ask({ messages: conversation })));
  const { input } = double.requests[0]!.body as { input: { call_id?: string; output?: unknown }[] };
  assertEquals(input.find((one) => one.output && one.call_id === "c1")?.output, [
    { type: "input_text", text: "One." },
    { type: "input_image", image_url: URL },
  ]);
  assertEquals(input.find((one) => one.output && one.call_id === "c2")?.output, "Two.");
});

const official: ConversationItem[] = [
  { type: "function_call_output", call_id: "c1", output: "One." },
  { type: "message", role: "user", content: [{ type: "input_image", image_url: URL }] },
];

Deno.test("the sessions of OpenAI begin with the images of a conversation, in the words of its types", () => {
  const [result] = conversation.filter(({ role }) => role === "tool");
  assertEquals(conversationItems(result!) as unknown, official);
  const outcome: ChatMessage = { role: "user", text: "The plan.", images: [PNG] };
  const [item] = conversationItems(outcome);
  const expected: ConversationItem = {
    type: "message",
    role: "user",
    content: [
      { type: "input_text", text: "The plan." },
      { type: "input_image", image_url: URL },
    ],
  };
  assertEquals(item as unknown, expected);
});

Deno.test("the sessions of Gemini Live begin with the images of a conversation, in the words of its types", () => {
  const [result] = conversation.filter(({ role }) => role === "tool");
  const image = { inlineData: { mimeType: "image/png", data: "AQID" } };
  const expected: Content[] = [
    {
      role: "user",
      parts: [{ functionResponse: { id: "c1", name: "show_plan", response: { output: "One." } } }],
    },
    { role: "user", parts: [image] },
  ];
  assertEquals(turnsOf(result!) as unknown, expected);
  const outcome: ChatMessage = { role: "user", text: "The plan.", images: [PNG] };
  assertEquals(turnsOf(outcome) as unknown, [{
    role: "user",
    parts: [{ text: "The plan." }, image],
  }]);
});
