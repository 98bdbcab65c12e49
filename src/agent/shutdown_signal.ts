import { shown } from "../events/checks.ts";

/** A signal that is aborted when the program is asked to stop. Disposing it ends the listening. */
export interface ShutdownSignal extends AbortSignal, Disposable {}

/**
 * A signal for `agent.join()` and `agent.finish()`: aborted by Ctrl-C (SIGINT) or SIGTERM. It listens until then or
 * until it is disposed, so that a second Ctrl-C ends the program at once. Needs no permission.
 *
 * @example
 * ```ts
 * import { shutdownSignal } from "@ringline/edge";
 *
 * using interrupted = shutdownSignal();
 * console.log(interrupted.aborted); // false; pass it on: agent.finish({ signal: interrupted })
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
    controller.abort(new DOMException("the program was interrupted", "AbortError"));
  };
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return Object.assign(controller.signal, { [Symbol.dispose]: stopListening });
}

/**
 * Runs a program that ends quietly on Ctrl-C (SIGINT) or SIGTERM, whatever it is waiting for. `run`
 * hands the signal to all that waits; what is given up because of it is not an error, and everything
 * else is. A second Ctrl-C ends the program at once.
 *
 * @returns what `run` gave, or `undefined` when it was interrupted
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
