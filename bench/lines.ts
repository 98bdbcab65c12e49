/**
 * `deno task bench lines`: what an agent makes of real lines. Noise: how many phrases each VAD finds.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { neuralVad } from "../src/inference/vad/neural_vad.ts";
import { rnnoise } from "../src/adapters/rnnoise/mod.ts";
import { sileroVad } from "../src/adapters/silero_vad/mod.ts";
import { systemClock } from "../src/events/clock.ts";
import { consoleLogger } from "../src/events/logger.ts";
import type { VAD } from "../src/inference/contracts/vad.ts";
import { energyVad } from "../src/inference/vad/energy_vad.ts";
import { chooseParts, COMMON_OPTIONS, runBenchmark } from "./lib/command.ts";
import { describeMachine, type Machine } from "./lib/machine.ts";
import { formatTable } from "./lib/table.ts";
import { measureNoise, type NoiseResult } from "./lines/noise.ts";
import { measureNumbers, type NumbersResult } from "./lines/numbers.ts";
import { readPhrases, SPEECH_HELP, SPEECH_OPTION } from "./lines/phrases.ts";

const VADS = { neural: () => neuralVad(), silero: () => sileroVad(), energy: () => energyVad() };
const NAMES = Object.keys(VADS) as (keyof typeof VADS)[];
/** Phrases of each row, and of the people in the street. */
const PHRASES = 30;
const TALKERS = 60;

const HELP = `deno task bench lines [--json] [options]

Noise: phrases of five voices in five noises, 10 and 5 dB below them, and minutes of each noise alone.

  --json            one JSON document on standard output instead of a table
  --quick           ten phrases and ten seconds of noise alone instead of thirty and ten minutes
  --only VADS       some of ${NAMES.join(", ")}, comma-separated
  --rnnoise         each VAD also behind the input filter of @ringline/rnnoise, and at 0 dB, and how
                    many spoken numbers a recogniser understands (libpocketsphinx3, pocketsphinx-en-us)
  --minutes M       so many minutes of each noise alone
${SPEECH_HELP}`;

interface Options {
  json: boolean;
  help: boolean;
  quick: boolean;
  vads: (keyof typeof VADS)[];
  speech: string;
  rnnoise: boolean;
  noiseMs: number;
}

interface Results {
  machine: Machine;
  noise: NoiseResult[];
  numbers: NumbersResult[];
}

function parse(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      ...COMMON_OPTIONS,
      ...SPEECH_OPTION,
      minutes: { type: "string" },
      rnnoise: { type: "boolean", default: false },
    },
  });
  const { json, help, quick, only, speech, rnnoise } = values;
  const minutes = Number(values.minutes ?? (quick ? 1 / 6 : 10));
  if (!(minutes > 0 && minutes < Infinity)) {
    throw new RangeError(`--minutes: expected a number above 0, got ${values.minutes}`);
  }
  const noiseMs = Math.round(60_000 * minutes);
  return { json, help, quick, speech, rnnoise, noiseMs, vads: chooseParts(only, NAMES) };
}

async function measure(options: Options): Promise<Results> {
  const machine = await describeMachine();
  const count = options.quick ? 10 : PHRASES;
  const all = await readPhrases(options.speech, count + TALKERS);
  const phrases = all.slice(0, count);
  const talkers = all.slice(count);
  const { noiseMs } = options;
  const snrsDb = options.rnnoise ? [10, 5, 0] : [10, 5];
  const filters = options.rnnoise ? [undefined, await rnnoise()] : [undefined];
  const noise = [];
  for (const name of options.vads) {
    const vad: VAD = VADS[name]();
    const { signal } = new AbortController();
    await vad.start?.({ clock: systemClock, logger: consoleLogger, signal });
    for (const filter of filters) {
      noise.push(...await measureNoise(vad, { phrases, talkers, snrsDb, noiseMs, filter }));
    }
    await vad.close?.();
  }
  const numbers = options.rnnoise ? await measureNumbers(options.speech, { snrsDb, filters }) : [];
  return { machine, noise, numbers };
}

function formatReport({ noise, numbers }: Results): string {
  const tables = [formatNoise(noise)];
  if (numbers.length > 0) tables.push(formatNumbers(numbers));
  return tables.join("\n\n");
}

function formatNumbers(numbers: readonly NumbersResult[]): string {
  const rows = [...new Set(numbers.map(({ noise, snrDb }) => `${noise} ${snrDb} dB`))];
  const filters = [...new Set(numbers.map(({ filter }) => filter))];
  const cell = (filter: string | undefined, row: string) => {
    const one = numbers.find((one) =>
      one.filter === filter && `${one.noise} ${one.snrDb} dB` === row
    )!;
    return `${one.understood} of ${one.numbers}`;
  };
  return formatTable(
    ["numbers understood", ...filters.map((filter) => filter ?? "unfiltered")],
    rows.map((row) => [row, ...filters.map((filter) => cell(filter, row))]),
  );
}

function formatNoise(noise: readonly NoiseResult[]): string {
  const vads = [...new Set(noise.map(({ vad }) => vad))];
  const rows = [...new Set(noise.map(({ noise, snrDb }) => `${noise} ${snrDb} dB`))];
  const cell = (vad: string, row: string) => {
    const one = noise.find((one) => one.vad === vad && `${one.noise} ${one.snrDb} dB` === row)!;
    return `${one.found} of ${one.phrases}, ${one.falseStarts} false`;
  };
  const total = (vad: string) => {
    const mine = noise.filter((one) => one.vad === vad);
    const sum = (of: (one: NoiseResult) => number) => mine.reduce((all, one) => all + of(one), 0);
    return `${sum((one) => one.found)} of ${sum((one) => one.phrases)}`;
  };
  return formatTable(["phrases found, false starts in the noise alone", ...vads], [
    ...rows.map((row) => [row, ...vads.map((vad) => cell(vad, row))]),
    ["found in all", ...vads.map(total)],
  ]);
}

if (import.meta.main) {
  Deno.exitCode = await runBenchmark(Deno.args, {
    help: HELP,
    parse,
    measure,
    formatReport,
    jsonReport: (results) => JSON.stringify(results, null, 2),
  });
}
