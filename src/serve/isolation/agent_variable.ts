/** How a program learns that it runs for one agent only. @module */

/** The environment variable that a worker sets for the processes of its agents. */
export const AGENT_VARIABLE = "RINGLINE_AGENT_PROCESS";

/** Whether this program was started by a worker, for one agent. */
export function isAgentProcess(): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable: AGENT_VARIABLE });
  return state === "granted" && Deno.env.get(AGENT_VARIABLE) === "1";
}
