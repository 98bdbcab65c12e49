/**
 * Ignores signals from the moment this module is evaluated, and leaves them to the agent's program. A
 * child's main module imports it before anything else: the other modules take a while to load, and
 * a Ctrl-C in that time would end a process that the agent still needs. Only the end of its input
 * ends it.
 *
 * Where the system has sessions the process has its own, so that a terminal's Ctrl-C does not reach
 * it; a service manager signals every process of a service.
 *
 * @module
 */
const signals: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];
for (const signal of signals) Deno.addSignalListener(signal, () => {});
