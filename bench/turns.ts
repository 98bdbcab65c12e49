/**
 * `deno task bench turns`: pauses inside a turn that are answered, and how long after a turn its end is
 * found, for each way to detect it.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { smartTurn } from "../src/adapters/smart_turn/mod.ts";
import { consoleLogger } from "../src/events/logger.ts";
import {
  punctuationEndpointing,
  type TurnDetector,
} from "../src/inference/contracts/turn_detector.ts";
import { VirtualClock } from "../src/testing/virtual_clock.ts";
import { chooseParts, COMMON_OPTIONS, runBenchmark } from "./lib/command.ts";
import { describeMachine, type Machine } from "./lib/machine.ts";
import { progress } from "./lib/progress.ts";
import { percentile } from "./lib/stats.ts";
import { formatTable } from "./lib/table.ts";
import { SPEECH_HELP, SPEECH_OPTION } from "./lines/phrases.ts";
import { DECISION_MS, RECOGNISER_MS, turnOf, type TurnResult } from "./turns/calls.ts";
import { type PausedPhrase, pausedPhrases } from "./turns/phrases.ts";

/** The ways, by name; nothing is silence alone, the default. */
const DETECTORS: Record<string, () => TurnDetector | undefined> = {
  silence: () => undefined,
  punctuation: () => punctuationEndpointing(),
  "smart-turn": () => smartTurn(),
};
const NAMES = Object.keys(DETECTORS);
const PHRASES = 300;
const QUICK_PHRASES = 90;
const MAX_LANES = 4;
const PROGRESS_EVERY = 25;

const HELP = `deno task bench turns [--json] [options]

Phrases of five voices, cut between two words, with a pause of 200 to 1,000 ms there: how many pauses
are answered, and how long after its last sound a turn ends. smart-turn computes half a second for
each decision, two a phrase: five minutes for all of them on a core, half of that on two. The recogniser (${RECOGNISER_MS} ms, a full stop
after each piece) and the time of a model's decision (${DECISION_MS} ms) are assumed.

  --json            one JSON document on standard output instead of a table
  --quick           ${QUICK_PHRASES} phrases instead of ${PHRASES}
  --only NAMES      some of ${NAMES.join(", ")}, comma-separated
${SPEECH_HELP}`;

interface Options {
  json: boolean;
  help: boolean;
  quick: boolean;
  detectors: string[];
  speech: string;
}

interface Results {
  machine: Machine;
  turns: Record<string, TurnResult[]>;
}

function parse(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: { ...COMMON_OPTIONS, ...SPEECH_OPTION },
  });
  const { json, help, quick, only, speech } = values;
  return { json, help, quick, speech, detectors: chooseParts(only, NAMES) };
}

async function measure(options: Options): Promise<Results> {
  const machine = await describeMachine();
  const phrases = await pausedPhrases(options.speech, options.quick ? QUICK_PHRASES : PHRASES);
  const turns: Record<string, TurnResult[]> = {};
  for (const name of options.detectors) turns[name] = await turnsOf(name, phrases);
  return { machine, turns };
}

/**
 * Returns what a detector makes of each phrase. The calls' time is virtual, the models' work is not: it
 * is nearly all that this takes, so there is a detector for each core, whose lane takes what is next.
 */
async function turnsOf(name: string, phrases: readonly PausedPhrase[]): Promise<TurnResult[]> {
  const results: TurnResult[] = [];
  const waiting = [...phrases.entries()];
  const lanes = Array.from(
    { length: Math.min(MAX_LANES, navigator.hardwareConcurrency) },
    async () => {
      const detector = DETECTORS[name]!();
      const { signal } = new AbortController();
      // It stands: no decision is late, however busy the machine is.
      await detector?.start?.({ clock: new VirtualClock(), logger: consoleLogger, signal });
      try {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const [index, phrase] = next;
          results[index] = await turnOf(phrase, detector);
          if (waiting.length % PROGRESS_EVERY > 0) continue;
          const seconds = ((performance.now() - started) / 1000).toFixed(0);
          progress(`${name}: ${phrases.length - waiting.length}/${phrases.length}, ${seconds} s`);
        }
      } finally {
        await detector?.close?.();
      }
    },
  );
  await Promise.all(lanes);
  return results;
}

function formatReport({ turns }: Results): string {
  const answered = (results: TurnResult[], from: number, until: number) => {
    const those = results.filter(({ silenceMs }) => silenceMs >= from && silenceMs <= until);
    return `${those.filter(({ isAnswered }) => isAnswered).length} of ${those.length}`;
  };
  const delay = (results: TurnResult[], p: number) =>
    percentile(results.map(({ delayMs }) => delayMs), p).toFixed(0);
  return formatTable(
    ["turns end by", "answered of 200 to 400 ms", "of 500 to 1,000 ms", "delay p50", "p95"],
    Object.entries(turns).map(([name, results]) => [
      name,
      answered(results, 200, 400),
      answered(results, 500, 1000),
      delay(results, 0.5),
      delay(results, 0.95),
    ]),
  );
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
