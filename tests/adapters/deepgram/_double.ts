/**
 * A double of Deepgram's sockets. What it sends has the types of the vendor's own package, whose client
 * is the first to use it: see official_test.ts.
 */
import type { listen, speak } from "npm:@deepgram/sdk@5.13.0";
import type { STTAct, TTSAct } from "../../../src/testing/mod.ts";
import { tone } from "../../../src/testing/sounds.ts";
import { isLoud } from "../streaming/_loud.ts";
import { performer } from "../streaming/_perform.ts";
import { type ServedConnection, SocketService } from "../streaming/_service.ts";

/** What the double does. */
export type DeepgramAct = STTAct & TTSAct;

/** Starts a double of all paths. */
export function startDeepgram(acts: readonly DeepgramAct[]): Promise<SocketService<DeepgramAct>> {
  return SocketService.start(acts, (connection) => {
    switch (connection.url.pathname) {
      case "/v1/listen":
        return serveNova(connection);
      case "/v2/listen":
        return serveFlux(connection);
      case "/v1/speak":
        return serveAura(connection);
      case "/v2/speak":
        return serveFluxSpeech(connection);
      default:
        connection.socket.close(1008, "no such path");
    }
  });
}

type Connection = ServedConnection<DeepgramAct>;

/** The words of a text, spread evenly over its time. */
function wordsOf(text: string, startS: number, endS: number) {
  const all = text.split(/\s+/).filter(Boolean);
  const step = (endS - startS) / Math.max(1, all.length);
  return all.map((word, n) => ({
    word: word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""),
    punctuated_word: word,
    confidence: 0.98,
    start: startS + n * step,
    end: startS + (n + 1) * step,
  }));
}

/** Seconds of 16-bit mono audio. */
function secondsOf(bytes: number, { searchParams }: URL): number {
  return bytes / 2 / Number(searchParams.get("sample_rate"));
}

function serveNova(connection: Connection): void {
  const { socket, url } = connection;
  let fromS = 0;
  let toS = 0;
  const results = (text: string, options: Partial<listen.ListenV1Results>) =>
    ({
      type: "Results",
      channel_index: [0, 1],
      start: fromS,
      duration: toS - fromS,
      is_final: false,
      speech_final: false,
      channel: {
        alternatives: [{
          transcript: text,
          confidence: text === "" ? 0 : 0.99,
          words: wordsOf(text, fromS, toS),
        }],
      },
      metadata: {
        request_id: "request",
        model_info: { name: "general-nova-3", version: "1", arch: "nova-3" },
        model_uuid: "model",
      },
      ...options,
    }) satisfies listen.ListenV1Results;
  const act = performer(connection);
  const finish = (options: Partial<listen.ListenV1Results>, after = () => {}) => {
    act(
      (text) => connection.send(results(text.slice(0, text.length >> 1), {})),
      (text) => {
        connection.send(results(text, { is_final: true, speech_final: true, ...options }));
        fromS = toS;
        after();
      },
    );
  };
  socket.on("message", (data, isBinary) => {
    if (isBinary) {
      if (toS === fromS && url.searchParams.get("vad_events") === "true") {
        connection.send(
          {
            type: "SpeechStarted",
            channel: [0, 1],
            timestamp: toS,
          } satisfies listen.ListenV1SpeechStarted,
        );
      }
      toS += secondsOf(data.length, url);
      return;
    }
    const { type } = JSON.parse(data.toString());
    if (type === "Finalize") finish({ from_finalize: true });
    if (type !== "CloseStream") return;
    const close = () => {
      connection.send(
        {
          type: "Metadata",
          transaction_key: "deprecated",
          request_id: "request",
          sha256: "0",
          created: "2026-01-01T00:00:00.000Z",
          duration: toS,
          channels: 1,
        } satisfies listen.ListenV1Metadata,
      );
      socket.close(1000);
    };
    if (toS > fromS) finish({}, close);
    else close();
  });
}

/** After so many seconds of quiet a turn ends. */
const QUIET_S = 0.5;

function serveFlux(connection: Connection): void {
  const { socket, url } = connection;
  let count = 0;
  let turn = 0;
  let fromS = 0;
  let toS = 0;
  let isSpeaking = false;
  const info = (event: string, text: string, more: Partial<listen.ListenV2TurnInfo> = {}) =>
    connection.send(
      {
        type: "TurnInfo",
        request_id: "request",
        sequence_id: ++count,
        event,
        turn_index: turn,
        audio_window_start: fromS,
        audio_window_end: toS,
        transcript: text,
        words: wordsOf(text, fromS, toS),
        end_of_turn_confidence: event === "EndOfTurn" ? 0.9 : 0.1,
        ...more,
      } satisfies listen.ListenV2TurnInfo,
    );
  const act = performer(connection);
  const end = (trigger: string, after = () => {}) => {
    act(
      (text) => {
        if (text === "") return; // no turn is in progress
        if (!isSpeaking) info("StartOfTurn", text.split(" ")[0]!);
        isSpeaking = true;
        info("Update", text.slice(0, text.length >> 1));
      },
      (text) => {
        if (text !== "") {
          info("EagerEndOfTurn", text);
          info("EndOfTurn", text, { trigger });
        }
        isSpeaking = false;
        turn++;
        fromS = toS;
        after();
      },
    );
  };
  connection.send(
    { type: "Connected", request_id: "request", sequence_id: 0 } satisfies listen.ListenV2Connected,
  );
  let quietS = Infinity;
  socket.on("message", (data, isBinary) => {
    if (isBinary) {
      const seconds = secondsOf(data.length, url);
      toS += seconds;
      // It ends a turn when a person who has spoken is quiet for a while.
      const before = quietS;
      quietS = isLoud(data) ? 0 : quietS + seconds;
      if (before < QUIET_S && quietS >= QUIET_S && quietS !== Infinity) end("model");
      return;
    }
    const { type } = JSON.parse(data.toString());
    if (type === "ForceEndTurn") {
      quietS = Infinity;
      end("manual");
    }
    if (type !== "CloseStream") return;
    if (toS > fromS) end("timeout", () => socket.close(1000));
    else socket.close(1000);
  });
}

function serveAura(connection: Connection): void {
  const { socket, url } = connection;
  const sampleRate = Number(url.searchParams.get("sample_rate"));
  let sequence = 0;
  let text = "";
  let last: Promise<void> = Promise.resolve();
  let speaking = new AbortController();
  const speak = async (spoken: string, signal: AbortSignal) => {
    const { audioMs = 200, beforeMs = 0, gapMs = 0, byByte, end, message } = connection.act;
    if (end === "silent" || spoken === "") return;
    await connection.pause(beforeMs, signal);
    if (message !== undefined) {
      connection.next();
      return connection.send(message);
    }
    const { buffer } = tone(audioMs, { sampleRate }).samples.slice();
    const step = byByte ? 1 : sampleRate / 25;
    for (let at = 0; at < buffer.byteLength; at += step) {
      signal.throwIfAborted();
      socket.send(
        new Uint8Array(buffer as ArrayBuffer, at, Math.min(step, buffer.byteLength - at)),
      );
      await connection.pause(gapMs, signal);
    }
    if (end === "hang") return;
    if (end === "cut") return socket.terminate();
    connection.send({ type: "Flushed", sequence_id: sequence++ } satisfies speak.SpeakV1Flushed);
  };
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    if (message.type === "Speak") text += message.text;
    if (message.type === "Flush") {
      const [spoken, { signal }] = [text, speaking];
      text = "";
      last = last.then(async () => {
        generating.set(connection, (generating.get(connection) ?? 0) + 1);
        try {
          if (!signal.aborted) await speak(spoken, signal);
          // A service that hangs goes on until it is told to stop, or the client is gone.
          const { end } = connection.act;
          if (end === "hang" || end === "silent") await connection.pause(60_000, signal);
        } catch (error) {
          if ((error as Error).name !== "AbortError") throw error;
        } finally {
          generating.set(connection, generating.get(connection)! - 1);
        }
      });
    }
    if (message.type === "Clear") {
      text = "";
      speaking.abort(new DOMException("cleared", "AbortError"));
      speaking = new AbortController();
      last = last.then(() => {
        connection.send(
          { type: "Cleared", sequence_id: sequence++ } satisfies speak.SpeakV1Cleared,
        );
      });
    }
    if (message.type === "Close") socket.close(1000);
  });
}

/** A turn of a voice of Flux. */
interface SpeechTurn {
  readonly id: string;
  /** Its sentences that are not spoken yet, and what is none yet. */
  readonly sentences: string[];
  rest: string;
  isFlushed: boolean;
  isStarted: boolean;
  audioMs: number;
  readonly ending: AbortController;
}

function serveFluxSpeech(connection: Connection): void {
  const { socket, url } = connection;
  const sampleRate = Number(url.searchParams.get("sample_rate"));
  const turns: SpeechTurn[] = [];
  let count = 0;
  let sessionMs = 0;
  let isRunning = false;
  const metadata = ({ id, audioMs }: SpeechTurn) => ({
    speech_id: id,
    audio_duration_ms: audioMs,
    input_character_count: 1,
    billable_character_count: 1,
    controls_applied: { pronunciations_applied: 0, breaks_applied: 0, pronunciation_warnings: 0 },
  });
  connection.send(
    {
      type: "Connected",
      request_id: "request",
      model_name: url.searchParams.get("model")!,
      model_version: "1",
      model_uuids: ["model"],
    } satisfies speak.SpeakV2Connected,
  );
  const sentence = async (turn: SpeechTurn) => {
    const { audioMs = 200, beforeMs = 0, gapMs = 0, byByte, end, message } = connection.act;
    const { signal } = turn.ending;
    if (end === "silent") return await connection.pause(60_000, signal);
    await connection.pause(beforeMs, signal);
    if (message !== undefined) {
      connection.next();
      return connection.send(message);
    }
    if (!turn.isStarted) {
      connection.send(
        { type: "SpeechStarted", speech_id: turn.id } satisfies speak.SpeakV2SpeechStarted,
      );
    }
    turn.isStarted = true;
    const { buffer } = tone(audioMs, { sampleRate }).samples.slice();
    const step = byByte ? 1 : sampleRate / 25;
    for (let at = 0; at < buffer.byteLength; at += step) {
      signal.throwIfAborted();
      const length = Math.min(step, buffer.byteLength - at);
      socket.send(new Uint8Array(buffer as ArrayBuffer, at, length));
      turn.audioMs += length * 500 / sampleRate;
      sessionMs += length * 500 / sampleRate;
      await connection.pause(gapMs, signal);
    }
    if (end === "hang") return await connection.pause(60_000, signal);
    if (end === "cut") socket.terminate();
  };
  const run = async () => {
    if (isRunning) return;
    isRunning = true;
    generating.set(connection, 1);
    try {
      for (let turn = turns[0]; turn; turn = turns[0]) {
        try {
          while (turn.sentences.length > 0) {
            turn.sentences.shift();
            await sentence(turn);
          }
        } catch (error) {
          if (!turn.ending.signal.aborted) throw error;
          // The next turn is another.
          continue;
        }
        if (!turn.isFlushed) return;
        turns.shift();
        connection.send(
          { type: "SpeechMetadata", ...metadata(turn) } satisfies speak.SpeakV2SpeechMetadata,
        );
        connection.send({ type: "Flushed", speech_id: turn.id } satisfies speak.SpeakV2Flushed);
      }
    } finally {
      isRunning = false;
      generating.set(connection, 0);
    }
  };
  const warn = (code: string) =>
    connection.send({ type: "Warning", code, description: code } satisfies speak.SpeakV2Warning);
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    let turn = turns.at(-1);
    switch (message.type) {
      case "Speak": {
        if (!turn || turn.isFlushed) {
          turn = {
            id: `dg_sp_${++count}`,
            sentences: [],
            rest: "",
            isFlushed: false,
            isStarted: false,
            audioMs: 0,
            ending: new AbortController(),
          };
          turns.push(turn);
        }
        turn.rest += message.text;
        if (!/[.!?]\s*$/.test(turn.rest)) return;
        turn.sentences.push(turn.rest);
        turn.rest = "";
        return connection.run(run);
      }
      case "Flush":
        if (!turn || turn.isFlushed) return warn("NO_ACTIVE_SPEECH");
        if (turn.rest.trim() !== "") turn.sentences.push(turn.rest);
        turn.isFlushed = true;
        return connection.run(run);
      case "Interrupt": {
        const [active] = turns;
        if (!active) return warn("NO_ACTIVE_SPEECH");
        if (sessionMs === 0) return warn("NO_AUDIO_GENERATED");
        turns.shift();
        active.ending.abort(new DOMException("interrupted", "AbortError"));
        connection.send(
          {
            type: "SpeechInterrupted",
            audio_played_ms: sessionMs,
            metadata: metadata(active),
          } satisfies speak.SpeakV2SpeechInterrupted,
        );
        return connection.run(run);
      }
      case "Close":
        return socket.close(1000);
    }
  });
}

/** How many texts are being spoken. */
const generating = new WeakMap<Connection, number>();

/** How many texts a double speaks at the moment. */
export function textsInWork({ connections }: SocketService<DeepgramAct>): number {
  return [...connections].reduce((sum, one) => sum + (generating.get(one) ?? 0), 0);
}
