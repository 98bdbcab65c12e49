/** The fixture of the conversation tests: an agent of fakes in a call in memory. */
import type { Call } from "../../src/edge/call.ts";
import type { MemoryConnection } from "../../src/testing/memory_connection.ts";
import type { MemoryParticipant } from "../../src/testing/memory_participant.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { silentLogger } from "../../src/events/logger.ts";
import { conversationEvents } from "../../src/inference/contracts/events.ts";
import { fixedEndpointing } from "../../src/inference/contracts/turn_detector.ts";
import { FakeLLM, type FakeReply } from "../../src/testing/fake_llm.ts";
import { type FakeExchange, FakeRealtimeLLM } from "../../src/testing/fake_realtime_llm.ts";
import { FakeSTT } from "../../src/testing/fake_stt.ts";
import { FakeTTS, type FakeTTSOptions } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

/** Options for {@linkcode Fixture.set}. */
export interface FixtureOptions {
  replies?: readonly FakeReply[];
  transcripts?: ConstructorParameters<typeof FakeSTT>[1];
  /** Whether the recogniser detects turns, and decides where they end. */
  detectsTurns?: boolean;
  voice?: FakeTTSOptions;
  people?: string[];
  agent?: Partial<AgentOptions>;
  /** Whether the model can be shown pictures. */
  seeing?: boolean;
  /** Called before the agent joins. */
  prepare?: (fixture: Fixture) => void;
  /** An agent with a realtime model instead, and what that follows. */
  realtime?: readonly FakeExchange[];
  /** Whether the realtime model writes, and the voice speaks. */
  writes?: boolean;
}

/** An agent made of fakes in a call in memory, and all that happens there. */
export class Fixture implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly edge = new MemoryEdge({ clock: this.clock, logger: silentLogger });
  readonly llm: FakeLLM;
  readonly stt: FakeSTT;
  readonly tts: FakeTTS;
  readonly realtime: FakeRealtimeLLM;
  readonly vad = new FakeVAD();
  readonly agent: Agent;
  readonly people: MemoryParticipant[] = [];
  readonly happened: { at: number; event: object }[] = [];
  readonly errors: ErrorEvent[] = [];
  call!: Call;

  private constructor(options: FixtureOptions) {
    const { clock, edge } = this;
    const { detectsTurns = false } = options;
    this.llm = new FakeLLM(clock, options.replies);
    this.stt = new FakeSTT(clock, options.transcripts, { detectsTurns });
    this.tts = new FakeTTS(clock, options.voice);
    this.realtime = new FakeRealtimeLLM(clock, options.realtime ?? []);
    this.realtime.textOutput = options.writes ?? false;
    this.llm.acceptsImages = this.realtime.acceptsImages = options.seeing ?? false;
    this.agent = new Agent({
      edge,
      agentUser: { id: "agent", name: "Agent" },
      ...options.realtime ? { llm: this.realtime, ...options.writes ? { tts: this.tts } : {} } : {
        llm: this.llm,
        stt: this.stt,
        tts: this.tts,
        vad: this.vad,
      },
      ...options.agent,
      ...options.realtime ? {} : {
        turnHandling: {
          ...detectsTurns ? {} : { turnDetection: fixedEndpointing(400) },
          ...options.agent?.turnHandling,
        },
      },
    });
    edge.events.subscribe(ErrorEvent, (event) => void this.errors.push(event));
    this.agent.events.subscribe(conversationEvents, (event) => {
      this.happened.push({ at: clock.now(), event });
    });
  }

  static async set(options: FixtureOptions = {}): Promise<Fixture> {
    const fixture = new Fixture(options);
    const { clock, edge, agent } = fixture;
    options.prepare?.(fixture);
    fixture.call = await agent.createCall("default", "fixture");
    for (const userId of options.people ?? ["ann"]) {
      const name = userId[0]!.toUpperCase() + userId.slice(1);
      fixture.people.push(edge.enter(fixture.call, { userId, name, id: userId }));
    }
    await clock.until(agent.join(fixture.call));
    return fixture;
  }

  /** The first person. */
  get ann(): MemoryParticipant {
    return this.people[0]!;
  }

  get connection(): MemoryConnection {
    return this.agent.connection as MemoryConnection;
  }

  /** What is in the edge's conversation, as `who: text`, `...` where more may come, `/` where cut. */
  get conversation(): string[] {
    return this.agent.conversation!.messages.map(({ userId, text, complete, interrupted }) =>
      `${userId}: ${text}${complete ? "" : "..."}${interrupted ? "/" : ""}`
    );
  }

  /** What the model was told last, without its instructions. */
  get told(): string[] {
    const messages = this.llm.requests.at(-1)?.messages ?? [];
    return messages.map((one) => `${one.role}: ${one.text}`);
  }

  events<T extends object>(eventClass: new (...args: never[]) => T): T[] {
    return this.happened.flatMap(({ event }) => event instanceof eventClass ? [event] : []);
  }

  /** When the first event of a class happened. */
  when(eventClass: new (...args: never[]) => object): number {
    return this.happened.find(({ event }) => event instanceof eventClass)?.at ?? NaN;
  }

  /** Says something in the background that lasts so long. */
  speak(ms: number, who: MemoryParticipant = this.ann, loudness = 6000): Promise<void> {
    return who.speak(sound(ms, loudness));
  }

  /** Says something in the background, and is silent after it as a microphone is. */
  utter(ms: number, thenMs: number, who?: MemoryParticipant, loudness?: number): void {
    this.speak(ms, who, loudness);
    this.speak(thenMs, who, 0);
  }

  /** Says something, is silent, and lets so much time pass. */
  async hear(ms: number, thenMs: number, who?: MemoryParticipant): Promise<void> {
    this.utter(ms, thenMs, who);
    await this.clock.advance(ms + thenMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clock.until(this.agent.close());
    await this.clock.until(this.edge.close());
  }
}

const sounds = new Map<string, PcmChunk>();

/** Something like a voice: 150 Hz, 16 kHz, its loudness going up and down as syllables do. */
export function sound(ms: number, loudness = 6000): PcmChunk {
  const key = `${ms} ${loudness}`;
  let pcm = sounds.get(key);
  if (!pcm) sounds.set(key, pcm = makeSound(ms, loudness));
  return pcm;
}

function makeSound(ms: number, loudness: number): PcmChunk {
  const samples = new Int16Array(16 * ms);
  for (let n = 0; n < samples.length; n++) {
    const syllable = 0.6 + 0.4 * Math.sin(2 * Math.PI * n / 3100);
    samples[n] = loudness * syllable * Math.sin(2 * Math.PI * 150 * n / 16_000);
  }
  return new PcmChunk(samples, { sampleRate: 16_000 });
}
