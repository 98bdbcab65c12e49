/**
 * The benchmark's side of a program that is compared, `contender_process.ts`.
 *
 * @module
 */
import { AccessToken } from "livekit-server-sdk";
import { API_KEY, API_SECRET } from "../../tests/world/livekit/_server.ts";
import { Helper } from "../lib/helper.ts";
import { childrenOf } from "../lib/process_cpu.ts";
import type { Task } from "./contender_process.ts";

/** The programs by the names of their libraries, ours first. */
export const CONTENDERS = {
  "LiveKitEdge": { script: "./edge_process.ts", flags: ["--frozen", "--no-check"] },
  // What a project's configuration says of npm's packages must not hold it back.
  "@livekit/rtc-node": {
    script: "./rtc_process.ts",
    flags: ["--no-config", "--no-lock", "--no-check"],
  },
} as const;

/** The name of a library that is compared. */
export type ContenderName = keyof typeof CONTENDERS;

/** The first join may fetch a package, or start a process. */
const JOIN_MS = 120_000;

/** Returns a token with which a person or an agent joins a room. */
export async function tokenFor(room: string, identity: "agent" | "person"): Promise<string> {
  const token = new AccessToken(API_KEY, API_SECRET, { identity });
  token.addGrant({ room, roomJoin: true, agent: identity === "agent" });
  if (identity === "agent") token.kind = "agent";
  return await token.toJwt();
}

/** A program in which an agent joins rooms. */
export class Contender implements AsyncDisposable {
  readonly #helper: Helper;

  constructor(readonly name: ContenderName) {
    const { script, flags } = CONTENDERS[name];
    this.#helper = new Helper(new URL(script, import.meta.url), [], { flags: [...flags] });
  }

  /** Joins a room and publishes sound. Returns how long both took, in milliseconds. */
  async join(url: string, room: string, task: Task): Promise<number> {
    const where = { url, room, token: await tokenFor(room, "agent"), task };
    return (await this.#helper.ask("join", where, JOIN_MS)).joinMs;
  }

  /** Plays the tone, written 1.5 s ahead. */
  async say(): Promise<void> {
    await this.#helper.ask("say");
  }

  /** Ends the tone. Returns when it was told to, on the wall clock. */
  async flush(): Promise<number> {
    return (await this.#helper.ask("flush")).at;
  }

  /** Blocks its main thread. */
  async block(ms: number): Promise<void> {
    await this.#helper.ask("block", { ms }, ms + 10_000);
  }

  /** Leaves the room that it joined last. */
  async leave(): Promise<void> {
    await this.#helper.ask("leave");
  }

  /** Adds what all its processes have used, or hold. */
  async sum(of: (pid: number) => Promise<number | undefined>): Promise<number> {
    const { pid } = this.#helper;
    const all = await Promise.all([pid, ...await childrenOf(pid)].map(of));
    return all.reduce<number>((sum, one) => sum + (one ?? NaN), 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#helper[Symbol.asyncDispose]();
  }
}
