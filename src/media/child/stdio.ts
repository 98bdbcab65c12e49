/**
 * Makes this process one that only obeys its input: the standard streams belong to the wire. Signals
 * have been left to the agent's process before: see `leave_signals.ts`.
 *
 * @module
 */

/** The ends of the wire. */
export interface WireStreams {
  read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes all of it. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Takes the standard streams and the console over. Once a process. */
export function claimStdio(): WireStreams {
  const { stdin, stdout, stderr } = Deno;
  // Whatever else writes to the output would garble the wire.
  Object.defineProperty(Deno, "stdout", { value: stderr, configurable: true });
  const toStderr = console.error.bind(console);
  for (const method of ["log", "info", "debug", "dir", "dirxml", "table", "trace"] as const) {
    console[method] = toStderr;
  }
  // A bug in one call must not end the others'.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    toStderr("media process: unhandled rejection:", event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    toStderr("media process: uncaught error:", event.error);
  });
  return {
    read: (buffer) => stdin.read(buffer),
    async write(bytes) {
      for (let done = 0; done < bytes.length;) done += await stdout.write(bytes.subarray(done));
    },
  };
}
