/** What a process writes to its standard error. @module */

/** How much of the end is kept: an error of Deno's has a few hundred bytes. */
const KEPT_BYTES = 4096;
/** How much waits to be passed on; more is dropped, and said. */
const WAITING_BYTES = 1 << 18;
/** How long reading and passing on may take after the process's end. */
const CLOSE_MS = 200;
/** When an output that takes nothing at the moment is tried again. */
const RETRY_MS = 20;

/** Where it is passed on to. */
type Output = Pick<typeof Deno.stderr, "write">;

/**
 * Passes on what a process writes to its standard error, as it comes, and keeps the end of it: why
 * a process could not begin is told there and nowhere else. Neither that process nor this program
 * waits for an output that is blocked.
 */
export class LastWords {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #output: Output;
  readonly #reading: Promise<void>;
  #kept = new Uint8Array(0);
  #passing: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #droppedBytes = 0;

  constructor(stderr: ReadableStream<Uint8Array<ArrayBuffer>>, output: Output = Deno.stderr) {
    this.#reader = stderr.getReader();
    this.#output = output;
    this.#reading = this.#readAll();
  }

  /** The end of what was written, without colours. */
  get text(): string {
    // deno-lint-ignore no-control-regex
    return new TextDecoder().decode(this.#kept).replace(/\x1b\[[0-9;]*m/g, "");
  }

  /** Called when the process has ended: resolves when all it wrote has been read and passed on. */
  async ended(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      // Another process may keep the pipe open, and the output may be blocked.
      this.#reader.cancel().catch(() => {});
      late.resolve();
    }, CLOSE_MS);
    await Promise.race([this.#reading.then(() => this.#passing), late.promise]);
    clearTimeout(timer);
  }

  async #readAll(): Promise<void> {
    try {
      while (true) {
        const { value, done } = await this.#reader.read();
        if (done) return;
        this.#keep(value);
        this.#passOn(value);
      }
    } catch {
      // There is nothing more to read.
    }
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    const all = new Uint8Array(this.#kept.length + bytes.length);
    all.set(this.#kept);
    all.set(bytes, this.#kept.length);
    this.#kept = all.slice(-KEPT_BYTES);
  }

  #passOn(bytes: Uint8Array<ArrayBuffer>): void {
    // Once it drops, it drops until it has said so: what is passed on stays in order.
    if (this.#droppedBytes > 0 || this.#waitingBytes >= WAITING_BYTES) {
      this.#droppedBytes += bytes.length;
      return;
    }
    this.#waitingBytes += bytes.length;
    this.#passing = this.#passing.then(() => this.#writeAll(bytes));
  }

  async #writeAll(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let done = 0; done < bytes.length;) done += await this.#write(bytes.subarray(done));
    this.#waitingBytes -= bytes.length;
    if (this.#waitingBytes > 0 || this.#droppedBytes === 0) return;
    const note = `\n(${this.#droppedBytes} bytes of the media process's errors were dropped)\n`;
    this.#droppedBytes = 0;
    this.#passOn(new TextEncoder().encode(note));
  }

  /** How many bytes need not be written any more. */
  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
    try {
      return await this.#output.write(bytes);
    } catch (error) {
      // This program's own standard error is closed.
      if (!(error instanceof Deno.errors.WouldBlock)) return bytes.length;
      await new Promise<void>((resolve) => Deno.unrefTimer(setTimeout(resolve, RETRY_MS)));
      return 0;
    }
  }
}
