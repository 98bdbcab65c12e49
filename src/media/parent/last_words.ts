/** The standard error of a media process. @module */

/** How much of the end it keeps: an error of Deno has a few hundred bytes. */
const KEPT_BYTES = 4096;
/** How much may wait to be passed on; it drops more, and says so. */
const WAITING_BYTES = 1 << 18;
/** How long reading and passing on may take after the process's end. */
const CLOSE_MS = 200;
/** How long until it retries an output that takes nothing at the moment. */
const RETRY_MS = 20;

/** The output that it passes on to. */
type Output = Pick<typeof Deno.stderr, "write">;

/**
 * Passes on a process's standard error as it arrives, and keeps the end of it: the reason why a
 * process could not start stands only there. Neither that process nor this program waits for a
 * blocked output.
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

  /** The end of the standard error, without colours. */
  get text(): string {
    // deno-lint-ignore no-control-regex
    return new TextDecoder().decode(this.#kept).replace(/\x1b\[[0-9;]*m/g, "");
  }

  /** Called when the process has ended; resolves once its standard error is read and passed on. */
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
    // Once it drops, it drops until it has said so: the output stays in order.
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

  /** Returns how many bytes are done. */
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
