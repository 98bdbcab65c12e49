/** Runs `getstream:check` as a round. @module */
import type { RoundContext } from "./rounds.ts";
import type { Access } from "./services.ts";

/** What the check prints with `--json`. */
interface Output {
  readonly lines: readonly { check: string; passed: boolean; figure: string }[];
}

const PROGRAM = new URL("../getstream_check.ts", import.meta.url);

/** Joins a call of Stream's cloud with two agents. */
export async function checkStream(
  { baseUrl }: Access,
  { signal }: RoundContext,
): Promise<string> {
  const where = baseUrl ? ["--base-url", baseUrl] : [];
  const permissions = ["--allow-run", "--allow-net", "--allow-env"];
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--frozen", "--no-prompt", ...permissions, PROGRAM.pathname, "--json", ...where],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal,
  });
  const { code, stdout, stderr } = await command.output();
  signal.throwIfAborted();
  const decoder = new TextDecoder();
  if (code === 2) throw new Error(decoder.decode(stderr).trim());
  const { lines }: Output = JSON.parse(decoder.decode(stdout));
  const failed = lines.filter(({ passed }) => !passed);
  if (failed.length === 0) return `${lines.length} checks`;
  const names = failed.map(({ check, figure }) => `${check}: ${figure}`);
  throw new Error(`${failed.length} of ${lines.length} checks: ${names.join("; ")}`);
}
