/**
 * `deno task bench conversation`: barge-in and replies over real media, with scripted models.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { launchBrowser } from "../scripts/lib/browser.ts";
import { AgentProcess } from "./call/agent.ts";
import { ConversationProcess } from "./conversation/agent.ts";
import { measureReplies } from "./conversation/replies.ts";
import { measureBargeIn } from "./conversation/barge_in.ts";
import { type ConversationResults, formatReport, jsonReport } from "./conversation/report.ts";
import { SPEECH_HELP, SPEECH_OPTION } from "./lines/phrases.ts";
import { chooseParts, COMMON_OPTIONS, runBenchmark } from "./lib/command.ts";
import { measureTurns, turnPhrases } from "./conversation/turns.ts";
import { describeMachine } from "./lib/machine.ts";
import { progress } from "./lib/progress.ts";
import type { PausedPhrase } from "./turns/phrases.ts";

const PARTS = ["barge-in", "replies", "turns"] as const;
/** A p95 of fewer replies is the slowest of them. */
const FULL = { connections: 5, times: 8, replies: 20, turns: 20 };
const QUICK = { connections: 2, times: 3, replies: 5, turns: 2 };

const HELP = `deno task bench conversation [--json] [options]

Measures a conversation with scripted models over real media: headless Chromium, LocalEdge.

  --json             one JSON document on standard output instead of tables
  --quick            two minutes; shows the way, proves nothing
  --only PARTS       some of ${PARTS.join(", ")}, comma-separated
${SPEECH_HELP}

Turns are recorded phrases with a pause of half a second to a second inside; without recordings
that part is left out. Interruptions are the recording of tests/fixtures/speech.wav, recognised by
Silero. Ctrl-C ends it and leaves nothing behind.`;

interface Options {
  json: boolean;
  help: boolean;
  parts: (typeof PARTS[number])[];
  /** Whether the parts were named: then none is left out. */
  isChosen: boolean;
  speech: string;
  connections: number;
  times: number;
  replies: number;
  turns: number;
}

/** Reads the command line. Throws a `TypeError` that says what is wrong with it. */
function parseOptions(args: string[]): Options {
  const { values } = parseArgs({ args, options: { ...COMMON_OPTIONS, ...SPEECH_OPTION } });
  const parts = chooseParts(values.only, PARTS);
  const { json, help, speech } = values;
  const isChosen = values.only !== undefined;
  return { json, help, speech, parts, isChosen, ...(values.quick ? QUICK : FULL) };
}

/** The phrases of the turns. Without recordings the other parts run, unless this one was asked for. */
async function phrasesFor(
  { parts, speech, turns, isChosen }: Options,
): Promise<PausedPhrase[] | undefined> {
  if (!parts.includes("turns")) return undefined;
  try {
    return await turnPhrases(speech, turns);
  } catch (error) {
    if (isChosen) throw error;
    progress(`the turns are left out: ${(error as Error).message}`);
    return undefined;
  }
}

async function measure(
  options: Options,
  stack: AsyncDisposableStack,
): Promise<ConversationResults> {
  const start = performance.now();
  const { parts, connections, times, replies } = options;
  // First of all: who lacks something learns it before the rest has run.
  const phrases = await phrasesFor(options);
  const { browser, version } = stack.use(await launchBrowser());
  const agent = stack.use(new ConversationProcess());
  const machine = { ...await describeMachine(), chromium: version };
  const results: ConversationResults = { machine, seconds: 0 };
  if (parts.includes("barge-in")) {
    results.bargeIn = await measureBargeIn({ browser, agent, connections, times });
  }
  if (parts.includes("replies")) {
    const echo = stack.use(new AgentProcess());
    results.replies = await measureReplies({ browser, agent, echo, connections, times: replies });
  }
  if (phrases) results.turns = await measureTurns({ browser, agent, phrases });
  results.seconds = (performance.now() - start) / 1000;
  return results;
}

if (import.meta.main) {
  Deno.exit(
    await runBenchmark(Deno.args, {
      help: HELP,
      parse: parseOptions,
      measure,
      formatReport,
      jsonReport,
    }),
  );
}
