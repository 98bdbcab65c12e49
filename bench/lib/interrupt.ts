/**
 * Ctrl-C in the middle of a benchmark: whatever it started ends before the process does.
 *
 * @module
 */

/** The exit code that shells expect of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Runs `body` with a stack for what it starts. Ctrl-C, a termination and an error release the
 * stack in the same order as a normal end does.
 */
export async function withCleanUp(
  body: (stack: AsyncDisposableStack) => Promise<number>,
): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const interrupted = Promise.withResolvers<number>();
  const interrupt = () => interrupted.resolve(INTERRUPTED);
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);
  try {
    const running = body(stack);
    running.catch(() => {}); // after an interruption it fails on what is gone
    return await Promise.race([running, interrupted.promise]);
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, interrupt);
  }
}
