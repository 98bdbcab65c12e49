/** The contract of a realtime model, on the models that we have. */
import {
  FakeRealtimeLLM,
  realtimeConformance,
  type RealtimeConnectAct,
  type RealtimeReceived,
  type RealtimeUnderTest,
  VirtualClock,
} from "../../../src/testing/mod.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import { waitFor } from "../../../src/events/waiting.ts";
import { openAIRealtimeUnderTest } from "./_realtime_openai.ts";

realtimeConformance(openAIRealtimeUnderTest, { name: "openAIRealtime" });

/** The scripted model: it has no network. */
function fakeUnderTest({ updates }: RealtimeConnectAct): RealtimeUnderTest {
  const llm = Object.assign(new FakeRealtimeLLM(new VirtualClock()), { textOutput: true });
  const received: RealtimeReceived[] = [];
  const connect = llm.connect.bind(llm);
  llm.connect = async (options) => {
    const session = await connect(options);
    const names = (tools: typeof options.tools) => tools.map(({ name }) => name);
    const { instructions, tools, output = "audio", clock } = options;
    const over = Promise.withResolvers<void>();
    const dispose = session[Symbol.asyncDispose].bind(session);
    received.push({ type: "settings", instructions, tools: names(tools), output });
    for (const message of options.history) {
      const { role, text } = message;
      if (role === "system") continue;
      const callId = role === "tool" ? message.callId : undefined;
      received.push({ type: "item", role, text, callId });
      const calls = role === "assistant" ? message.toolCalls ?? [] : [];
      for (const { id, name } of calls) {
        received.push({ type: "item", role: "tool-call", text: name, callId: id });
      }
    }
    return Object.assign(
      session,
      {
        sendAudio: (pcm) => received.push({ type: "audio", ms: pcm.durationMs }),
        sendText: (text, { role = "user" }) => received.push({ type: "item", role, text }),
        sendToolResult: (callId, { text }) =>
          received.push({ type: "item", role: "tool", text, callId }),
        requestReply: (request) => received.push({ type: "reply-request", ...request }),
        interrupt: () => received.push({ type: "interrupt" }),
        commitTurn: () => received.push({ type: "commit" }),
        update: ({ instructions, tools }) => {
          received.push({ type: "settings", instructions, tools: names(tools) });
          if (updates === "refuse") throw new InferenceError("refused", { code: "refused" });
          if (updates !== "silent") return;
          return waitFor(over.promise, "the answer", { timeoutMs: 5000, clock });
        },
        [Symbol.asyncDispose]: () => {
          over.resolve();
          return dispose();
        },
      } satisfies Partial<typeof session>,
    );
  };
  return {
    llm,
    received,
    emit: (event) => llm.sessions.at(-1)!.emit(event),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

realtimeConformance(fakeUnderTest, { name: "FakeRealtimeLLM", network: false });
