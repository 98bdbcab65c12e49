/**
 * Leaves signals to the agent's process, from the moment this module is evaluated: a host imports it
 * before anything else, since what it loads afterwards takes a while, and a Ctrl-C in that time
 * would end a process that the agent still counts on. The end of its input is its only order.
 *
 * The process has a session of its own where the system has sessions, so that a terminal's Ctrl-C
 * does not reach it at all; whoever stops a service tells every process of it.
 *
 * @module
 */
const signals: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];
for (const signal of signals) Deno.addSignalListener(signal, () => {});
