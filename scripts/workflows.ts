/**
 * Checks the workflows under `.github` with actionlint: `deno task check:workflows`. It needs Go,
 * which fetches the pinned version; where Go is missing it prints so and does not fail.
 */
import { flags } from "./lib/command_line.ts";

flags(`deno task check:workflows

Checks the workflows under .github.`);

const ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

try {
  // Without shellcheck and pyflakes, which only some machines have: the verdict is the same on all.
  const { code } = await new Deno.Command("go", {
    args: ["run", ACTIONLINT, "-shellcheck=", "-pyflakes="],
    cwd: new URL("../", import.meta.url),
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  Deno.exitCode = code;
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
  console.error("workflows: not checked, since Go is missing: install it from https://go.dev");
}
