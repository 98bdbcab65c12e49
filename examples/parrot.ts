// deno run --allow-run examples/parrot.ts [--port 8080] [--host 127.0.0.1]
/**
 * A parrot: it listens, repeats what it heard when you stop, and falls silent when you interrupt it. It
 * needs no key and no cloud. Its tile draws what it hears in green and what it says in amber.
 */
import {
  Agent,
  type AgentContext,
  type Participant,
  type ParticipantAudio,
  PcmChunk,
  type Processor,
  TrackEchoDetector,
} from "@ringline/edge";
import { rms } from "@ringline/edge/audio";
import { LocalEdge } from "@ringline/edge/local";
import { LevelPicture } from "./lib/level_picture.ts";
import { commandLine, run, usable } from "./lib/program.ts";
import { SpeechDetector } from "./lib/speech_detector.ts";

/** The most of one person's utterance that it remembers. */
const LONGEST_MS = 20_000;
/** Audio before the detection of speech that belongs to it. */
const LEAD_MS = 200;
/** How long a person must speak over the parrot to interrupt it. */
const INTERRUPT_MS = 160;
/** The level that fills the picture: loud speech. */
const FULL = 8000 / 32_768;

/** The state of one person's speech. */
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
  /** A loudspeaker must not make the parrot interrupt itself. */
  #echo: TrackEchoDetector | undefined;
  #lastRow = -1;
  /** The peak since the last bar, and the levels of the current speech per tenth of a second. */
  #level = 0;
  readonly #said: number[] = [];
  #saidFromMs = 0;

  start(agent: AgentContext): void {
    this.#agent = agent;
    this.#echo = new TrackEchoDetector(agent.audio);
  }

  processAudio(audio: ParticipantAudio): void {
    const { participant, pcm, row } = audio;
    // Its own voice is silence to it. Otherwise a copy, since the ring will write over the view.
    const samples = this.#echo!.isEcho(audio)
      ? new Int16Array(pcm.samples.length)
      : pcm.samples.slice();
    const listener = this.#listenerOf(participant);
    const { detector, heard } = listener;
    const change = detector.push(samples, pcm.durationMs);
    heard.push(samples);
    const keepMs = detector.speaking || change === "stopped" ? LONGEST_MS : LEAD_MS;
    while (heard.length * pcm.durationMs > keepMs) heard.shift();

    const agent = this.#agent!;
    if (change === "started" && agent.audio.bufferedMs > 0) this.#stopSpeaking(participant);
    if (change === "stopped") this.#repeat(participant, listener, pcm.sampleRate);
    this.#draw(row, rms(samples) / FULL);
  }

  participantLeft(participant: Participant): void {
    this.#listeners.delete(participant.id);
    this.#echo?.participantLeft(participant);
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
    // Not awaited: `write` waits while much speech is queued, and listening must continue. It rejects
    // when the call has ended, which is fine.
    this.#echo!.write(new PcmChunk(samples, { sampleRate }), { final: true }).catch(() => {});
    const seconds = (samples.length / sampleRate).toFixed(1);
    this.#show(`${name} spoke for ${seconds} s. I say it back.`);
  }

  #stopSpeaking({ name }: Participant): void {
    this.#agent!.audio.flush().then(({ discardedMs }) => {
      const seconds = (discardedMs / 1000).toFixed(1);
      this.#show(`${name} interrupts me. I keep ${seconds} s to myself.`);
    }, () => {});
  }

  /** Shows people in the call what the parrot does. */
  #show(text: string): void {
    const agent = this.#agent!;
    agent.conversation?.append({ role: "assistant", userId: agent.user.id, text });
  }

  #startSaying(playedMs: number): void {
    this.#said.length = 0;
    this.#saidFromMs = playedMs;
  }

  /** Draws one bar for each tenth of a second, of its peak. */
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
  const options = commandLine({ port: 0, host: "127.0.0.1" });
  await run(async (signal) => {
    await using edge = await usable(() => new LocalEdge(options));
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
