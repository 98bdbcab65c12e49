/**
 * A process that a benchmark starts, exchanges messages with, and ends for certain.
 *
 * @module
 */
import { type Message, messages } from "./lines.ts";

/** How long a helper may take to end once its input has ended. */
const FAREWELL_MS = 3000;

/** Options for a {@linkcode Helper}. */
export interface HelperOptions {
  /** Flags of `deno run` beside `-A`. */
  flags?: string[];
  /** Takes the field `event` of messages that have one: they are not kept for `next`. */
  onEvent?: (event: Message) => void;
}

/** One helper. It ends by the end of its input; if it does not, it is killed. */
export class Helper implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #unread: Message[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #reading: Promise<void>;
  #ended = false;

  readonly #onEvent: ((event: Message) => void) | undefined;

  constructor(script: URL, args: string[] = [], { flags = [], onEvent }: HelperOptions = {}) {
    this.#onEvent = onEvent;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...flags, script.href, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.pid = this.#child.pid;
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const message of messages(this.#child.stdout, (line) => console.error(line))) {
      if (this.#onEvent && Object.hasOwn(message, "event")) {
        this.#onEvent(message.event);
        continue;
      }
      this.#unread.push(message);
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Sends one message. */
  async send(message: Message): Promise<void> {
    await this.#input.write(new TextEncoder().encode(JSON.stringify(message) + "\n"));
  }

  /** The first unread message that has the field `name`. Others stay for later. */
  async next(name: string, timeoutMs = 20_000): Promise<Message> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const index = this.#unread.findIndex((message) => Object.hasOwn(message, name));
      if (index >= 0) return this.#unread.splice(index, 1)[0];
      const left = deadline - performance.now();
      if (this.#ended) throw new Error(`the helper ended before it sent "${name}"`);
      if (left <= 0) throw new Error(`the helper did not send "${name}" within ${timeoutMs} ms`);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, left);
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
      clearTimeout(timer);
    }
  }

  /** Sends a request and returns its response: the next message that carries the request's name. */
  async ask(name: string, message: Message = {}, timeoutMs?: number): Promise<Message> {
    await this.send({ ask: name, ...message });
    const answer = await this.next(name, timeoutMs);
    if (answer.error) throw new Error(`${name}: ${answer.error}`);
    return answer[name];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {}); // it may have ended before us
    const timer = setTimeout(() => {
      console.error(`bench: process ${this.pid} did not end by itself and is killed`);
      this.#child.kill("SIGKILL");
    }, FAREWELL_MS);
    await this.#child.status;
    clearTimeout(timer);
    await this.#reading;
  }
}
