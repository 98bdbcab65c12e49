/** OpenAI's realtime adapter for the conformance kit: its protocol, in the words of the contract. */
import type {
  RealtimeConnectAct,
  RealtimeReceived,
  RealtimeServiceEvent,
  RealtimeUnderTest,
} from "../../../src/testing/mod.ts";
import type { RealtimeLLM } from "../../../src/inference/contracts/realtime_llm.ts";
import { openAIRealtime } from "../../../src/adapters/openai/realtime.ts";
import { LossyProxy } from "../../adapters/_lossy_proxy.ts";
import { type Message, RealtimeDouble } from "../../adapters/_realtime_double.ts";

const TRANSCRIPTION = "conversation.item.input_audio_transcription";

export function openAIRealtimeUnderTest(
  { begin, status, updates }: RealtimeConnectAct,
  create = (baseUrl: string): RealtimeLLM => openAIRealtime({ apiKey: "key", baseUrl }),
): RealtimeUnderTest {
  const double: RealtimeDouble = new RealtimeDouble({
    refuse: status,
    onUpdate: () => {
      const all = double.received.filter(({ type }) => type === "session.update");
      const { event_id, session } = all.at(-1)!;
      const isChange = all.length > 1 && session.instructions !== undefined;
      if (begin === "cut") double.socket.close(1011);
      else if (isChange && updates === "refuse") {
        const error = { code: "invalid_value", message: "no such tool", event_id };
        double.send({ type: "error", error });
      } else if (begin !== "silent" && !(isChange && updates === "silent")) {
        double.send({ type: "session.updated", session });
      }
    },
  });
  const proxy = new LossyProxy(double);
  const items = new Map<string, number>();
  return {
    llm: create(proxy.baseUrl),
    get received() {
      return double.received.flatMap(received);
    },
    emit: (event) => {
      const { session } = double.received.find(({ type }) => type === "session.update")!;
      const [output] = session.output_modalities;
      for (const message of messages(event, items, output)) double.send(message);
    },
    emitNonsense: () => double.send("{broken"),
    cut: () => double.socket.close(1011, "restarting"),
    hang: () => void proxy.lose(),
    openConnections: () => double.openSockets,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await double[Symbol.asyncDispose]();
    },
  };
}

/** What a message of the client is. */
function received(message: Message): RealtimeReceived[] {
  switch (message.type) {
    case "session.update": {
      const { instructions, tools, output_modalities } = message.session;
      const names = tools?.map(({ name }: { name: string }) => name);
      return [{ type: "settings", instructions, tools: names, output: output_modalities?.[0] }];
    }
    case "input_audio_buffer.append":
      return [{ type: "audio", ms: Uint8Array.fromBase64(message.audio).length / 48 }];
    case "conversation.item.create":
      return [item(message.item)];
    case "response.create": {
      const { instructions: say, metadata } = message.response;
      return [{ type: "reply-request", id: metadata.request, say }];
    }
    case "response.cancel":
    case "conversation.item.truncate":
    case "conversation.item.delete":
      return [{ type: "interrupt" }];
    case "input_audio_buffer.commit":
      return [{ type: "commit" }];
    default:
      return [];
  }
}

function item(item: Message): RealtimeReceived {
  const { type, role, call_id: callId } = item;
  if (type === "function_call") return { type: "item", role: "tool-call", text: item.name, callId };
  if (type === "function_call_output") {
    return { type: "item", role: "tool", text: item.output, callId };
  }
  return { type: "item", role, text: item.content[0].text };
}

/** The messages of the service for an event. */
function messages(
  event: RealtimeServiceEvent,
  lengths: Map<string, number>,
  output: "audio" | "text",
): Message[] {
  switch (event.type) {
    case "speech-started":
      return [{ type: "input_audio_buffer.speech_started", item_id: "u" }];
    case "speech-stopped":
      return [{
        type: `input_audio_buffer.${event.awaitsReply ? "committed" : "speech_stopped"}`,
        item_id: "u",
      }];
    case "user-transcript": {
      const { id: item_id, text, final, error } = event;
      const before = lengths.get(item_id) ?? 0;
      lengths.set(item_id, text.length);
      if (error) {
        return [{ type: `${TRANSCRIPTION}.failed`, item_id, error: { message: "too noisy" } }];
      }
      if (final) return [{ type: `${TRANSCRIPTION}.completed`, item_id, transcript: text }];
      return [{ type: `${TRANSCRIPTION}.delta`, item_id, delta: text.slice(before) }];
    }
    case "reply-started": {
      const metadata = event.requestId ? { request: event.requestId } : null;
      return [{ type: "response.created", response: { id: event.replyId, metadata } }];
    }
    case "reply-refused": {
      const code = "conversation_already_has_active_response";
      const error = { code, message: "busy", event_id: event.requestId };
      return [{ type: "error", error }];
    }
    case "text":
      return [{
        type: `response.output_${output === "text" ? "text" : "audio_transcript"}.delta`,
        ...part(event.replyId),
        delta: event.text,
      }];
    case "audio": {
      const { buffer, byteOffset, byteLength } = event.pcm.samples;
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      // Cut in the middle of a sample.
      const half = 2 * Math.floor(byteLength / 4) + 1;
      return [bytes.subarray(0, half), bytes.subarray(half)].map((one) => ({
        type: "response.output_audio.delta",
        ...part(event.replyId),
        delta: one.toBase64(),
      }));
    }
    case "tool-call": {
      const { call: { id: call_id, name, input }, fault, replyId: response_id } = event;
      const text = JSON.stringify(input);
      const item = {
        type: "function_call",
        id: `item of ${call_id}`,
        call_id,
        name,
        status: fault ? "incomplete" : "completed",
        arguments: fault ? text.slice(0, 1) : text,
      };
      const all = { response_id, item_id: item.id, call_id, name, arguments: item.arguments };
      const begun = { ...item, status: "in_progress", arguments: "" };
      return [
        { type: "response.output_item.added", response_id, item: begun },
        { type: "response.function_call_arguments.delta", ...all, delta: item.arguments },
        ...fault ? [] : [{ type: "response.function_call_arguments.done", ...all }],
        { type: "response.output_item.done", response_id, item },
      ];
    }
    case "reply-ended": {
      const { replyId: id, status = "completed", reason, error } = event;
      const details = error ? { type: error.code, code: error.code, message: "sorry" } : undefined;
      const status_details = { type: status, reason, error: details };
      return [{ type: "response.done", response: { id, status, status_details } }];
    }
  }
}

function part(response_id: string): object {
  return { response_id, item_id: `item of ${response_id}`, output_index: 0, content_index: 0 };
}
