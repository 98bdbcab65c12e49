/**
 * The standard streams, which belong to the wire in a media process. `leave_signals.ts` ignores
 * signals before.
 *
 * @module
 */

/** The child's ends of the wire. */
export interface WireStreams {
  read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** Writes all bytes. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Claims the standard streams and the console for the wire. Call it once in a process. */
export function claimStdio(): WireStreams {
  const { stdin, stdout, stderr } = Deno;
  // Any other output would garble the wire.
  Object.defineProperty(Deno, "stdout", { value: stderr, configurable: true });
  const toStderr = console.error.bind(console);
  for (const method of ["log", "info", "debug", "dir", "dirxml", "table", "trace"] as const) {
    console[method] = toStderr;
  }
  // A bug in one call must not end the others.
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
