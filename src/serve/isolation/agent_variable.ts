/** How a program learns that it runs for one agent only. @module */
import { variable } from "../../native/locate.ts";

/** The environment variable that a worker sets for the processes of its agents. */
export const AGENT_VARIABLE = "RINGLINE_AGENT_PROCESS";

const isStartedByWorker = takeVariable();

/** Whether this program was started by a worker, for one agent. */
export function isAgentProcess(): boolean {
  return isStartedByWorker;
}

/** Reads the variable, and removes it: what the agent starts is no agent's process. */
function takeVariable(): boolean {
  if (variable(AGENT_VARIABLE) === undefined) return false;
  Deno.env.delete(AGENT_VARIABLE);
  return true;
}
