/**
 * The benchmark's side of the agent in its own process, `agent_process.ts`.
 *
 * @module
 */
import { Helper } from "../lib/helper.ts";
import { childrenOf } from "../lib/process_cpu.ts";
import type { Stall } from "../lib/stall.ts";

/** An agent that has joined a call. */
export interface JoinedAgent {
  /** What a person opens. */
  link: URL;
  /** How long `agent.join` took, the start of the media process included. */
  joinMs: number;
}

/** What an agent lost, since it joined. */
export interface AgentFigures {
  /** Rows of 20 ms that were heard. */
  rows: number;
  /** Rows that are missing between the first and the last. */
  missingRows: number;
  /** Errors that it survived and reported, e.g. dropped slots. */
  errors: string[];
  /** What its live track holds and has cut out, in milliseconds. */
  bufferedMs: number;
  trimmedMs: number;
}

/** How a person's sound has arrived, in milliseconds. */
export interface AgentAudioStats {
  audioMs: number;
  concealedMs: number;
}

/** A click of a person: when it was sent, or heard, on the wall clock. */
export interface Click {
  name: string;
  at: number;
}

/** A process with one edge, in which agents join one after the other. */
export class AgentProcess implements AsyncDisposable {
  readonly #helper = new Helper(new URL("./agent_process.ts", import.meta.url));

  get pid(): number {
    return this.#helper.pid;
  }

  /** The media process, while an agent is in a call. */
  async mediaPid(): Promise<number | undefined> {
    return (await childrenOf(this.pid))[0];
  }

  /** The kernel that resamples: `"native"`, `"wasm"` or `"typescript"`. */
  async kernel(): Promise<string> {
    return await this.#helper.ask("kernel");
  }

  /** A new agent joins a new call. Nothing is published yet. */
  async join(): Promise<JoinedAgent> {
    const { link, joinMs } = await this.#helper.ask("join");
    return { link: new URL(link), joinMs };
  }

  /** Says back immediately what it hears, on a live track. */
  async echo(): Promise<void> {
    await this.#helper.ask("echo");
  }

  /** Says a tone, or what stands for speech, written 400 ms ahead, until it is flushed. */
  async say(what: "tone" | "speech"): Promise<void> {
    await this.#helper.ask("say", { what });
  }

  /** Flushes what it says. Returns when it was told to, on the wall clock. */
  async flush(): Promise<number> {
    return (await this.#helper.ask("flush")).at;
  }

  /** Stalls its main thread for 200 ms every 2 s. Returns when that was. */
  async stall(times: number): Promise<Stall[]> {
    return await this.#helper.ask("stall", { times }, times * 2000 + 10_000);
  }

  /** What it lost so far. */
  async figures(): Promise<AgentFigures> {
    return await this.#helper.ask("figures");
  }

  /** Begins to look at how sound arrives, every five seconds, and to hear clicks. */
  async watchAudio(): Promise<void> {
    await this.#helper.ask("watchAudio");
  }

  /** How each person's sound has arrived since they joined, by their name. */
  async audioStats(): Promise<Record<string, AgentAudioStats>> {
    return await this.#helper.ask("audioStats");
  }

  /** The clicks that it heard since it watches, in their order. */
  async clicks(): Promise<Click[]> {
    return await this.#helper.ask("clicks");
  }

  /** Blocks its main thread once. Returns when that was. */
  async block(ms: number): Promise<Stall> {
    return await this.#helper.ask("block", { ms }, ms + 10_000);
  }

  /** The agent leaves. With it goes the media process, so that the next join starts a new one. */
  async leave(): Promise<void> {
    await this.#helper.ask("leave");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#helper[Symbol.asyncDispose]();
  }
}
