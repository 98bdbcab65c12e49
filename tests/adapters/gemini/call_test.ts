/**
 * An agent with Gemini Live in a call, in front of the double: before a connection ends, and when the agent
 * is changed, it has another.
 */
import { assert, assertEquals } from "@std/assert";
import type { LiveClientMessage } from "npm:@google/genai@3.3.0";
import { geminiLive } from "../../../src/adapters/gemini/mod.ts";
import { Agent } from "../../../src/agent/agent.ts";
import { ErrorEvent } from "../../../src/edge/events.ts";
import { systemClock } from "../../../src/events/clock.ts";
import { silentLogger } from "../../../src/events/logger.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { MemoryEdge } from "../../../src/testing/memory_edge.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { until } from "../../fixtures/until.ts";
import { send, startGemini } from "./_double.ts";

Deno.test("an agent with geminiLive goes on in another session when the service goes away", async () => {
  await using service = await startGemini();
  await using edge = new MemoryEdge({ logger: silentLogger });
  const errors: unknown[] = [];
  edge.events.subscribe(ErrorEvent, ({ error }) => void errors.push(error));
  const model = "gemini-3.1-flash-live-preview";
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    instructions: "Be brief.",
    llm: geminiLive({ apiKey: "key", baseUrl: service.baseUrl, model }),
  });
  try {
    const call = await agent.createCall("default", "gemini");
    const ann = edge.enter(call, { userId: "ann", name: "Ann", id: "ann" });
    await agent.join(call);
    const received = () => service.received as LiveClientMessage[];
    const greeting = agent.generateReply("Greet them.");
    await until("the request", () => received().some((one) => one.clientContent?.turnComplete));
    const [first] = [...service.connections];
    const { buffer } = tone(200, { sampleRate: 24_000 }).samples.slice();
    const inlineData = {
      mimeType: "audio/pcm;rate=24000",
      data: new Uint8Array(buffer as ArrayBuffer).toBase64(),
    };
    send(first!, { serverContent: { modelTurn: { role: "model", parts: [{ inlineData }] } } });
    send(first!, { serverContent: { outputTranscription: { text: "Good day!" } } });
    send(first!, { serverContent: { generationComplete: true } });
    send(first!, { serverContent: { turnComplete: true } });
    await greeting;
    assert(ann.heardMs > 150, `${ann.heardMs} ms were heard`);
    service.received.length = 0;
    send(first!, { goAway: { timeLeft: "5s" } });
    await until("another session", () => received().some((one) => one.setup));
    await until("its history", () => received().some((one) => one.clientContent));
    const { clientContent } = received().find((one) => one.clientContent)!;
    const texts = clientContent!.turns!.map(({ role, parts }) => `${role}: ${parts?.[0]?.text}`);
    assertEquals(texts.at(-1), "model: Good day!");
    await until("the end of the first", () => !service.connections.has(first!));
    assertEquals([service.requests, service.connections.size, errors], [2, 1, []]);
  } finally {
    await agent.close();
  }
});

Deno.test("an agent with geminiLive has new instructions and tools in another session", async () => {
  await using service = await startGemini();
  await using edge = new MemoryEdge({ logger: silentLogger });
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    instructions: "Be brief.",
    llm: geminiLive({
      apiKey: "key",
      baseUrl: service.baseUrl,
      model: "gemini-3.1-flash-live-preview",
    }),
  });
  try {
    const call = await agent.createCall("default", "gemini");
    const ann = edge.enter(call, { userId: "ann", name: "Ann", id: "ann" });
    await agent.join(call);
    await ann.speak(tone(200));
    const [first] = [...service.connections];
    send(first!, { serverContent: { inputTranscription: { text: "Hello" } } });
    send(first!, { serverContent: { inputTranscription: { finished: true } } });
    const heard = () => agent.conversation!.messages.some(({ text }) => text === "Hello");
    await until("what Ann said", heard);
    service.received.length = 0;
    const tool = defineTool({
      name: "book",
      description: "Books.",
      parameters: {},
      execute: () => "",
    });
    await agent.update({ instructions: "Be kind.", tools: [tool] });
    await until("the end of the first", () => !service.connections.has(first!));
    const received = service.received as LiveClientMessage[];
    const [{ setup }] = received.filter((one) => one.setup) as [LiveClientMessage];
    const { systemInstruction, tools } = setup as {
      systemInstruction: { parts: { text: string }[] };
      tools: { functionDeclarations: { name: string }[] }[];
    };
    assertEquals(systemInstruction.parts[0]!.text, "Be kind.");
    assertEquals(tools[0]!.functionDeclarations.map(({ name }) => name), ["book"]);
    const history = received.find((one) => one.clientContent)!.clientContent!;
    assertEquals(history.turns!.map(({ role, parts }) => [role, parts![0]!.text]), [
      ["user", "Ann: Hello"],
    ]);
    assertEquals(service.requests, 2);
  } finally {
    await agent.close();
  }
});

Deno.test("geminiLive sends the images of a tool's result before it, as the model goes on with that", async () => {
  await using service = await startGemini();
  const model = "gemini-3.1-flash-live-preview";
  const llm = geminiLive({ apiKey: "key", baseUrl: service.baseUrl, model });
  await using session = await llm.connect({
    clock: systemClock,
    logger: silentLogger,
    signal: new AbortController().signal,
    instructions: "",
    tools: [],
    history: [],
  });
  service.received.length = 0;
  const images = [{ mediaType: "image/png", data: Uint8Array.of(1, 2, 3) }];
  session.sendToolResult("c1", { text: "The plan.", isError: false, images });
  await until("both", () => service.received.length === 2);
  const expected: LiveClientMessage[] = [
    { realtimeInput: { video: { data: "AQID", mimeType: "image/png" } } },
    {
      toolResponse: {
        functionResponses: [{ id: "c1", name: "", response: { output: "The plan." } }],
      },
    },
  ] as LiveClientMessage[];
  assertEquals(service.received as unknown, expected);
});
