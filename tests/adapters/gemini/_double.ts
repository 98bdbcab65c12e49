/**
 * A double of Gemini Live, in the words of the contract. What it sends has the types of the vendor's own
 * package, whose client is the first to use it: see official_test.ts.
 */
import type {
  Content,
  LiveClientMessage,
  LiveServerContent,
  LiveServerMessage,
} from "npm:@google/genai@3.3.0";
import { geminiLive } from "../../../src/adapters/gemini/mod.ts";
import type {
  RealtimeConnectAct,
  RealtimeReceived,
  RealtimeServiceEvent,
  RealtimeUnderTest,
} from "../../../src/testing/mod.ts";
import type { ServiceAct } from "../../../src/testing/conformance/models/service_act.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { isLoud } from "../streaming/_loud.ts";
import { LossyProxy } from "../_lossy_proxy.ts";
import { type ServedConnection, SocketService } from "../streaming/_service.ts";

/** What the double does. */
export type GeminiAct = ServiceAct & Pick<RealtimeConnectAct, "begin"> & {
  /** Converses: what it says for each request and turn, and what it understands of the turns. */
  readonly converses?: { says: string; hears: string };
};
/** A message of the service, without what the package's class adds. */
export type ServerMessage = Omit<LiveServerMessage, "text" | "data">;

/** Starts a double. */
export function startGemini(act: GeminiAct = {}): Promise<SocketService<GeminiAct>> {
  return SocketService.start([act], (connection) => {
    const { socket, url } = connection;
    if (!url.pathname.endsWith(".GenerativeService.BidiGenerateContent")) {
      return socket.close(1008, "no such path");
    }
    let transcribes = false;
    socket.on("message", (data) => {
      const message: LiveClientMessage = JSON.parse(data.toString());
      const { setup } = message;
      // A session of a transcription model is not to reply.
      if (setup) transcribes = setup.generationConfig === undefined;
      else if (transcribes) return transcribe(connection, message, act.converses?.hears ?? "");
      else if (act.converses) return converse(connection, message, act.converses);
      if (!setup || act.begin === "silent") return;
      if (act.begin === "cut") return socket.close(1011, "restarting");
      if (!setup.model?.startsWith("models/gemini")) {
        return socket.close(1008, `${setup.model} is not found for API version v1beta`);
      }
      send(connection, { setupComplete: { sessionId: "session" } });
    });
  });
}

/** How many bytes of quiet came since the last sound of a turn. */
const quiet = new WeakMap<ServedConnection<GeminiAct>, number>();
/** So many bytes of quiet end a turn: half a second. */
const QUIET_BYTES = 16_000;

function transcribe(
  connection: ServedConnection<GeminiAct>,
  { realtimeInput }: LiveClientMessage,
  hears: string,
): void {
  if (!realtimeInput?.audioStreamEnd) return;
  const half = hears.slice(0, hears.length >> 1);
  send(connection, { serverContent: { interimInputTranscription: { text: half } } });
  for (const text of [half, hears.slice(half.length)]) {
    send(connection, { serverContent: { inputTranscription: { text } } });
  }
  send(connection, { serverContent: { turnComplete: true } });
}

function converse(
  connection: ServedConnection<GeminiAct>,
  { clientContent, realtimeInput }: LiveClientMessage,
  { says, hears }: { says: string; hears: string },
): void {
  const reply = () => {
    const pcm = tone(1200, { sampleRate: 24_000 });
    const events = [
      { type: "audio" as const, replyId: "", pcm },
      { type: "text" as const, replyId: "", text: says },
      { type: "reply-ended" as const, replyId: "" },
    ];
    for (const one of events.flatMap(messages)) send(connection, one);
  };
  if (clientContent?.turnComplete) return reply();
  const { data } = realtimeInput?.audio ?? {};
  if (!data) return;
  const bytes = Uint8Array.fromBase64(data);
  const before = quiet.get(connection);
  if (isLoud(bytes)) return void quiet.set(connection, 0);
  if (before === undefined || before >= QUIET_BYTES) return;
  quiet.set(connection, before + bytes.length);
  if (before + bytes.length < QUIET_BYTES) return;
  send(connection, { serverContent: { inputTranscription: { text: hears, finished: true } } });
  reply();
}

/** Sends a message as the service does: JSON in a binary message. */
export function send(connection: ServedConnection<GeminiAct>, message: ServerMessage): void {
  connection.socket.send(new TextEncoder().encode(JSON.stringify(message)));
  sent.get(connection)?.push(message) ?? sent.set(connection, [message]);
}

/** What was sent on each connection. */
const sent = new WeakMap<ServedConnection<GeminiAct>, ServerMessage[]>();

/** Our adapter in front of a double, for the kit. */
export async function geminiUnderTest(act: RealtimeConnectAct): Promise<RealtimeUnderTest> {
  const service = await startGemini({ begin: act.begin, status: act.status });
  const proxy = new LossyProxy(service);
  const latest = () => [...service.connections].at(-1)!;
  let hasCalls = false;
  return {
    llm: geminiLive({
      apiKey: "key",
      baseUrl: proxy.baseUrl.replace("/v1", ""),
      model: "gemini-live",
    }),
    get received() {
      return (service.received as LiveClientMessage[]).flatMap(received);
    },
    emit: (event) => {
      const isAfterCalls = hasCalls && event.type === "reply-ended";
      hasCalls = event.type === "tool-call" || hasCalls && event.type !== "reply-ended";
      // The service completes no turn before it has the results.
      if (!isAfterCalls) { for (const one of messages(event)) send(latest(), one); }
    },
    emitNonsense: () => latest().socket.send("{broken"),
    cut: () => latest().socket.close(1011, "restarting"),
    hang: () => void proxy.lose(),
    openConnections: () => service.connections.size,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}

/** What a message of the client is. */
function received(message: LiveClientMessage): RealtimeReceived[] {
  const { setup, clientContent, realtimeInput, toolResponse } = message;
  const all: RealtimeReceived[] = [];
  if (setup) {
    const { systemInstruction, tools = [], generationConfig } = setup;
    const { parts } = systemInstruction as Content;
    const declared = (tools as { functionDeclarations?: { name?: string }[] }[])
      .flatMap(({ functionDeclarations = [] }) => functionDeclarations);
    all.push({
      type: "settings",
      instructions: parts?.[0]?.text,
      tools: declared.map(({ name }) => name!),
      output: generationConfig?.responseModalities?.[0] === "AUDIO" ? "audio" : "text",
    });
  }
  const { data } = realtimeInput?.audio ?? {};
  if (realtimeInput?.audioStreamEnd) all.push({ type: "commit" });
  if (data) all.push({ type: "audio", ms: Uint8Array.fromBase64(data).length / 32 });
  for (const response of toolResponse?.functionResponses ?? []) {
    const { output, error } = response.response ?? {};
    const text = String(output ?? error);
    all.push({ type: "item", role: "tool", text, callId: response.id });
  }
  if (!clientContent) return all;
  const { turns = [], turnComplete } = clientContent;
  const items = turns.flatMap((turn) => (turn.parts ?? []).map((part) => item(turn, part)));
  const isHistory = items.some(({ role }) => role !== "user");
  if (turnComplete && !isHistory) {
    return [...all, { type: "reply-request", id: "", say: turns[0]?.parts?.[0]?.text }];
  }
  if (turns.length === 0) return [...all, { type: "interrupt" }];
  return [...all, ...items];
}

type Part = NonNullable<Content["parts"]>[number];
type Item = Extract<RealtimeReceived, { type: "item" }>;

function item({ role }: Content, { text = "", functionCall, functionResponse }: Part): Item {
  if (functionCall) {
    const { id: callId, name: text = "" } = functionCall;
    return { type: "item", role: "tool-call", text, callId };
  }
  if (functionResponse) {
    const { id: callId, response } = functionResponse;
    return { type: "item", role: "tool", text: String(response?.output), callId };
  }
  return { type: "item", role: role === "model" ? "assistant" : "user", text };
}

/** The messages of the service for an event. */
function messages(event: RealtimeServiceEvent): ServerMessage[] {
  const content = (serverContent: LiveServerContent): ServerMessage => ({ serverContent });
  switch (event.type) {
    case "speech-started":
      return [{ voiceActivity: { voiceActivityType: "ACTIVITY_START" as never } }];
    case "speech-stopped":
      return [{ voiceActivity: { voiceActivityType: "ACTIVITY_END" as never } }];
    case "user-transcript": {
      const { text, final } = event;
      return [content(
        final
          ? { inputTranscription: { text, finished: true } }
          : { interimInputTranscription: { text } },
      )];
    }
    case "reply-started":
      return [content({ modelTurn: { role: "model", parts: [] } })];
    case "reply-refused":
      return [content({ turnComplete: true, turnCompleteReason: "NEED_MORE_INPUT" as never })];
    case "text":
      return [content({ outputTranscription: { text: event.text } })];
    case "audio": {
      const { buffer, byteOffset, byteLength } = event.pcm.samples;
      const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
      // Cut in the middle of a sample.
      const half = 2 * Math.floor(byteLength / 4) + 1;
      const mimeType = "audio/pcm;rate=24000";
      return [bytes.subarray(0, half), bytes.subarray(half)].map((one) =>
        content({
          modelTurn: { role: "model", parts: [{ inlineData: { mimeType, data: one.toBase64() } }] },
        })
      );
    }
    case "tool-call": {
      const { call: { id, name, input }, fault } = event;
      // Arguments that are none stand for what the types do not allow.
      const args = fault ? fault as never : input as Record<string, unknown>;
      return [{ toolCall: { functionCalls: [{ id, name, args }] } }];
    }
    case "reply-ended": {
      const { status } = event;
      const reason = status === "incomplete"
        ? "RESPONSE_REJECTED"
        : status === "failed"
        ? "MALFORMED_FUNCTION_CALL"
        : undefined;
      if (status === "cancelled") {
        return [content({ interrupted: true }), content({ turnComplete: true })];
      }
      const why = reason ? { turnCompleteReason: reason as never } : {};
      return [content({ generationComplete: true }), content({ turnComplete: true, ...why })];
    }
  }
}
