/** Checks the options by which agents get processes of their own. @module */
import type { EdgeTransport } from "../../edge/edge_transport.ts";
import { checkCount } from "../../edge/validation.ts";
import { checkMethods, checkOptions, shown } from "../../events/checks.ts";
import { edgesOf } from "../edges_of.ts";
import type { ServeOptions } from "../serve_options.ts";
import { AGENT_VARIABLE, isAgentProcess } from "./agent_variable.ts";

/** How a worker isolates its agents. */
export interface Isolation {
  edges: readonly EdgeTransport[];
  module: string;
  spares: number;
  denoArgs: readonly string[];
}

/**
 * Returns how agents are isolated; `undefined` where all run in this program.
 *
 * @throws {TypeError | RangeError} an option is wrong, or an edge keeps its calls in this program
 */
export function checkIsolation(options: ServeOptions): Isolation | undefined {
  const { agentIsolation = "program", agentProcess = {}, sources = [] } = options;
  if (agentIsolation !== "program" && agentIsolation !== "process") {
    const got = shown(agentIsolation);
    throw new TypeError(`agentIsolation: expected "program" or "process", got ${got}`);
  }
  if (agentIsolation === "program") {
    if (!isAgentProcess()) return undefined;
    throw new TypeError(
      'agentIsolation: expected "process" in a program that a worker started for one agent ' +
        `(${AGENT_VARIABLE} says so), got none`,
    );
  }
  const known = { module: true, spares: true, denoArgs: true };
  checkOptions(agentProcess, "agentProcess", known, "an object like { spares: 2 }");
  const { module = Deno.mainModule, spares = 1, denoArgs = [] } = agentProcess;
  if (typeof module !== "string" && !(module instanceof URL) || !URL.canParse(`${module}`)) {
    const got = shown(module);
    throw new TypeError(
      `agentProcess.module: expected import.meta.resolve("./agent.ts"), got ${got}`,
    );
  }
  checkCount(spares, "agentProcess.spares");
  if (!Array.isArray(denoArgs) || denoArgs.some((one) => typeof one !== "string")) {
    const got = shown(denoArgs);
    throw new TypeError(`agentProcess.denoArgs: expected a list like ["--allow-read"], got ${got}`);
  }
  const edges = options.edges ?? edgesOf(sources);
  if (!Array.isArray(edges) || edges.length === 0) {
    const got = options.edges === undefined ? "none of the sources" : shown(edges);
    throw new TypeError(`edges: expected a list like [edge], got ${got}`);
  }
  for (const [at, edge] of edges.entries()) {
    checkMethods(edge, `edges[${at}]`, "an EdgeTransport", ["createCall", "join"]);
    if (edge.hasRemoteCalls) continue;
    throw new TypeError(
      `edges[${at}]: ${edge.constructor.name} keeps its calls in this program, where no other process ` +
        "joins them: leave agentIsolation out, or use LiveKitEdge or GetStreamEdge",
    );
  }
  return { edges, module: `${module}`, spares, denoArgs };
}

/** The main modules of agents' processes that workers of this program have. */
const claimed = new Set<string>();

/**
 * Claims a main module for a worker, until it is disposed.
 *
 * @throws {TypeError} another worker has it: a process comes to the first `serve`, whosever it is
 */
export function claimModule(module: string): Disposable {
  if (claimed.has(module)) {
    throw new TypeError(
      "agentProcess.module: expected another module than that of this program's other worker, since an " +
        `agent's process runs the first serve that it comes to, got ${shown(module)} for both`,
    );
  }
  claimed.add(module);
  return { [Symbol.dispose]: () => void claimed.delete(module) };
}
