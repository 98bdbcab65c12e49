/** The record of what was seen on real services: the table in `docs/verified.md`. @module */
import { SERVICES } from "./services.ts";

/** What a round came to. */
export interface Result {
  readonly service: string;
  readonly round: string;
  readonly passed: boolean;
  /** What was seen, or the error. */
  readonly detail: string;
}

const HEADER = `# What was seen on the real services

Each adapter is tested against the vendor's own package and a double of its service, never in CI on the service itself. \`deno task verify\` tries the real services with your keys, and writes here what it saw: with \`DEEPGRAM_API_KEY=... deno task verify deepgram\` it says a sentence, recognises it, and so on. Without keys it lists what to set. A round costs cents.

"Never" means that no person has tried it with this code.

`;
const NEVER = "never";
const COLUMNS = ["Service", "Round", "Last seen to work", "Last try"] as const;
/** Between cells; a pipe in a text is escaped. */
const CELL = /(?<!\\)\|/;

interface Row {
  readonly works: string;
  readonly tried: string;
}

/** Returns the text of the page with these results, of this date (YYYY-MM-DD), added to it. */
export function recorded(page: string, results: readonly Result[], date: string): string {
  const rows = readRows(page);
  for (const { service, round, passed, detail } of results) {
    const before = rows.get(keyOf(service, round));
    const seen = `${date}: ${cell(detail)}`;
    rows.set(keyOf(service, round), {
      works: passed ? seen : before?.works ?? NEVER,
      tried: passed ? date : `${date}, failed: ${cell(detail)}`,
    });
  }
  const lines = SERVICES.flatMap(({ name, rounds }) =>
    rounds.map((round) => {
      const { works, tried } = rows.get(keyOf(name, round.name)) ?? { works: NEVER, tried: NEVER };
      return [name, round.name, works, tried];
    })
  );
  return HEADER + tableOf([COLUMNS, ...lines]);
}

/** Returns cells in columns, as `deno fmt` aligns them. */
function tableOf(lines: readonly (readonly string[])[]): string {
  const widths = COLUMNS.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  const text = (line: readonly string[]) =>
    `| ${line.map((one, at) => one.padEnd(widths[at]!)).join(" | ")} |\n`;
  const [head, ...body] = lines;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |\n`;
  return text(head!) + rule + body.map(text).join("");
}

function readRows(page: string): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of page.split("\n")) {
    const [, service, round, works, tried] = line.split(CELL).map((one) => one.trim());
    if (service && round && works && tried) rows.set(keyOf(service, round), { works, tried });
  }
  return rows;
}

function keyOf(service: string, round: string): string {
  return `${service}: ${round}`;
}

/** Returns a text as a cell of a table: on one line, and not too long. */
function cell(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").replaceAll(/[|*_<`\\]/g, "\\$&");
  return line.length > 400 ? `${line.slice(0, 400).replace(/\\$/, "")}...` : line;
}
