/**
 * The benchmark's side of the agent in its own process, `agent_process.ts`.
 *
 * @module
 */
import { Helper } from "../lib/helper.ts";
import type { TurnKind, TurnScript } from "./turn_agent.ts";

/** The parts of one reply's latency, as the agent's event reports them. */
export interface ReplyParts {
  voiceToVoiceMs: number;
  endOfTurnDelayMs: number;
  transcriptionDelayMs: number;
  llmMs: number;
  ttfbMs: number;
  playoutMs: number;
  overheadMs: number;
}

/** What happened to an agent. */
export interface Happened {
  replies: ReplyParts[];
  /** When it fell silent because a participant began to speak, on the wall clock. */
  suspectedAt: number[];
  bargeIns: number;
  /** How often it resumed, as what stopped it was no interruption. */
  falseInterruptions: number;
  /** How many turns of the participant ended. */
  turnsEnded: number;
  errors: string[];
}

/** A turn model takes its time to load on a busy machine. */
const JOIN_LIMIT_MS = 90_000;

/** A process with one edge, in which agents join one after the other. */
export class ConversationProcess implements AsyncDisposable {
  readonly #helper = new Helper(new URL("./agent_process.ts", import.meta.url));

  /**
   * A new agent joins a new call, with the network or the energy for its VAD. Returns the link.
   *
   * @param turns how turns end. Default: after a fixed silence
   */
  async join(vad: "neural" | "energy", turns?: TurnKind): Promise<URL> {
    return new URL((await this.#helper.ask("join", { vad, turns }, JOIN_LIMIT_MS)).link);
  }

  /** Says what comes next: a turn with a tool or without, or the person's going on after a pause. */
  async script(script: Partial<TurnScript>): Promise<void> {
    await this.#helper.ask("script", { script });
  }

  /** Speaks for a minute, unless it is interrupted. */
  async speak(): Promise<void> {
    await this.#helper.ask("speak");
  }

  /** Falls silent, and forgets what it was going to say. */
  async interrupt(): Promise<void> {
    await this.#helper.ask("interrupt");
  }

  /** What happened since this was asked last. */
  async happened(): Promise<Happened> {
    return await this.#helper.ask("happened");
  }

  async leave(): Promise<void> {
    await this.#helper.ask("leave");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#helper[Symbol.asyncDispose]();
  }
}
