/**
 * `deno task getstream:check`: checks GetStreamEdge against Stream's cloud, for people with an account.
 * It joins a real call with two agents, a speaker that sends audio and video and a listener, mutes and
 * unmutes, moderates, joins by a user's token, reconnects both by each strategy, ends the call, and prints a table of the results.
 *
 * Needs `STREAM_API_KEY` and `STREAM_API_SECRET` in the environment. Options: `--base-url URL` for
 * another address than Stream's, `--call ID`, `--json`. Exits with 0 when all checks passed, 1 when a
 * check failed, 2 when it could not begin.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { table } from "./getstream_check/check.ts";
import { runChecks } from "./getstream_check/run.ts";

const USAGE = `deno task getstream:check [--base-url URL] [--call ID] [--json]

Joins a real call of Stream's cloud and reports what works. Needs STREAM_API_KEY and
STREAM_API_SECRET in the environment.

  --base-url URL  another address than Stream's
  --call ID       the call to use (default: a new one)
  --json          the results as JSON`;

function readOptions(args: string[]) {
  return parseArgs({
    args,
    options: {
      "base-url": { type: "string" },
      call: { type: "string", default: `ringline-check-${Date.now()}` },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  }).values;
}

async function main(args: string[]): Promise<number> {
  let values: ReturnType<typeof readOptions>;
  try {
    values = readOptions(args);
  } catch (error) {
    console.error(`getstream:check: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  try {
    const { lines, errors } = await runChecks({
      baseUrl: values["base-url"],
      call: values.call,
      json: values.json,
    });
    const where = values["base-url"] ?? "Stream's cloud";
    if (values.json) console.log(JSON.stringify({ where, lines, errors }, null, 2));
    else {
      console.log(`\nChecked against ${where}, call ${values.call}\n\n${table(lines)}`);
      for (const error of errors) console.log(`survived: ${error}`);
    }
    return lines.every(({ passed }) => passed) ? 0 : 1;
  } catch (error) {
    console.error(`getstream:check: ${error instanceof Error ? error.message : error}`);
    return 2;
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
