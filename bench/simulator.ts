/**
 * `deno task bench simulator`: how long ten minutes of a simulated call with five people take.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { parseArgs } from "node:util";
import {
  type CallScript,
  FakeLLM,
  FakeSTT,
  FakeTTS,
  type ScriptedPerson,
  simulateCall,
  speechLike,
} from "../src/testing/mod.ts";
import { chooseParts, COMMON_OPTIONS, runBenchmark } from "./lib/command.ts";
import { describeMachine, type Machine } from "./lib/machine.ts";
import { median } from "./lib/stats.ts";
import { formatTable } from "./lib/table.ts";

const PEOPLE = 5;
const CALL_MS = 600_000;
const REPLY = "This is a reply of some words, and one that says a little more. It ends here.";

/** What happens in each call. */
const CALLS: Readonly<Record<Part, string>> = {
  echo: "an agent plays back what it hears; its program stalls every ten seconds",
  turns: "an agent with models is asked something every ten seconds, and replies",
  interruptions: "the same; the next person speaks before the reply is over",
};
const PARTS = ["echo", "turns", "interruptions"] as const;
type Part = typeof PARTS[number];

const HELP = `deno task bench simulator [--json] [options]

Measures the processor time of simulated calls: ten minutes, five people over a network that loses
packets.

  --json             one JSON document on standard output instead of a table
  --quick            one run of each call instead of five
  --only PARTS       some of ${PARTS.join(", ")}, comma-separated`;

interface Options {
  json: boolean;
  help: boolean;
  parts: Part[];
  runs: number;
}

interface Results {
  machine: Machine;
  calls: { part: Part; what: string; cpuMs: number; agentSpokeMs: number }[];
}

function parse(args: string[]): Options {
  const { values } = parseArgs({ args, options: COMMON_OPTIONS });
  const parts = chooseParts(values.only, PARTS);
  return { json: values.json, help: values.help, parts, runs: values.quick ? 1 : 5 };
}

/** Five people who speak one after the other, each `everyMs` after the one before. */
function people(everyMs: number, lengthMs: number): ScriptedPerson[] {
  const pcm = speechLike(lengthMs);
  return Array.from({ length: PEOPLE }, (_, index) => {
    const says = [];
    const first = 1000 + index * everyMs;
    for (let atMs = first; atMs < CALL_MS - 10_000; atMs += PEOPLE * everyMs) {
      says.push({ atMs, pcm });
    }
    return {
      userId: `person-${index}`,
      network: { loss: 0.02, burst: 2, jitterMs: 40, delayMs: 40 },
      says,
    };
  });
}

function scriptOf(part: Part): CallScript {
  const common = { seed: 7, endsAtMs: CALL_MS };
  if (part === "echo") {
    return {
      ...common,
      people: people(5800, 5000),
      agent: (simulation) => ({
        audioMode: "live",
        onAudio: ({ pcm }) => simulation.agent.audio.write(pcm),
      }),
      stalls: Array.from({ length: 50 }, (_, n) => ({ atMs: 2000 + n * 10_000, forMs: 200 })),
    };
  }
  return {
    ...common,
    people: part === "turns" ? people(10_000, 4000) : people(5800, 5000),
    agent: ({ clock }) => ({
      llm: new FakeLLM(clock, Array.from({ length: 500 }, () => REPLY)),
      stt: new FakeSTT(clock, Array.from({ length: 500 }, () => "What is it?")),
      tts: new FakeTTS(clock),
    }),
  };
}

async function measure({ parts, runs }: Options): Promise<Results> {
  const results: Results = { machine: await describeMachine(), calls: [] };
  for (const part of parts) {
    const times = [];
    let agentSpokeMs = 0;
    for (let run = 0; run < runs; run++) {
      const script = scriptOf(part);
      const before = cpuUsage();
      const record = await simulateCall(script);
      const { user, system } = cpuUsage(before);
      times.push((user + system) / 1000);
      agentSpokeMs = record.said.totalMs;
    }
    results.calls.push({ part, what: CALLS[part], cpuMs: median(times), agentSpokeMs });
  }
  return results;
}

function formatReport({ machine, calls }: Results): string {
  const { cpu, cores, os, deno, date, load } = machine;
  return `\n${cpu}, ${cores} cores, ${os}, Deno ${deno}, ${date}, load ${
    load.toFixed(1)
  } before\n\n` +
    formatTable(
      ["call", "CPU ms", "the agent spoke, s", "what happens"],
      calls.map(({ part, what, cpuMs, agentSpokeMs }) => [
        part,
        cpuMs.toFixed(0),
        (agentSpokeMs / 1000).toFixed(0),
        what,
      ]),
    );
}

if (import.meta.main) {
  Deno.exit(
    await runBenchmark(Deno.args, {
      help: HELP,
      parse,
      measure,
      formatReport,
      jsonReport: (results) => JSON.stringify(results, null, 2),
    }),
  );
}
