/**
 * Hard days of a LocalEdge: a network that loses packets, a thousand people who come and go, and hundreds
 * of connections that say nothing. Samples what both processes hold.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { Agent, type Processor, silentLogger } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";
import { Helper } from "../../bench/lib/helper.ts";
import { formatTable } from "../../bench/lib/table.ts";
import { readProcess, readSelf } from "./sample.ts";
import { medianThirds } from "./verdict.ts";
import { speakUntil } from "./speaking.ts";

/** The scenarios, each with how many people or connections it has. */
export const SCENARIOS = { lossy: 5, joins: 1000, silent: 512 } as const;
export type Scenario = keyof typeof SCENARIOS;

const SAMPLE_MS = 1000;
const JOIN_LIMIT_MS = 120_000;
/** How long it may take until one more has joined and left: then something is stuck. */
const STUCK_MS = 60_000;
/** What a process may gain between the first and the last third. */
const ALLOWED = { rssMb: 40, files: 45, threads: 12 } as const;

/** Runs one; returns whether both processes stayed flat and the call worked. */
export async function runHard(scenario: Scenario, minutes: number): Promise<boolean> {
  let slots = 0;
  const counter: Processor = { name: "counter", processAudio: () => void slots++ };
  await using edge = new LocalEdge({ logger: silentLogger });
  const agent = new Agent({
    edge,
    agentUser: { id: "soak", name: "Soak" },
    processors: [counter],
  });
  const call = await agent.createCall("default", crypto.randomUUID());
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0 });
  const connection = agent.connection!;
  const pid = edge.mediaProcessId!;
  const link = await edge.callLink(call);
  const before = { agent: readSelf(), media: readProcess(pid) };
  const samples: (typeof before)[] = [];
  const stop = new AbortController();
  const speaking = speakUntil(agent, stop.signal);
  const begun = performance.now();
  let figures: Record<string, number>;
  {
    await using crowd = new Helper(new URL("./hard_crowd_process.ts", import.meta.url), [
      scenario,
      link.href,
      String(SCENARIOS[scenario]),
    ]);
    const { error } = await crowd.next("begun", JOIN_LIMIT_MS);
    if (error) throw new Error(`the crowd could not join: ${error}`);
    const sampling = setInterval(() => {
      if (edge.mediaProcessId !== pid) return;
      samples.push({ agent: readSelf(), media: readProcess(pid) });
    }, SAMPLE_MS);
    if (scenario === "joins") await allLeft(crowd, SCENARIOS.joins);
    else await delay(minutes * 60_000);
    clearInterval(sampling);
    figures = await crowd.ask("figures");
  }
  const seconds = Math.round((performance.now() - begun) / 1000);
  // What is closed may take a moment to be gone.
  await delay(10_000);
  const after = { agent: readSelf(), media: readProcess(pid) };
  stop.abort();
  await speaking;
  let isFlat = true;
  const rows = (["agent", "media"] as const).flatMap((process) =>
    (["rssMb", "files", "threads"] as const).map((name) => {
      const thirds = medianThirds(samples.map((sample) => sample[process][name]));
      // wrtc's own memory grows with people who come and go: shown, and mended by replacing the process.
      const isShown = scenario === "joins" && process === "media" && name === "rssMb";
      const grows = !isShown && !(thirds[2] - thirds[0] <= ALLOWED[name]);
      if (grows) isFlat = false;
      return [
        `${process} ${name}`,
        before[process][name].toFixed(0),
        ...thirds.map((value) => value.toFixed(0)),
        after[process][name].toFixed(0),
        isShown ? "shown only" : grows ? "GROWS" : "flat",
      ];
    })
  );
  console.log(formatTable(["", "before", "first", "middle", "last", "after", ""], rows));
  console.log(
    `${scenario}, ${seconds} s: ${slots} slots heard, ${agent.droppedSlots} dropped; ` +
      `${JSON.stringify(figures)}; the call is ${connection.state}`,
  );
  const isSame = edge.mediaProcessId === pid && connection.state !== "closed";
  if (!isSame) console.log("The media process was lost.");
  return isFlat && isSame;
}

/** Resolves when so many have joined and left, however long that takes on a busy machine. */
async function allLeft(crowd: Helper, count: number): Promise<void> {
  for (let done = 0; done < count;) ({ left: done } = await crowd.next("left", STUCK_MS));
}
