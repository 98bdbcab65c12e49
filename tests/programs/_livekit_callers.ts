/**
 * Callers in rooms of LiveKit's server, by LiveKit's own SDK for Python: PyPI's `livekit` and `livekit-api`
 * (Apache License 2.0), which are downloaded once.
 */
import { fileURLToPath } from "node:url";
import { read } from "../../scripts/lib/programs.ts";
import { linesOf } from "../fixtures/lines_of.ts";
import { python } from "./_python.ts";

const PACKAGES = ["livekit==1.2.1", "livekit-api==1.2.2"];

/** Whether there is a Python to run it; where there is none, its tests are counted as skipped. */
export const hasPython: boolean = (await read("python3", ["-c", "import ensurepip, venv"])).success;
if (!hasPython) {
  console.error("LiveKit's SDK for Python: its tests are skipped: python3 is missing");
}

/** What a caller has heard of one participant since they began to listen. */
export interface Heard {
  readonly wallMs: number;
  readonly audibleMs: number;
  /** When each began, and how long it was, in milliseconds. */
  readonly gaps: readonly (readonly [number, number])[];
  /** The milliseconds of each tone, by its frequency. */
  readonly tones: Readonly<Record<string, number>>;
  /** The share of the energy that is the strongest tone's. */
  readonly purity: number;
}

interface Pending {
  readonly method: string;
  readonly done: PromiseWithResolvers<unknown>;
}

/** A program with callers. */
export class Callers implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #pending = new Map<number, Pending>();
  readonly #reading: Promise<void>;
  #count = 0;

  private constructor(program: string) {
    this.#child = new Deno.Command(program, {
      args: [fileURLToPath(new URL("livekit_callers.py", import.meta.url))],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Starts the program; resolves when it takes orders. */
  static async start(): Promise<Callers> {
    const callers = new Callers(await python("livekit", PACKAGES, "150 MB"));
    const done = Promise.withResolvers<unknown>();
    callers.#pending.set(0, { method: "starting", done });
    await done.promise;
    return callers;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Returns a caller who is not in a room yet. */
  caller(name: string): Caller {
    return new Caller(this, name);
  }

  /** Has one of the callers do something, or returns what a method of theirs returns. */
  async order<T = void>(caller: string, method: string, ...args: unknown[]): Promise<T> {
    const id = ++this.#count;
    const done = Promise.withResolvers<unknown>();
    this.#pending.set(id, { method: `${caller}.${method}`, done });
    const line = `${JSON.stringify({ id, caller, method, args })}\n`;
    await this.#writer.write(new TextEncoder().encode(line));
    return await done.promise as T;
  }

  /** Sends a request by the API for servers, e.g. `room`, `delete_room`, `DeleteRoomRequest`. */
  async request(
    { url, apiKey, apiSecret }: { url: string; apiKey: string; apiSecret: string },
    [service, method, kind]: [service: string, method: string, kind: string],
    fields: Record<string, unknown>,
  ): Promise<void> {
    const api = url.replace(/^ws/, "http");
    await this.order(
      ...["server", "request", api, apiKey, apiSecret] as const,
      service,
      method,
      kind,
      fields,
    );
  }

  /** Has all callers leave, and ends the program. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#child.stdout)) this.#take(JSON.parse(line));
    for (const { method, done } of this.#pending.values()) {
      done.reject(new Error(`${method}: the program of the callers has ended`));
    }
  }

  #take({ id, result, error }: { id: number; result?: unknown; error?: string }): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.done.resolve(result);
    else pending?.done.reject(new Error(`${pending.method}: ${error}`));
  }
}

/** A person in a room. */
export class Caller {
  /** The participant's id in the room, once they have joined. */
  sid = "";

  constructor(readonly callers: Callers, readonly name: string) {}

  /** Joins, and says a tone; 0 is silence. */
  async join(url: string, token: string, tone = 0): Promise<this> {
    this.sid = await this.run<string>("join", url, token, tone);
    return this;
  }

  run = <T = void>(method: string, ...args: unknown[]): Promise<T> =>
    this.callers.order<T>(this.name, method, ...args);

  field = <T>(name: string): Promise<T> => this.run<T>("field", name);

  log = (): Promise<string[]> => this.field<string[]>("log");

  /** Returns what was heard of a participant since `listenAnew`, or since they were first heard. */
  async heard(identity: string): Promise<Heard | undefined> {
    return (await this.run<Record<string, Heard>>("heard"))[identity];
  }

  listenAnew = (): Promise<void> => this.run("listen_anew");
}
