/**
 * `deno task bench livekit`: LiveKitEdge beside LiveKit's own client for Node (`@livekit/rtc-node`), on one
 * server of LiveKit's and heard by LiveKit's client in a page. The two take turns, so that a busy machine
 * is busy for both; read the ratios.
 *
 * @module
 */
import { launchBrowser } from "../scripts/lib/browser.ts";
import { ScriptServer } from "../tests/world/livekit/_guest.ts";
import { LiveKitServer, program } from "../tests/world/livekit/_server.ts";
import { runBenchmark } from "./lib/command.ts";
import { describeMachine } from "./lib/machine.ts";
import type { BenchContext } from "./livekit/bench_context.ts";
import { Contender, type ContenderName, CONTENDERS } from "./livekit/contender.ts";
import { measureJoins } from "./livekit/joins.ts";
import { HELP, type LiveKitOptions, parseLiveKitOptions } from "./livekit/options.ts";
import { formatReport, jsonReport, type LiveKitResults } from "./livekit/report.ts";
import { measureLateEchoes, measureRoundTrips } from "./livekit/round_trip.ts";
import { measureSpeechBlocks, measureSpeechFlushes } from "./livekit/speech.ts";

async function measure(
  options: LiveKitOptions,
  stack: AsyncDisposableStack,
): Promise<LiveKitResults> {
  const start = performance.now();
  const machine = await describeMachine();
  const server = stack.use(await LiveKitServer.start());
  const page = stack.use(await ScriptServer.start(new URL("./livekit/page.js", import.meta.url)));
  const { browser, version } = stack.use(await launchBrowser());
  const contenders = Object.keys(CONTENDERS).map((name) =>
    stack.use(new Contender(name as ContenderName))
  );
  let rooms = 0;
  const newRoom = () => `bench-${++rooms}`;
  const context: BenchContext = {
    browser,
    server: server.url,
    page: page.url,
    contenders,
    options,
    newRoom,
  };
  // A call that stays, as in a program that serves: what runs for all calls goes on.
  for (const contender of contenders) await contender.join(server.url, newRoom(), "echo");
  const results: LiveKitResults = { machine: { ...machine, chromium: version }, seconds: 0 };
  const { parts } = options;
  // First, since memory is what a program has that has done nothing else.
  if (parts.includes("joins")) results.joins = await measureJoins(context);
  if (parts.includes("round-trip")) results.trips = await measureRoundTrips(context);
  if (parts.includes("flush")) results.flushesMs = await measureSpeechFlushes(context);
  if (parts.includes("stall")) {
    results.heardBlocks = await measureSpeechBlocks(context);
    results.lateEchoes = await measureLateEchoes(context);
  }
  results.seconds = (performance.now() - start) / 1000;
  return results;
}

if (import.meta.main) {
  if (program === undefined && !Deno.args.some((arg) => arg === "--help" || arg === "-h")) {
    console.error("bench livekit: LiveKit's server cannot be built, since Go is missing");
    Deno.exit(1);
  }
  Deno.exit(
    await runBenchmark(Deno.args, {
      help: HELP,
      parse: parseLiveKitOptions,
      measure,
      formatReport,
      jsonReport,
    }),
  );
}
