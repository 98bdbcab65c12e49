/** A signal that is aborted when the program is asked to stop. Disposing it ends the listening. */
export interface InterruptSignal extends AbortSignal, Disposable {}

/**
 * A signal for `agent.finish()`: aborted by Ctrl-C (SIGINT) or SIGTERM. It listens until then or
 * until it is disposed, so that a second Ctrl-C ends the program at once. Needs no permission.
 *
 * @example
 * ```ts
 * import { interruptSignal } from "@ringline/edge";
 *
 * using interrupted = interruptSignal();
 * console.log(interrupted.aborted); // false; pass it on: agent.finish({ signal: interrupted })
 * ```
 */
export function interruptSignal(): InterruptSignal {
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
