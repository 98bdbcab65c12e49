/** Python's contenders, in a process of their own that times itself. @module */

import { type Contender, testSignal } from "../contender.ts";
import { pythonWithContenders } from "../install.ts";
import { fileURLToPath } from "node:url";

/** A Python process that answers commands. */
export class PythonWorker {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(python: string) {
    const script = fileURLToPath(new URL("./worker.py", import.meta.url));
    this.#child = new Deno.Command(python, {
      args: [script],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Sends a command; resolves with its answer. */
  async ask<T>(command: Record<string, unknown>): Promise<T> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify(command) + "\n"));
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("the Python process ended");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return JSON.parse(line);
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#child.status;
  }
}

/** What Python's agents resample with. */
export const python: Contender[] = [
  contender("PyAV (swresample)", "pyav"),
  contender("soxr (PyPI)", "soxr"),
];

function contender(name: string, kind: string): Contender {
  return {
    name,
    async open(rates) {
      const worker = new PythonWorker(await pythonWithContenders());
      await worker.ask({
        do: "open",
        kind,
        ...rates,
        chunk: [...testSignal(rates.inputRate / 50)],
      });
      return {
        time: (calls) => worker.ask<number>({ do: "time", calls }),
        async convert(signal) {
          const bytes = new Uint8Array(signal.buffer, signal.byteOffset, signal.byteLength);
          const answer = await worker.ask<string>({
            do: "convert",
            ...rates,
            signal: bytes.toBase64(),
          });
          return new Int16Array(Uint8Array.fromBase64(answer).buffer);
        },
        close: () => void worker.close(),
      };
    },
  };
}
