// deno run --allow-run examples/parrot.ts [--port 8080] [--host 127.0.0.1]
/**
 * A parrot: it listens, says what it heard when you stop, and falls silent when you interrupt it.
 * Needs no key and no cloud. Its tile draws what it hears in green and what it says in amber.
 */
import { parseArgs } from "node:util";
import {
  Agent,
  type AgentContext,
  type Participant,
  type ParticipantAudio,
  PcmChunk,
  type Processor,
  untilShutdown,
} from "@ringline/edge";
import { rms } from "@ringline/edge/audio";
import { LocalEdge } from "@ringline/edge/local";
import { LevelPicture } from "./lib/level_picture.ts";
import { SpeechDetector } from "./lib/speech_detector.ts";

/** The longest that it remembers of what one person says at a time. */
const LONGEST_MS = 20_000;
/** How much of what came before speech was noticed belongs to it. */
const LEAD_MS = 200;
/** How long a participant must speak over the parrot before it gives way. */
const INTERRUPT_MS = 160;
/** The level that fills the picture: loud speech. */
const FULL = 8000 / 32_768;

/** What is known of one person's speech. */
interface Listener {
  detector: SpeechDetector;
  heard: Int16Array[];
}

/** Repeats what it hears. */
export class Parrot implements Processor {
  readonly name = "parrot";
  readonly #picture = new LevelPicture();
  readonly videoTrack = this.#picture.track;
  readonly #listeners = new Map<string, Listener>();
  #agent: AgentContext | undefined;
  #lastRow = -1;
  /** The loudest since the last bar was drawn, and of each tenth of a second that is being said. */
  #level = 0;
  readonly #said: number[] = [];
  #saidFromMs = 0;

  start(agent: AgentContext): void {
    this.#agent = agent;
  }

  processAudio({ participant, pcm, row }: ParticipantAudio): void {
    const listener = this.#listenerOf(participant);
    const { detector, heard } = listener;
    const change = detector.push(pcm.samples, pcm.durationMs);
    heard.push(pcm.samples.slice()); // a view: the ring will write over it
    const keepMs = detector.speaking || change === "stopped" ? LONGEST_MS : LEAD_MS;
    while (heard.length * pcm.durationMs > keepMs) heard.shift();

    const agent = this.#agent!;
    if (change === "started" && agent.audio.bufferedMs > 0) this.#giveWay(participant);
    if (change === "stopped") this.#repeat(participant, listener, pcm.sampleRate);
    this.#draw(row, rms(pcm.samples) / FULL);
  }

  participantLeft(participant: Participant): void {
    this.#listeners.delete(participant.id);
  }

  close(): void {
    this.#picture[Symbol.dispose]();
  }

  #listenerOf({ id }: Participant): Listener {
    let listener = this.#listeners.get(id);
    if (!listener) {
      listener = { detector: new SpeechDetector({ minSpeechMs: INTERRUPT_MS }), heard: [] };
      this.#listeners.set(id, listener);
    }
    return listener;
  }

  #repeat({ name }: Participant, listener: Listener, sampleRate: number): void {
    const samples = new Int16Array(listener.heard.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of listener.heard.splice(0)) {
      samples.set(part, at);
      at += part.length;
    }
    const { audio } = this.#agent!;
    if (audio.bufferedMs === 0) this.#startSaying(audio.playedMs);
    for (let from = 0; from < samples.length; from += sampleRate / 10) {
      this.#said.push(rms(samples.subarray(from, from + sampleRate / 10)) / FULL);
    }
    // Not awaited: `write` waits while a lot is still to be said, and listening must go on. It
    // rejects when the call is over, which is no trouble of the parrot's.
    audio.write(new PcmChunk(samples, { sampleRate }), { final: true }).catch(() => {});
    const seconds = (samples.length / sampleRate).toFixed(1);
    this.#tell(`${name} spoke for ${seconds} s. I say it back.`);
  }

  #giveWay({ name }: Participant): void {
    this.#agent!.audio.flush().then(({ discardedMs }) => {
      const seconds = (discardedMs / 1000).toFixed(1);
      this.#tell(`${name} interrupts me. I keep ${seconds} s to myself.`);
    }, () => {});
  }

  /** Shows those in the call what the parrot does. */
  #tell(text: string): void {
    const agent = this.#agent!;
    agent.conversation?.append({ role: "assistant", userId: agent.user.id, text });
  }

  #startSaying(playedMs: number): void {
    this.#said.length = 0;
    this.#saidFromMs = playedMs;
  }

  /** One bar of the picture for each tenth of a second, of the loudest. */
  #draw(row: number, level: number): void {
    this.#level = Math.max(this.#level, level);
    if (Math.floor(row / 5) === Math.floor(this.#lastRow / 5)) return;
    const { bufferedMs, playedMs } = this.#agent!.audio;
    const said = this.#said[Math.floor((playedMs - this.#saidFromMs) / 100)] ?? 0;
    this.#picture.draw(bufferedMs > 0 ? said : this.#level, bufferedMs > 0);
    this.#lastRow = row;
    this.#level = 0;
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      port: { type: "string", default: "0" },
      host: { type: "string", default: "127.0.0.1" },
    },
  });
  await untilShutdown(async (signal) => {
    await using edge = new LocalEdge({ port: Number(values.port), host: values.host });
    const agent = new Agent({
      edge,
      agentUser: { id: "parrot", name: "Parrot" },
      processors: [new Parrot()],
    });
    const call = await agent.createCall("default", "parrot");
    await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
    await edge.openDemo(call, { signal });
    console.log("Say something, then wait. Ctrl-C ends the call.");
    const reason = await agent.finish({ signal });
    console.log(`The call is over: ${reason}.`);
  });
}
