/**
 * A double of ElevenLabs' sockets. What it sends has the types of the vendor's own package; what it is
 * sent is read by that package's schemas, which throw for what they do not know.
 */
import type {
  CommittedTranscriptMessage,
  CommittedTranscriptWithTimestampsMessage,
  PartialTranscriptMessage,
  SessionStartedMessage,
} from "npm:@elevenlabs/elevenlabs-js@2.73.0/wrapper/realtime/index.js";
import type { AudioOutputMulti } from "npm:@elevenlabs/elevenlabs-js@2.73.0/serialization/types/AudioOutputMulti.js";
import type { FinalOutputMulti } from "npm:@elevenlabs/elevenlabs-js@2.73.0/serialization/types/FinalOutputMulti.js";
import { CloseContext } from "npm:@elevenlabs/elevenlabs-js@2.73.0/serialization/types/CloseContext.js";
import { FlushContext } from "npm:@elevenlabs/elevenlabs-js@2.73.0/serialization/types/FlushContext.js";
import { InitializeConnectionMulti } from "npm:@elevenlabs/elevenlabs-js@2.73.0/serialization/types/InitializeConnectionMulti.js";
import { SendTextMulti } from "npm:@elevenlabs/elevenlabs-js@2.73.0/serialization/types/SendTextMulti.js";
import type { STTAct, TTSAct } from "../../../src/testing/mod.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { type ServedConnection, SocketService } from "../streaming/_service.ts";
import { performer } from "../streaming/_perform.ts";

/** What the double does. */
export type ElevenLabsAct = STTAct & TTSAct;
type Connection = ServedConnection<ElevenLabsAct>;

/** Starts a double of the recogniser and of all voices. */
export function startElevenLabs(
  acts: readonly ElevenLabsAct[],
): Promise<SocketService<ElevenLabsAct>> {
  return SocketService.start(acts, (connection) => {
    const { pathname } = connection.url;
    if (pathname === "/v1/speech-to-text/realtime") return serveScribe(connection);
    if (/^\/v1\/text-to-speech\/[^/]+\/multi-stream-input$/.test(pathname)) {
      return serveSpeech(connection);
    }
    connection.socket.close(1008, "no such path");
  });
}

function serveScribe(connection: Connection): void {
  const { socket, url } = connection;
  const sampleRate = Number(/\d+/.exec(url.searchParams.get("audio_format") ?? "")![0]);
  const act = performer(connection);
  const detects = url.searchParams.get("include_language_detection") === "true";
  let openMs = 0;
  connection.send(
    {
      message_type: "session_started",
      session_id: "session",
      config: { sample_rate: sampleRate, model_id: url.searchParams.get("model_id")! },
    } satisfies SessionStartedMessage,
  );
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    openMs += Uint8Array.fromBase64(message.audio_base_64).length * 500 / sampleRate;
    if (!message.commit) return;
    const ms = openMs;
    openMs = 0;
    if (ms < 300) {
      const error = "at least 300 ms of audio are needed for a commit";
      return connection.send({ message_type: "commit_throttled", error });
    }
    act(
      (text) => {
        const half = text.slice(0, text.length >> 1);
        connection.send(
          { message_type: "partial_transcript", text: half } satisfies PartialTranscriptMessage,
        );
      },
      (text) => {
        connection.send(
          { message_type: "committed_transcript", text } satisfies CommittedTranscriptMessage,
        );
        // LiveKit's users saw it come unasked.
        connection.send(
          {
            message_type: "committed_transcript_with_timestamps",
            text,
            ...detects ? { language_code: "en" } : {},
          } satisfies CommittedTranscriptWithTimestampsMessage,
        );
      },
    );
  });
}

/** Reads a message as the vendor's package does. */
// deno-lint-ignore no-explicit-any
function read(message: any): void {
  const schema = "close_context" in message
    ? CloseContext
    : "flush" in message
    ? FlushContext
    : "voice_settings" in message || message.text === " "
    ? InitializeConnectionMulti
    : SendTextMulti;
  const given = "flush" in message && !("text" in message) ? { ...message, text: "" } : message;
  schema.parseOrThrow(given, { unrecognizedObjectKeys: "fail" });
}

/** A context: what it has to say, and what ends it. */
interface Context {
  text: string;
  last: Promise<void>;
  readonly ending: AbortController;
}

/** How many texts are being spoken. */
const working = new WeakMap<Connection, number>();

function serveSpeech(connection: Connection): void {
  const { socket, url } = connection;
  const sampleRate = Number(/\d+/.exec(url.searchParams.get("output_format") ?? "")![0]);
  const contexts = new Map<string, Context>();
  const count = (change: number) =>
    working.set(connection, (working.get(connection) ?? 0) + change);
  const speak = async (contextId: string, text: string, signal: AbortSignal) => {
    const { audioMs = 200, beforeMs = 0, gapMs = 0, byByte, end, message } = connection.act;
    if (end === "silent") return await connection.pause(60_000, signal);
    await connection.pause(beforeMs, signal);
    if (message !== undefined) {
      connection.next();
      return connection.send(message);
    }
    const { buffer } = tone(audioMs, { sampleRate }).samples.slice();
    const bytes = new Uint8Array(buffer as ArrayBuffer);
    const isAligned = url.searchParams.get("sync_alignment") === "true";
    // A few bytes in each message, odd ones too.
    const step = byByte ? 7 : sampleRate / 25;
    const pieces = Math.ceil(bytes.length / step);
    // A sentence may begin with a space that is none of its text.
    const chars = [" ", ...text];
    for (let n = 0; n < pieces; n++) {
      signal.throwIfAborted();
      const piece = bytes.subarray(n * step, (n + 1) * step);
      const said = chars.slice(
        Math.floor(n * chars.length / pieces),
        Math.floor((n + 1) * chars.length / pieces),
      );
      const ms = piece.length * 500 / sampleRate;
      connection.send(
        {
          audio: piece.toBase64(),
          ...isAligned && {
            alignment: {
              chars: said,
              charStartTimesMs: said.map((_, at) => Math.floor(at * ms / said.length)),
              charDurationsMs: said.map(() => Math.floor(ms / said.length)),
            },
          },
          contextId,
        } satisfies AudioOutputMulti.Raw,
      );
      await connection.pause(gapMs, signal);
    }
    if (end === "hang") return await connection.pause(60_000, signal);
    if (end === "cut") socket.terminate();
  };
  const generate = (id: string, context: Context) => {
    const text = context.text;
    context.text = "";
    if (text.trim() === "") return;
    count(1);
    context.last = context.last.then(() => speak(id, text, context.ending.signal))
      .catch((error) => {
        if (error?.name !== "AbortError") throw error;
      })
      .finally(() => count(-1));
  };
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    const { context_id: id, text = "", flush, close_context } = message;
    if (id === undefined) return; // a sign of life
    read(message);
    let context = contexts.get(id);
    if (!context) {
      if (contexts.size === 5) {
        connection.send({
          message: "Maximum simultaneous contexts exceeded (5).",
          error: "max_active_conversations",
          code: 1008,
        });
        return socket.close(1008);
      }
      context = { text: "", last: Promise.resolve(), ending: new AbortController() };
      contexts.set(id, context);
    }
    context.text += text === " " ? "" : text;
    // With auto_mode whole phrases are spoken as they come.
    const isPhrase = url.searchParams.get("auto_mode") === "true" && /[.!?]\s*$/.test(context.text);
    if (flush || isPhrase) generate(id, context);
    if (!close_context) return;
    // What was flushed is still said, unless its end is not waited for.
    const ended = () => {
      contexts.delete(id);
      connection.send({ isFinal: true, contextId: id } satisfies FinalOutputMulti.Raw);
    };
    const { last, ending } = context;
    if (!flushed.has(context)) ending.abort(new DOMException("closed", "AbortError"));
    connection.run(() => last.then(ended));
    return;
  });
  const flushed = new WeakSet<Context>();
  socket.on("message", (data) => {
    const { context_id, flush } = JSON.parse(data.toString());
    const context = contexts.get(context_id);
    if (context && flush) flushed.add(context);
  });
}

/** How many texts a double speaks at the moment. */
export function textsInWork({ connections }: SocketService<ElevenLabsAct>): number {
  return [...connections].reduce((sum, one) => sum + (working.get(one) ?? 0), 0);
}
