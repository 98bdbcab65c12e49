/**
 * A double of OpenAI's transcription sessions at `/realtime`. What it sends and receives has the types
 * of the official package, whose client is the first to use it: see official_test.ts.
 */
import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeTranscriptionSessionCreateRequest,
} from "npm:openai@7.57.0/resources/realtime/realtime";
import type { STTAct } from "../../../src/testing/mod.ts";
import { isLoud } from "../streaming/_loud.ts";
import { performer } from "../streaming/_perform.ts";
import { type ServedConnection, SocketService } from "../streaming/_service.ts";

/** What the double does. */
export interface TranscriptionAct extends STTAct {
  /** Says that it cannot transcribe. */
  readonly fails?: string;
}

/** An event without its id. */
type Draft<T> = T extends { event_id: string } ? Omit<T, "event_id"> : T;

/** Starts a double. */
export function startTranscription(
  acts: readonly TranscriptionAct[],
): Promise<SocketService<TranscriptionAct>> {
  return SocketService.start(acts, (connection) => {
    const { pathname, searchParams } = connection.url;
    if (pathname !== "/v1/realtime" || searchParams.get("intent") !== "transcription") {
      return connection.socket.close(1008, "no such path");
    }
    serve(connection);
  });
}

/** Bytes in a millisecond. */
const RATE = 48;
/** After so much quiet a turn ends. */
const QUIET_MS = 400;

function serve(connection: ServedConnection<TranscriptionAct>): void {
  const { socket } = connection;
  let session: RealtimeTranscriptionSessionCreateRequest = { type: "transcription" };
  let count = 0;
  let bufferedMs = 0;
  let totalMs = 0;
  let quietMs = Infinity;
  let last: string | null = null;
  const send = (event: Draft<RealtimeServerEvent>) =>
    connection.send({ event_id: `event_${++count}`, ...event });
  const act = performer(connection);
  const transcribe = (item_id: string) => {
    bufferedMs = 0;
    send({ type: "input_audio_buffer.committed", item_id, previous_item_id: last });
    last = item_id;
    const prefix = "conversation.item.input_audio_transcription" as const;
    const ids = { item_id, content_index: 0 };
    let fails: string | undefined;
    act(
      (text) => {
        const half = text.slice(0, text.length >> 1);
        fails = connection.act.fails;
        if (half) send({ type: `${prefix}.delta`, ...ids, delta: half });
      },
      (text) => {
        if (fails !== undefined) {
          const error = { code: "audio_unintelligible", message: fails };
          return send({ type: `${prefix}.failed`, ...ids, error });
        }
        const usage = { type: "duration" as const, seconds: 1 };
        const languages = [{ code: "en" }];
        send({ type: `${prefix}.completed`, ...ids, transcript: text, usage, languages });
      },
    );
  };
  const fail = (code: string, message: string, event_id?: string | null) =>
    send({ type: "error", error: { type: "invalid_request_error", code, message, event_id } });
  const hear = (bytes: Uint8Array) => {
    const ms = bytes.length / RATE;
    bufferedMs += ms;
    totalMs += ms;
    if (!session.audio?.input?.turn_detection) return;
    const before = quietMs;
    quietMs = isLoud(bytes) ? 0 : quietMs + ms;
    if (before >= QUIET_MS && quietMs === 0) {
      const item_id = `item_${++count}`;
      const audio_start_ms = totalMs - ms;
      send({ type: "input_audio_buffer.speech_started", item_id, audio_start_ms });
    }
    if (before < QUIET_MS && quietMs >= QUIET_MS) {
      const item_id = `item_${++count}`;
      send({ type: "input_audio_buffer.speech_stopped", item_id, audio_end_ms: totalMs });
      transcribe(item_id);
    }
  };
  send({ type: "session.created", session });
  socket.on("message", (data) => {
    const message: RealtimeClientEvent = JSON.parse(data.toString());
    switch (message.type) {
      case "session.update":
        if (message.session.type !== "transcription") {
          const why =
            "Passing a realtime session update event to a transcription session is not allowed.";
          return fail("invalid_value", why, message.event_id);
        }
        session = message.session;
        return send({ type: "session.updated", session });
      case "input_audio_buffer.append":
        return hear(Uint8Array.fromBase64(message.audio));
      case "input_audio_buffer.clear":
        bufferedMs = 0;
        quietMs = Infinity;
        return send({ type: "input_audio_buffer.cleared" });
      case "input_audio_buffer.commit":
        if (bufferedMs < 100) {
          const why = `buffer too small: ${bufferedMs.toFixed(2)} ms of audio, at least 100 ms`;
          return fail("input_audio_buffer_commit_empty", why, message.event_id);
        }
        quietMs = Infinity;
        return transcribe(`item_${++count}`);
      default:
        fail("invalid_value", `no such message: ${message.type}`);
    }
  });
}
