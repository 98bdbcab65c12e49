/** The contract of a realtime model, on the models that we have. */
import {
  FakeRealtimeLLM,
  realtimeConformance,
  type RealtimeConnectAct,
  type RealtimeReceived,
  type RealtimeUnderTest,
  VirtualClock,
} from "../../../src/testing/mod.ts";
import { openAIRealtimeUnderTest } from "./_realtime_openai.ts";

realtimeConformance(openAIRealtimeUnderTest, { name: "openAIRealtime" });

/** The scripted model: it has no network. */
function fakeUnderTest(_act: RealtimeConnectAct): RealtimeUnderTest {
  const llm = new FakeRealtimeLLM(new VirtualClock());
  const received: RealtimeReceived[] = [];
  const connect = llm.connect.bind(llm);
  llm.connect = async (options) => {
    const session = await connect(options);
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
        sendText: (text) => received.push({ type: "item", role: "user", text }),
        sendToolResult: (callId, { text }) =>
          received.push({ type: "item", role: "tool", text, callId }),
        requestReply: (request) => received.push({ type: "reply-request", ...request }),
        interrupt: () => received.push({ type: "interrupt" }),
        commitTurn: () => received.push({ type: "commit" }),
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
