/**
 * The agent of the benchmark, in a process of its own: its models follow a script, and its voice is
 * a tone, whose end is measurable to the millisecond.
 *
 * One edge; agents join one after the other. Ends with its input.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import {
  Agent,
  BargeInEvent,
  ErrorEvent,
  FalseInterruptionEvent,
  fixedEndpointing,
  type LLM,
  OverlappingSpeechEvent,
  PcmChunk,
  ReplyLatencyEvent,
  silentLogger,
  sttFromTranscriber,
  ttsFromSentences,
  TurnEndedEvent,
} from "../../mod.ts";
import { describeError } from "../../src/events/error_text.ts";
import { neuralVad } from "../../src/inference/vad/neural_vad.ts";
import { energyVad } from "../../src/inference/vad/energy_vad.ts";
import { LocalEdge } from "../../src/edges/local/mod.ts";
import { type Message, respondToAll } from "../lib/lines.ts";
import { clockOffset, wallClock } from "../lib/wall_clock.ts";
import { LLM_MS, STT_MS, TTS_MS, TURN_SILENCE_MS } from "./script.ts";
import { type TurnKind, turnParts, type TurnScript } from "./turn_agent.ts";

const RATE = 24_000;
const PIECE_MS = 100;
/** A turn model takes its time to load. */
const JOIN_LIMIT_MS = 60_000;
const TONE_HZ = 1000;
const TONE_LEVEL = 9000;
const REPLY_MS = 300;
const LONG_MS = 60_000;
/** The agent says it for a minute. */
const LONG_TEXT = "Speak for a minute.";

const stt = sttFromTranscriber({
  name: "scripted-stt",
  async *transcribe(audio) {
    for await (const _ of audio);
    await delay(STT_MS);
    yield { text: "Please tell me something.", final: true };
  },
});

const llm: LLM = {
  name: "scripted-llm",
  async *generate() {
    await delay(LLM_MS);
    yield { type: "text", text: "A short reply." };
  },
};

const tts = ttsFromSentences({
  name: "a-tone",
  async *synthesize(text) {
    await delay(TTS_MS);
    const piece = Int16Array.from(
      { length: RATE * PIECE_MS / 1000 },
      (_, n) => TONE_LEVEL * Math.sin(2 * Math.PI * TONE_HZ * n / RATE),
    );
    const totalMs = text === LONG_TEXT ? LONG_MS : REPLY_MS;
    for (let ms = 0; ms < totalMs; ms += PIECE_MS) {
      yield { pcm: new PcmChunk(piece, { sampleRate: RATE }) };
    }
  },
});

/** One agent in one call, and what has happened since it was asked last. */
class ConversationAgent {
  readonly #agent: Agent;
  readonly #edge: LocalEdge;
  readonly #subscriptions: Disposable[];
  #replies: Message[] = [];
  #suspectedAt: number[] = [];
  #bargeIns = 0;
  #errors: string[] = [];

  readonly #script: TurnScript = { usesTool: false, hasResumed: false };
  #turnsEnded = 0;
  #falseInterruptions = 0;

  /** @param turns how its turns end. Default: after a fixed silence */
  constructor(edge: LocalEdge, vad: "neural" | "energy", turns?: TurnKind) {
    this.#edge = edge;
    const offset = clockOffset();
    this.#agent = new Agent({
      edge,
      agentUser: { id: "bench", name: "Bench" },
      vad: vad === "neural" ? neuralVad() : energyVad(),
      tts,
      ...turns ? turnParts(turns, this.#script) : {
        turnHandling: { turnDetection: fixedEndpointing(TURN_SILENCE_MS) },
        stt,
        llm,
      },
    });
    this.#subscriptions = [
      this.#agent.events.subscribe(ReplyLatencyEvent, (event) => {
        const { participant: _, ...figures } = event;
        this.#replies.push(figures);
      }),
      this.#agent.events.subscribe(OverlappingSpeechEvent, () => {
        this.#suspectedAt.push(wallClock(offset));
      }),
      this.#agent.events.subscribe(BargeInEvent, () => void this.#bargeIns++),
      this.#agent.events.subscribe(TurnEndedEvent, () => void this.#turnsEnded++),
      this.#agent.events.subscribe(
        FalseInterruptionEvent,
        () => void this.#falseInterruptions++,
      ),
      edge.events.subscribe(ErrorEvent, ({ context, error }) => {
        this.#errors.push(`${context}: ${describeError(error)}`);
      }),
    ];
  }

  async join(): Promise<Message> {
    const call = await this.#agent.createCall("default", crypto.randomUUID());
    await this.#agent.join(call, { participantWaitTimeoutMs: 0, timeoutMs: JOIN_LIMIT_MS });
    return { link: (await this.#edge.callLink(call)).href };
  }

  /** Speaks for a minute, unless it is interrupted. */
  speak(): Message {
    void this.#agent.say(LONG_TEXT).catch(() => {});
    return {};
  }

  /** Says what comes next: a turn with a tool or without, or the person's going on. */
  script(script: Partial<TurnScript>): Message {
    Object.assign(this.#script, script);
    return {};
  }

  async interrupt(): Promise<Message> {
    await this.#agent.interrupt();
    return {};
  }

  /** What happened since it was asked last. */
  happened(): Message {
    const [replies, suspectedAt, bargeIns, errors] = [
      this.#replies,
      this.#suspectedAt,
      this.#bargeIns,
      this.#errors,
    ];
    this.#replies = [];
    this.#suspectedAt = [];
    const [turnsEnded, falseInterruptions] = [this.#turnsEnded, this.#falseInterruptions];
    this.#errors = [];
    this.#bargeIns = this.#turnsEnded = this.#falseInterruptions = 0;
    return { replies, suspectedAt, bargeIns, errors, turnsEnded, falseInterruptions };
  }

  async leave(): Promise<Message> {
    await this.#agent.close();
    for (const one of this.#subscriptions) one[Symbol.dispose]();
    return {};
  }
}

if (import.meta.main) {
  Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order
  await using edge = new LocalEdge({ logger: silentLogger });
  let agent: ConversationAgent | undefined;
  await respondToAll(async ({ ask, ...message }) => {
    if (ask === "join") {
      agent = new ConversationAgent(edge, message.vad, message.turns);
      return await agent.join();
    }
    if (!agent) throw new Error(`no agent to ${ask}: ask "join" first`);
    if (ask === "script") return agent.script(message.script);
    if (ask === "speak") return agent.speak();
    if (ask === "interrupt") return await agent.interrupt();
    if (ask === "happened") return agent.happened();
    if (ask === "leave") return await agent.leave();
    throw new Error(`unknown request "${ask}"`);
  });
  await agent?.leave();
}
