/** Starts a process for one agent: the program again, whose `serve` takes its job from this one. @module */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { EdgeError } from "../../edge/errors.ts";
import { granted } from "../../native/locate.ts";
import { AGENT_VARIABLE } from "./agent_variable.ts";
import { type FromAgent, readFromAgent, type ToAgent } from "./messages.ts";

/** A process for one agent. */
export interface AgentChild {
  readonly pid: number;
  /** The command that it was started by, without the program's own arguments. */
  readonly command: string;
  /** Resolves when it has ended, with how, in words. Never rejects. */
  readonly ended: Promise<string>;
  /** Sends a message; one to a process that has ended is lost. */
  send(message: ToAgent): void;
  /** Ends it immediately, whatever it does. */
  kill(): void;
}

/** Starts a process; `onMessage` takes what it says. */
export type SpawnAgent = (onMessage: (message: FromAgent) => void) => AgentChild;

/** What an agent's process runs. */
export interface AgentProgram {
  /** Its main module. */
  module: string;
  /** Further arguments of `deno run`. */
  denoArgs: readonly string[];
}

const PERMISSIONS = ["read", "write", "net", "env", "sys", "run", "ffi", "import"] as const;

/** What the runtime says of the program's permissions. */
export type QueryPermission = (
  descriptor: Deno.PermissionDescriptor,
) => Pick<Deno.PermissionStatus, "state" | "partial">;

/**
 * Returns the flags of the permissions that this program has wholly, and that of running Deno. One of which
 * a part is denied (`--allow-net --deny-net=10.0.0.1`) is none of them: a process must not have more.
 */
export function passedPermissions(
  deno: string,
  query: QueryPermission = (descriptor) => Deno.permissions.querySync(descriptor),
): string[] {
  return PERMISSIONS.flatMap((name) => {
    const { state, partial } = query({ name });
    // Of the variables it is given those alone that this program may read.
    if (state === "granted" && (!partial || name === "env")) return [`--allow-${name}`];
    const runsDeno = name === "run" && query({ name, command: deno }).state === "granted";
    return runsDeno ? [`--allow-run=${deno}`] : [];
  });
}

/**
 * Returns what starts processes of this program.
 *
 * @throws {EdgeError} it may not start any (`permission-denied`), or is a compiled program (`no-deno`)
 */
export function agentSpawner({ module, denoArgs }: AgentProgram): SpawnAgent {
  if (Deno.build.standalone) {
    const text =
      'agentIsolation: "process" runs the program again by Deno, which a program of deno compile is ' +
      "not: start it by deno run, or leave agentIsolation out";
    throw new EdgeError(text, { code: "no-deno" });
  }
  const deno = Deno.execPath();
  // The variables hold what agents need, such as keys.
  for (const wanted of [{ name: "run", command: deno }, { name: "env" }] as const) {
    if (granted(wanted)) continue;
    const flag = wanted.name === "run" ? `--allow-run=${deno}` : "--allow-env";
    throw new EdgeError(`agentIsolation: "process" needs ${flag}`, { code: "permission-denied" });
  }
  const permissions = passedPermissions(deno);
  const main = module.startsWith("file:") ? fileURLToPath(module) : module;
  // What the program may in part, it may say by denoArgs.
  const args = ["run", "--quiet", "--no-prompt", ...permissions, ...denoArgs, main];
  const command = ["deno", ...args].join(" ");
  const env = { ...Deno.env.toObject(), [AGENT_VARIABLE]: "1" };
  return (onMessage) => {
    // Its input is never written: its end is how the process learns that this one is gone.
    const stdio = ["pipe", "inherit", "inherit", "ipc"] as const;
    // In its own session a terminal's Ctrl-C does not reach it: this program says when it ends.
    const child = spawn(deno, [...args, ...Deno.args], { env, stdio: [...stdio], detached: true });
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    child.on("exit", (code, signal) => {
      // A process that it has started may hold the channel open, and what is sent then keeps it for good.
      if (child.connected) child.disconnect();
      resolve(signal ?? `exit code ${code}`);
    });
    child.on("error", (error) => resolve(error.message));
    child.on("message", (data) => {
      const message = readFromAgent(data);
      if (message) onMessage(message);
    });
    return {
      pid: child.pid ?? 0,
      command,
      ended,
      send: (message) => {
        // A process may end at any time, which `ended` says.
        if (child.connected) child.send(message, () => {});
      },
      kill: () => void child.kill("SIGKILL"),
    };
  };
}
