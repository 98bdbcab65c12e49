/**
 * `deno task verify`: tries the adapters on the real services, for a person with keys. Each service for
 * which there is a key says a sentence, recognises it, calls a tool, converses; Stream gets
 * `getstream:check`. Prints a table, and writes what was seen into `docs/verified.md`.
 *
 * Exits with 0 when all that was tried passed, 1 when a round failed, 2 when nothing could be tried, 130
 * after Ctrl-C.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { shutdownSignal } from "../src/agent/shutdown_signal.ts";
import { limitTime, waitFor } from "../src/events/waiting.ts";
import { recorded, type Result } from "./verify/record.ts";
import type { RoundContext } from "./verify/rounds.ts";
import { type Access, type Round, type Service, SERVICES } from "./verify/services.ts";

const PAGE = "docs/verified.md";
const DEFAULT_PAGE = new URL(`../${PAGE}`, import.meta.url);
const KEYS = SERVICES.map(({ id, keys }) => `  ${id.padEnd(14)}  ${keys.join(" and ")}`);
const USAGE = `deno task verify [SERVICE ...] [--record FILE] [--no-record]

Tries the adapters on the real services, for a few cents each, and writes what was seen into
${PAGE}. Without names it tries all services whose keys are in the environment:

${KEYS.join("\n")}

OPENAI_BASE_URL, DEEPGRAM_BASE_URL and so on name another address; what is seen there is not recorded.`;

/** A service to try, and how to reach it. */
interface Candidate {
  readonly service: Service;
  readonly access: Access;
  /** What no result may tell. */
  readonly secrets: readonly string[];
}

/** Runs the rounds of one service, one after the other. */
async function tryService(
  { service, access, secrets }: Candidate,
  { signal, onResult }: { signal: AbortSignal; onResult: (result: Result) => void },
): Promise<void> {
  let speech: RoundContext["speech"];
  for (const round of service.rounds) {
    if (signal.aborted) return;
    using limit = limitTime(round.name, { timeoutMs: round.limitMs, signals: [signal] });
    const context: RoundContext = { signal: limit.signal, speech };
    const result = await tryRound(round, { access, secrets }, context);
    // What Ctrl-C ended says nothing about the service.
    if (signal.aborted) return;
    speech = context.speech;
    onResult({ service: service.name, round: round.name, ...result });
  }
}

async function tryRound(
  round: Round,
  { access, secrets }: Pick<Candidate, "access" | "secrets">,
  context: RoundContext,
): Promise<{ passed: boolean; detail: string }> {
  const hidden = (text: string) =>
    secrets.reduce((all, secret) => all.replaceAll(secret, "[key]"), text);
  try {
    const running = round.run(access, context);
    const detail = await waitFor(running, round.name, { signal: context.signal });
    return { passed: true, detail: hidden(detail) };
  } catch (error) {
    return { passed: false, detail: hidden(error instanceof Error ? error.message : `${error}`) };
  }
}

/** Returns what is in the environment for a service, or nothing where a key is missing. */
function candidate(service: Service): Candidate | undefined {
  const secrets = service.keys.map((name) => Deno.env.get(name) ?? "");
  if (secrets.includes("")) return undefined;
  const baseUrl = Deno.env.get(service.baseUrl)?.replace(/\/+$/, "");
  const access = { apiKey: secrets[0]!, ...baseUrl ? { baseUrl } : {} };
  return { service, access, secrets };
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map((row) => row.map((one, at) => one.padEnd(widths[at] ?? 0)).join("  ").trimEnd())
    .join("\n");
}

function readOptions(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      record: { type: "string" },
      "no-record": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const unknown = positionals.filter((name) => !SERVICES.some(({ id }) => id === name));
  if (unknown.length > 0) throw new Error(`no such service: ${unknown.join(", ")}`);
  return { ...values, names: positionals };
}

async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
  } catch (error) {
    console.error(`verify: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const wanted = SERVICES.filter(({ id }) =>
    options.names.length === 0 || options.names.includes(id)
  );
  const candidates = wanted.flatMap((service) => candidate(service) ?? []);
  if (candidates.length === 0) {
    const keys = wanted.map((one) => `  ${one.name.padEnd(16)}${one.keys.join(" and ")}`);
    console.error(`verify: there is no key. Set one or more of:\n\n${keys.join("\n")}`);
    return 2;
  }
  using signal = shutdownSignal();
  const results: Result[] = [];
  const onResult = (result: Result) => {
    results.push(result);
    console.error(`${result.passed ? "ok    " : "FAILED"} ${result.service} ${result.round}`);
  };
  await Promise.all(candidates.map((one) => tryService(one, { signal, onResult })));
  console.log(`\n${table(wanted.flatMap((one) => rowsOf(one, results)))}\n`);
  const real = candidates.filter(({ access }) => !access.baseUrl).map(({ service }) =>
    service.name
  );
  const seen = results.filter(({ service }) => real.includes(service));
  if (!options["no-record"]) {
    try {
      await record(seen, options.record ?? DEFAULT_PAGE);
    } catch (error) {
      console.error(`verify: could not write what was seen: ${error}`);
      return 1;
    }
  }
  for (const { service, access } of candidates) {
    if (access.baseUrl) console.log(`Not recorded: ${service.name} was at ${access.baseUrl}.`);
  }
  if (signal.aborted) return 130;
  return results.every(({ passed }) => passed) ? 0 : 1;
}

/** Returns the lines of a service in the table. */
function rowsOf(service: Service, results: readonly Result[]): string[][] {
  const { name, keys, rounds } = service;
  if (!candidate(service)) return [[name, "", "no key", `set ${keys.join(" and ")}`]];
  return rounds.map((round) => {
    const result = results.find((one) => one.service === name && one.round === round.name);
    if (!result) return [name, round.name, "not tried", "stopped"];
    return [name, round.name, result.passed ? "ok" : "FAILED", result.detail];
  });
}

async function record(results: readonly Result[], file: string | URL): Promise<void> {
  if (results.length === 0) return;
  let page = "";
  try {
    page = await Deno.readTextFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const today = new Date().toISOString().slice(0, 10);
  await Deno.writeTextFile(file, recorded(page, results, today));
  console.log(`Recorded in ${file instanceof URL ? PAGE : file}.`);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
