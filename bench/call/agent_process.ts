/**
 * The agent of the benchmark, in a process of its own: its main thread can stand still without the
 * benchmark standing still, and what it costs can be told apart.
 *
 * One edge; agents join one after the other. Ends with its input.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import type { ParticipantAudio } from "../../src/edge/participant_audio.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { OutboundAudioTrack } from "../../src/edge/audio_track.ts";
import { AudioStatsEvent, ErrorEvent } from "../../src/edge/events.ts";
import { describeError } from "../../src/events/error_text.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { LocalEdge } from "../../src/edges/local/mod.ts";
import { loadKernel } from "../../src/native/mod.ts";
import { type Message, respondToAll } from "../lib/lines.ts";
import { clockOffset, wallClock } from "../lib/wall_clock.ts";
import type { AgentAudioStats } from "./agent.ts";
import { ClickEar } from "./click_ear.ts";
import { speechLikeNoise } from "./speech.ts";
import { stall } from "../lib/stall.ts";
import { toneSamples } from "../probe/tone.ts";

const RATE = 48_000;
/** More than a call takes by default: crowds are measured. */
const MAX_PEOPLE = 128;
/** What one write holds. */
const PIECE_MS = 100;
const SPEECH_SECONDS = 20;
/** Another one than those of the people. */
const AGENT_SEED = 100;
const STALL_MS = 200;
const STALL_EVERY_MS = 2000;

/** A tone, or what stands for speech, in pieces to be written one after the other. */
function pieces(what: "tone" | "speech"): PcmChunk[] {
  const length = RATE * PIECE_MS / 1000;
  const format = { sampleRate: RATE, channels: 1 };
  if (what === "tone") return [new PcmChunk(toneSamples(length), format)];
  const noise = speechLikeNoise(SPEECH_SECONDS, AGENT_SEED);
  return Array.from(
    { length: noise.length / length },
    (_, i) => new PcmChunk(noise.subarray(i * length, (i + 1) * length), format),
  );
}

/** One agent in one call. */
class BenchAgent {
  readonly #agent: Agent;
  readonly #edge: LocalEdge;
  readonly #errors: string[] = [];
  readonly #subscriptions = new DisposableStack();
  readonly #audioStats: Record<string, AgentAudioStats> = {};
  #clicks: ClickEar | undefined;
  #echoes = false;
  /** What it says beside the echo: a track of its own, published when it is first needed. */
  #speech: OutboundAudioTrack | undefined;
  #saying: AbortController | undefined;
  #rows = 0;
  #firstRow = Infinity;
  #lastRow = -Infinity;

  constructor(edge: LocalEdge) {
    this.#edge = edge;
    this.#subscriptions.use(edge.events.subscribe([ErrorEvent], ({ context, error }) => {
      this.#errors.push(`${context}: ${describeError(error)}`);
    }));
    this.#agent = new Agent({
      edge,
      agentUser: { id: "bench", name: "Bench" },
      audioMode: "live",
      onAudio: (heard) => this.#hear(heard),
    });
  }

  async join(): Promise<Message> {
    const call = await this.#agent.createCall("default", crypto.randomUUID());
    const start = performance.now();
    await this.#agent.join(call, { participantWaitTimeoutMs: 0 });
    const joinMs = performance.now() - start;
    return { link: (await this.#edge.callLink(call)).href, joinMs };
  }

  echo(): Message {
    this.#echoes = true;
    return {};
  }

  async say(what: "tone" | "speech"): Promise<Message> {
    this.#echoes = false;
    if (!this.#speech) {
      const audio = this.#edge.createAudioTrack({ mode: "speech" });
      await this.#edge.publishTracks({ audio }, { connection: this.#agent.connection });
      this.#speech = audio;
    }
    const track = this.#speech;
    const saying = this.#saying = new AbortController();
    void (async () => {
      for (const all = pieces(what);;) {
        for (const piece of all) await track.write(piece, { signal: saying.signal });
      }
    })().catch(() => {}); // flushed, or the call is over
    return {};
  }

  flush(offset: number): Message {
    const at = wallClock(offset);
    this.#saying?.abort();
    void this.#speech?.flush();
    return { at };
  }

  figures(): Message {
    const expected = this.#lastRow - this.#firstRow + 1;
    const missingRows = this.#rows === 0 ? 0 : expected - this.#rows;
    const { bufferedMs, trimmedMs } = this.#agent.audio;
    return { rows: this.#rows, missingRows, errors: this.#errors, bufferedMs, trimmedMs };
  }

  async leave(): Promise<Message> {
    this.#saying?.abort();
    await this.#agent.close();
    this.#subscriptions[Symbol.dispose]();
    return {};
  }

  watchAudio(offset: number): Message {
    this.#clicks = new ClickEar(offset);
    this.#subscriptions.use(
      this.#edge.events.subscribe(AudioStatsEvent, ({ participant, stats }) => {
        const { audioMs, concealedMs } = stats;
        this.#audioStats[participant.name] = { audioMs, concealedMs };
      }),
    );
    return {};
  }

  get audioStats(): Message {
    return this.#audioStats;
  }

  get clicks(): Message {
    return this.#clicks?.heard ?? [];
  }

  #hear(heard: ParticipantAudio): void {
    const { pcm, row } = heard;
    this.#clicks?.hear(heard);
    if (row !== this.#lastRow) this.#rows++;
    this.#firstRow = Math.min(this.#firstRow, row);
    this.#lastRow = row;
    // Not awaited: it rejects when the call is over.
    if (this.#echoes) this.#agent.audio.write(pcm).catch(() => {});
  }
}

async function stallRepeatedly(times: number, offset: number): Promise<Message> {
  const stalls: Message[] = [];
  const start = performance.now();
  for (let index = 0; index < times; index++) {
    const due = start + index * STALL_EVERY_MS - performance.now();
    if (due > 0) await delay(due);
    stalls.push(stall(STALL_MS, offset));
  }
  await delay(STALL_EVERY_MS - STALL_MS);
  return stalls;
}

/** What the media process loads too: both may use `--allow-ffi`. */
function kernelName(): string {
  return loadKernel({ logger: () => {} }).name;
}

if (import.meta.main) {
  Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order
  await using edge = new LocalEdge({ logger: silentLogger, limits: { people: MAX_PEOPLE } });
  let agent: BenchAgent | undefined;
  await respondToAll(async ({ ask, ...message }) => {
    if (ask === "kernel") return kernelName();
    if (ask === "join") return await (agent = new BenchAgent(edge)).join();
    if (!agent) throw new Error(`no agent to ${ask}: ask "join" first`);
    if (ask === "echo") return agent.echo();
    if (ask === "say") return await agent.say(message.what);
    if (ask === "flush") return agent.flush(clockOffset());
    if (ask === "stall") return await stallRepeatedly(message.times, clockOffset());
    if (ask === "block") return stall(message.ms, clockOffset());
    if (ask === "figures") return agent.figures();
    if (ask === "audioStats") return agent.audioStats;
    if (ask === "watchAudio") return agent.watchAudio(clockOffset());
    if (ask === "clicks") return agent.clicks;
    if (ask === "leave") return await agent.leave();
    throw new Error(`unknown request "${ask}"`);
  });
  await agent?.leave();
}
