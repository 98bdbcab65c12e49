/** Ends a program cleanly on Ctrl-C. @module */
import { shown } from "../events/checks.ts";

/** A signal that is aborted when the program is asked to stop. Disposing it removes its handlers. */
export interface ShutdownSignal extends AbortSignal, Disposable {}

/**
 * Returns a signal for `agent.join()` and `agent.finish()` that Ctrl-C (SIGINT) or SIGTERM aborts. Its
 * handlers are removed then, or when it is disposed, so that a second Ctrl-C ends the program
 * immediately. Needs no permission.
 *
 * @example
 * ```ts
 * import { shutdownSignal } from "@ringline/edge";
 *
 * using signal = shutdownSignal();
 * console.log(signal.aborted); // false; pass it on: agent.finish({ signal })
 * ```
 */
export function shutdownSignal(): ShutdownSignal {
  const controller = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  let listening = true;
  const stopListening = (): void => {
    if (!listening) return;
    listening = false;
    for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
  };
  const onSignal = (): void => {
    stopListening();
    controller.abort(new DOMException("the program was asked to stop", "AbortError"));
  };
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return Object.assign(controller.signal, { [Symbol.dispose]: stopListening });
}

/**
 * Runs a program that Ctrl-C (SIGINT) or SIGTERM ends without an error. `run` passes the signal to
 * every call that waits: a rejection with the signal's reason is not an error, every other one is. A
 * second Ctrl-C ends the program immediately.
 *
 * @returns the result of `run`, or `undefined` when it was interrupted
 *
 * @example
 * ```ts
 * import { Agent, untilShutdown } from "@ringline/edge";
 * import { MemoryEdge } from "@ringline/edge/testing";
 *
 * await untilShutdown(async (signal) => {
 *   await using edge = new MemoryEdge();
 *   const agent = new Agent({ edge, agentUser: { id: "echo", name: "Echo" } });
 *   const call = await agent.createCall("default", "kitchen");
 *   await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
 *   // await agent.finish({ signal });
 * });
 * ```
 */
export async function untilShutdown<T>(
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  if (typeof run !== "function") {
    throw new TypeError(`run: expected a function that takes a signal, got ${shown(run)}`);
  }
  using signal = shutdownSignal();
  try {
    return await run(signal);
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  }
}
