/** Agents for the browser tests: they record what they hear, and say a tone. */
import {
  Agent,
  type AgentOptions,
  type ParticipantAudio,
  PcmChunk,
  silentLogger,
} from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import type { Recording } from "./_signal.ts";
import { toFloats } from "./_signal.ts";
import { until } from "./_fixture.ts";

/** Keeps what an agent hears of each participant. */
export class Ears {
  readonly #heard = new Map<string, Int16Array[]>();
  readonly name = "ears";
  #sampleRate = 0;

  processAudio({ participant, pcm }: ParticipantAudio): void {
    this.#keep(participant.name, pcm);
  }

  /** Keeps the sound of a screen as that of "Ada's screen". */
  processScreenAudio({ participant, pcm }: ParticipantAudio): void {
    this.#keep(`${participant.name}'s screen`, pcm);
  }

  #keep(name: string, pcm: PcmChunk): void {
    this.#sampleRate = pcm.sampleRate;
    this.#heard.getOrInsertComputed(name, () => []).push(pcm.samples.slice());
  }

  /** How much was heard of the participant with this name. */
  msOf(name: string): number {
    return (this.#heard.get(name)?.length ?? 0) * 20;
  }

  /** The latest `ms` heard of the participant with this name. */
  last(name: string, ms: number): Recording {
    const parts = (this.#heard.get(name) ?? []).slice(-ms / 20);
    const samples = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      samples.set(toFloats(part), at);
      at += part.length;
    }
    return { sampleRate: this.#sampleRate, samples };
  }

  /** Waits until `ms` more were heard of this participant. Returns them. */
  async next(name: string, ms: number): Promise<Recording> {
    const from = this.msOf(name);
    await until(`the agent hears ${ms} ms of ${name}`, () => this.msOf(name) >= from + ms);
    return this.last(name, ms);
  }
}

/** An agent that has joined a call of its own LocalEdge, and the link to it. */
export interface AgentFixture extends AsyncDisposable {
  edge: LocalEdge;
  agent: Agent;
  ears: Ears;
  link: URL;
}

/** Starts an edge and an agent named "Agent" in a call. */
export async function openAgentFixture(options: Partial<AgentOptions> = {}): Promise<AgentFixture> {
  await using stack = new AsyncDisposableStack();
  const edge = stack.use(new LocalEdge({ logger: silentLogger }));
  const ears = new Ears();
  const agent = new Agent({
    edge,
    agentUser: { id: "agent", name: "Agent" },
    processors: [ears],
    ...options,
  });
  const call = await agent.createCall("default", "test");
  stack.use(await agent.join(call, { participantWaitTimeoutMs: 0 }));
  const link = await edge.callLink(call);
  const kept = stack.move();
  return { edge, agent, ears, link, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** A sine of this length; `level` is its amplitude, 1 is full scale. */
export function tone(hz: number, ms: number, level = 0.25, sampleRate = 24_000): PcmChunk {
  const samples = Int16Array.from(
    { length: (sampleRate * ms) / 1000 },
    (_, i) => Math.round(Math.sin((2 * Math.PI * hz * i) / sampleRate) * level * 32767),
  );
  return new PcmChunk(samples, { sampleRate });
}
