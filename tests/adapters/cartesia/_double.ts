/**
 * A double of Cartesia's sockets. What it sends has the types of the vendor's own package, whose client
 * is the first to use it: see official_test.ts.
 */
import type {
  WebsocketClientEvent,
  WebsocketResponse,
} from "npm:@cartesia/cartesia-js@4.2.0/resources/tts";
import type { STTAutoFinalizeWebsocketResponse } from "npm:@cartesia/cartesia-js@4.2.0/resources/stt/auto-finalize/auto-finalize";
import type { STTManualFinalizeWebsocketResponse } from "npm:@cartesia/cartesia-js@4.2.0/resources/stt/manual-finalize/manual-finalize";
import type { STTAct, TTSAct } from "../../../src/testing/mod.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { isLoud } from "../streaming/_loud.ts";
import { performer } from "../streaming/_perform.ts";
import { type ServedConnection, SocketService } from "../streaming/_service.ts";

/** What the double does. */
export interface CartesiaAct extends STTAct, TTSAct {
  /** How long it keeps a context without text after its sound, in milliseconds. Default 1,000. */
  readonly expiresMs?: number;
}

type Connection = ServedConnection<CartesiaAct>;

/** Starts a double of all paths. */
export function startCartesia(acts: readonly CartesiaAct[]): Promise<SocketService<CartesiaAct>> {
  return SocketService.start(acts, (connection) => {
    switch (connection.url.pathname) {
      case "/stt/websocket":
        return serveSegments(connection);
      case "/stt/turns/websocket":
        return serveTurns(connection);
      case "/tts/websocket":
        return serveSpeech(connection);
      default:
        connection.socket.close(1008, "no such path");
    }
  });
}

const request_id = "request";

/** The words of a text, spread evenly over its time. */
function wordsOf(text: string, seconds: number) {
  const words = text.split(/\s+/).filter(Boolean);
  const step = seconds / Math.max(1, words.length);
  return { words, start: words.map((_, n) => n * step), end: words.map((_, n) => (n + 1) * step) };
}

function serveSegments(connection: Connection): void {
  const { socket } = connection;
  const send = (message: STTManualFinalizeWebsocketResponse) => connection.send(message);
  const act = performer(connection);
  let isOpen = false;
  const finalize = (after: () => void) => {
    isOpen = false;
    let half = 0;
    act(
      (text) => {
        half = text.length >> 1;
        if (half === 0) return;
        const interim = text.slice(0, 1 + (half >> 1));
        send({ type: "transcript", request_id, is_final: false, text: interim });
        send({ type: "transcript", request_id, is_final: true, text: text.slice(0, half) });
      },
      (text) => {
        // A delta: its beginning may be in the middle of a word.
        if (text !== "") {
          const words = [wordsOf(text, 1)];
          const rest = text.slice(half);
          send({
            type: "transcript",
            request_id,
            is_final: true,
            text: rest,
            language: "en",
            words,
          });
        }
        after();
      },
    );
  };
  const close = () => {
    send({ type: "done", request_id });
    socket.close(1000);
  };
  socket.on("message", (data, isBinary) => {
    if (isBinary) return void (isOpen = true);
    const command = data.toString();
    if (command === "finalize") finalize(() => send({ type: "flush_done", request_id }));
    else if (command === "close") isOpen ? finalize(close) : close();
    else connection.socket.close(1008, `no such command: ${command}`);
  });
}

/** After so many seconds of quiet a turn ends. */
const QUIET_S = 0.5;

function serveTurns(connection: Connection): void {
  const { socket, url } = connection;
  const send = (message: STTAutoFinalizeWebsocketResponse) => connection.send(message);
  const act = performer(connection);
  const rate = Number(url.searchParams.get("sample_rate"));
  let quietS = Infinity;
  let isTurn = false;
  const end = (after = () => {}) => {
    isTurn = false;
    act(
      (text) => {
        send({ type: "turn.update", request_id, transcript: text.slice(0, text.length >> 1) });
        send({ type: "turn.eager_end", request_id, transcript: text });
        send({ type: "turn.resume", request_id });
      },
      (text) => {
        send({ type: "turn.end", request_id, transcript: text });
        after();
      },
    );
  };
  send({ type: "connected", request_id });
  socket.on("message", (data, isBinary) => {
    if (!isBinary) {
      const { type } = JSON.parse(data.toString());
      if (type !== "close") return;
      const close = () => socket.close(1000);
      return isTurn ? end(close) : close();
    }
    quietS = isLoud(data) ? 0 : quietS + data.length / 2 / rate;
    if (quietS === 0 && !isTurn) {
      isTurn = true;
      send({ type: "turn.start", request_id });
      const { text = "" } = connection.act;
      send({ type: "turn.update", request_id, transcript: text.split(" ")[0]! });
    }
    if (isTurn && quietS >= QUIET_S) end();
  });
}

/** A context: what it says, one text after the other. */
interface Context {
  last: Promise<void>;
  saidS: number;
  inputs: number;
  isEnded: boolean;
  readonly fields: string;
  readonly ending: AbortController;
}

/** How many texts are being spoken. */
const working = new WeakMap<Connection, number>();

function serveSpeech(connection: Connection): void {
  const { socket } = connection;
  const contexts = new Map<string, Context>();
  const over = new Set<string>();
  const count = (change: number) =>
    working.set(connection, (working.get(connection) ?? 0) + change);
  const send = (message: WebsocketResponse) => connection.send(message);
  const finish = (context_id: string) => {
    contexts.delete(context_id);
    over.add(context_id);
    send({ type: "done", context_id, done: true, status_code: 206 });
  };
  const fail = (context_id: string, title: string, message: string) =>
    send({ type: "error", context_id, title, message, status_code: 400, done: true });
  const speak = async (id: string, context: Context, transcript: string, sample_rate: number) => {
    const { signal } = context.ending;
    const { audioMs = 200, beforeMs = 0, gapMs = 0, byByte, end, message } = connection.act;
    if (end === "silent") return await connection.pause(60_000, signal);
    await connection.pause(beforeMs, signal);
    if (message !== undefined) {
      connection.next();
      return connection.send(message);
    }
    const times = wordsOf(transcript, audioMs / 1000);
    const shift = (all: number[]) => all.map((s) => s + context.saidS);
    const word_timestamps = { ...times, start: shift(times.start), end: shift(times.end) };
    const ids = { context_id: id, done: false, status_code: 206 };
    send({ type: "timestamps", ...ids, word_timestamps });
    context.saidS += audioMs / 1000;
    const { buffer } = tone(audioMs, { sampleRate: sample_rate }).samples.slice();
    const bytes = new Uint8Array(buffer as ArrayBuffer);
    // A few bytes in each message, odd ones too.
    const step = byByte ? 7 : sample_rate / 25;
    for (let at = 0; at < bytes.length; at += step) {
      signal.throwIfAborted();
      const data = bytes.subarray(at, at + step).toBase64();
      send({ type: "chunk", ...ids, data, step_time: 1 });
      await connection.pause(gapMs, signal);
    }
    if (end === "hang") return await connection.pause(60_000, signal);
    if (end === "cut") socket.terminate();
  };
  socket.on("message", (data) => {
    const event: WebsocketClientEvent = JSON.parse(data.toString());
    const { context_id: id } = event;
    const known = contexts.get(id);
    if ("cancel" in event) {
      // It is not confirmed.
      known?.ending.abort(new DOMException("cancelled", "AbortError"));
      contexts.delete(id);
      return;
    }
    const { transcript, continue: goesOn, flush: _, ...rest } = event;
    const fields = JSON.stringify(rest);
    if (over.has(id)) return fail(id, "Invalid context", `${id} has expired`);
    if (known && known.fields !== fields) return fail(id, "Invalid context", "fields differ");
    if (rest.output_format.encoding !== "pcm_s16le" || !("id" in Object(rest.voice))) {
      return fail(id, "Invalid request", "format or voice");
    }
    const context = known ??
      {
        last: Promise.resolve(),
        saidS: 0,
        inputs: 0,
        isEnded: false,
        fields,
        ending: new AbortController(),
      };
    contexts.set(id, context);
    context.isEnded ||= goesOn !== true;
    const input = ++context.inputs;
    const { sample_rate } = rest.output_format;
    connection.run(async () => {
      count(1);
      const { last } = context;
      try {
        context.last = (async () => {
          await last;
          context.ending.signal.throwIfAborted();
          if (transcript.trim() !== "") await speak(id, context, transcript, sample_rate);
        })();
        await context.last;
      } finally {
        count(-1);
      }
      const { expiresMs = 1000 } = connection.act;
      if (!context.isEnded) await connection.pause(expiresMs, context.ending.signal);
      if (context.inputs === input && contexts.get(id) === context) finish(id);
    });
  });
}

/** How many texts a double speaks at the moment. */
export function textsInWork({ connections }: SocketService<CartesiaAct>): number {
  return [...connections].reduce((sum, one) => sum + (working.get(one) ?? 0), 0);
}
