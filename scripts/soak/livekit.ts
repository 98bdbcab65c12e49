/**
 * Calls on LiveKit's own server with callers of its SDK for Python: one of twenty minutes over all that can
 * be lost, and many at a time.
 *
 * @module
 */
import { formatTable } from "../../bench/lib/table.ts";
import { hasPython } from "../../tests/programs/_livekit_callers.ts";
import { hasRedis } from "../../tests/world/leases/_redis.ts";
import { type Outage, type OutageReport, runOutages } from "../../tests/world/livekit/_outages.ts";
import { runRoomsLoad } from "../../tests/world/livekit/_rooms_load.ts";
import { program } from "../../tests/world/livekit/_server.ts";
import type { LiveKitScenario } from "./livekit_scenarios.ts";

/** What happens to the call of twenty minutes, and at which second. The server renews tokens each 5 minutes. */
const PLAN: readonly (readonly [number, Outage])[] = [
  [30, "socket lost"],
  [90, "socket lost for 5 s"],
  [150, "address gone for 10 s: the next"],
  [210, "joined anew, on the next address"],
  [270, "caller's socket lost"],
  [330, "caller joins anew"],
  [390, "socket lost"],
  [450, "Redis gone, and the socket lost meanwhile"],
  [540, "Redis gone for 15 s"],
  [630, "room's node stands still for 25 s"],
  [720, "socket lost"],
  [780, "room's node killed"],
  [870, "joined anew, on the next address"],
  [930, "room's node killed"],
  [1020, "address gone for 10 s: the next"],
  [1080, "caller joins anew"],
  [1140, "socket lost"],
];
const TOTAL_S = 1200;
const LOAD_S = 20;

/** Runs one; returns whether all was as it should be. */
export async function runLiveKit(
  scenario: LiveKitScenario,
  { rooms }: { rooms: number },
): Promise<boolean> {
  if (program === undefined || !hasPython || !hasRedis) {
    console.error(`soak: ${scenario} needs Go, Python and Debian's redis-server`);
    return false;
  }
  return scenario === "livekit-outages" ? await outages() : await load(rooms);
}

async function outages(): Promise<boolean> {
  const { reports, greetings, story, errors, people, isOpen } = await runOutages(PLAN, {
    totalS: TOTAL_S,
    onReport: (report) => console.error(`soak: ${JSON.stringify(report)}`),
  });
  const sound = ({ missingMs, longestMs }: OutageReport["caller"]) => `${missingMs} (${longestMs})`;
  console.log(formatTable(
    ["at s", "what", "caller missed, ms (longest)", "agent missed, ms", "agent back", "token"],
    reports.map(({ atS, outage, caller, agent, reconnected, token }) => [
      ...[`${atS}`, outage, sound(caller), sound(agent), reconnected.join("; ") || "-", token],
    ]),
  ));
  console.log(
    `${greetings} greeting, ${people.length} person as the agent knows them; told: ` +
      `${story.join(", ")}; errors: ${errors.join("; ") || "none"}; ` +
      `the call is ${isOpen ? "open" : "not open"}`,
  );
  return greetings === 1 && people.length === 1 && isOpen;
}

async function load(rooms: number): Promise<boolean> {
  const figures = await runRoomsLoad({ rooms, workers: 2, seconds: LOAD_S });
  const { heard, jobs, firstSoundMs, cpuPercent, troubles, outcomes, exits, left } = figures;
  const wallMs = heard.reduce((sum, one) => sum + one.wallMs, 0);
  const missingMs = heard.reduce((sum, one) => sum + one.missingMs, 0);
  const foreign = heard.filter(({ hz, tones }) => tones.some((one) => Math.abs(one - hz) > 20));
  const first = firstSoundMs.toSorted((a, b) => a - b);
  const isClean = left.length === 0 && exits.every((code) => code === 0) &&
    outcomes.every((status) => status === "finished") && outcomes.length === rooms;
  console.log(
    [
      `${rooms} rooms, ${jobs.join(" and ")} jobs of two workers; ${LOAD_S} s`,
      `sound that was missing: ${(100 * missingMs / wallMs).toFixed(1)} %, the longest gap ${
        Math.max(...heard.map(({ longestGapMs }) => longestGapMs))
      } ms`,
      `callers who heard another room's agent: ${foreign.length}`,
      `from joining to the first sound: ${Math.round(first[first.length >> 1]!)} ms (the middle), ${
        Math.round(first.at(-1)!)
      } ms (the longest)`,
      `% of a core: workers ${cpuPercent.workers.toFixed(0)}, callers ${
        cpuPercent.callers.toFixed(0)
      }, server ${cpuPercent.server.toFixed(0)}; load ${Deno.loadavg()[0]!.toFixed(1)}`,
      `reported: ${troubles.join("; ") || "nothing"}`,
      isClean ? "All jobs have finished, and no process is left." : JSON.stringify(figures),
    ].join("\n"),
  );
  return isClean && foreign.length === 0;
}
