/** What a process writes to its standard error. @module */

/** How much of the end is kept: an error of Deno's has a few hundred bytes. */
const KEPT_BYTES = 4096;
/** How long the pipe is read after the process's end: another process may keep it open. */
const CLOSE_MS = 200;

/**
 * Passes on what a process writes to its standard error, as it comes, and keeps the end of it: why
 * a process could not begin is told there and nowhere else.
 */
export class LastWords {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #reading: Promise<void>;
  #kept = new Uint8Array(0);

  constructor(stderr: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stderr.getReader();
    this.#reading = this.#readAll();
  }

  /** The end of what was written, without colours. */
  get text(): string {
    // deno-lint-ignore no-control-regex
    return new TextDecoder().decode(this.#kept).replace(/\x1b\[[0-9;]*m/g, "");
  }

  /** Called when the process has ended: resolves when all it wrote has been read. */
  async ended(): Promise<void> {
    const timer = setTimeout(() => void this.#reader.cancel().catch(() => {}), CLOSE_MS);
    await this.#reading;
    clearTimeout(timer);
  }

  async #readAll(): Promise<void> {
    try {
      while (true) {
        const { value, done } = await this.#reader.read();
        if (done) return;
        this.#keep(value);
        passOn(value);
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
}

function passOn(bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length;) done += Deno.stderr.writeSync(bytes.subarray(done));
  } catch {
    // This program's own standard error is closed.
  }
}
