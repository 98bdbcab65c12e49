/**
 * A room full of people and one agent, audio only: what each of them loses, and what each costs.
 *
 * @module
 */
import { delay } from "@std/async/delay";
import { Helper } from "../lib/helper.ts";
import { cpuMs, residentMb } from "../lib/process_cpu.ts";
import { progress } from "../lib/progress.ts";
import type { AgentFigures } from "./agent.ts";
import type { BenchContext } from "./bench_context.ts";

const SETTLE_MS = 3000;
/** People join one after the other, each in at most so long. */
const JOIN_LIMIT_MS = 3000;

/** What the room did. */
export interface CrowdResult {
  people: number;
  seconds: number;
  /** Per cent of what all people heard together that was made up. */
  concealedPercent: number;
  /** The same of the person who had it worst. */
  worstConcealedPercent: number;
  /** Per cent of a core, per person; `undefined` where it cannot be read. */
  mediaCpuPercent: number | undefined;
  agentCpuPercent: number | undefined;
  /** What the people themselves take, who are on the same machine. */
  peopleCpuPercent: number | undefined;
  mediaMb: number | undefined;
  agent: AgentFigures;
}

interface Inbound {
  received: number;
  concealed: number;
}

/** Measures a room with `options.people` people, who talk and pause, and an agent who talks. */
export async function measureCrowd({ agent, options }: BenchContext): Promise<CrowdResult> {
  const { people } = options;
  const { link } = await agent.join();
  try {
    await agent.say("speech");
    await using crowd = new Helper(new URL("./crowd_process.ts", import.meta.url), [
      link.href,
      String(people),
    ]);
    const { joined, error } = await crowd.next("joined", people * JOIN_LIMIT_MS);
    if (error) throw new Error(`the crowd could not join: ${error}`);
    progress(`crowd: ${joined} people joined`);
    await delay(SETTLE_MS);
    const mediaPid = await agent.mediaPid();
    const cpu = async () => ({
      media: mediaPid ? await cpuMs(mediaPid) : undefined,
      agent: await cpuMs(agent.pid),
      people: await cpuMs(crowd.pid),
      at: performance.now(),
    });
    const before: Inbound[] = await crowd.ask("stats");
    const cpuBefore = await cpu();
    await delay(options.crowdSeconds * 1000);
    const cpuAfter = await cpu();
    const after: Inbound[] = await crowd.ask("stats");
    const elapsedMs = cpuAfter.at - cpuBefore.at;
    const share = (from: number | undefined, to: number | undefined) =>
      from === undefined || to === undefined ? undefined : (to - from) / elapsedMs / people * 100;
    const heard = after.map(({ received, concealed }, index) => ({
      received: received - before[index]!.received,
      concealed: concealed - before[index]!.concealed,
    }));
    const sum = (key: keyof Inbound) => heard.reduce((total, one) => total + one[key], 0);
    const result: CrowdResult = {
      people,
      seconds: elapsedMs / 1000,
      concealedPercent: sum("concealed") / sum("received") * 100,
      worstConcealedPercent: Math.max(
        ...heard.map(({ received, concealed }) => concealed / received * 100),
      ),
      mediaCpuPercent: share(cpuBefore.media, cpuAfter.media),
      agentCpuPercent: share(cpuBefore.agent, cpuAfter.agent),
      peopleCpuPercent: share(cpuBefore.people, cpuAfter.people),
      mediaMb: mediaPid ? await residentMb(mediaPid) : undefined,
      agent: await agent.figures(),
    };
    progress(
      `crowd: ${result.concealedPercent.toFixed(2)} % concealed, ` +
        `${result.mediaCpuPercent?.toFixed(1)} % of a core a person in the media process`,
    );
    return result;
  } finally {
    await agent.leave();
  }
}
