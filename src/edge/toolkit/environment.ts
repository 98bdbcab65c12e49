/** What edges read of the environment, where the program may: who passes the options needs no permission. @module */
import { shown } from "../../events/checks.ts";

/** Returns an environment variable; `undefined` where there is none, or the program may not read it. */
export function environmentVariable(name: string): string | undefined {
  return mayRead(name) ? Deno.env.get(name) : undefined;
}

/**
 * Returns the end of a message about missing options that may stand in the environment: what to grant
 * where the program may not look there, and nothing elsewhere.
 */
export function environmentHint(names: readonly string[]): string {
  if (!Array.isArray(names)) {
    throw new TypeError(`names: expected a list of variables, got ${shown(names)}`);
  }
  return names.every(mayRead) ? "" : "; the environment may not be read: grant --allow-env";
}

function mayRead(variable: string): boolean {
  if (typeof variable !== "string" || variable === "") {
    throw new TypeError(`name: expected a variable's name, got ${shown(variable)}`);
  }
  return Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}
