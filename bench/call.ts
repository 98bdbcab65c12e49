/**
 * `deno task bench call`: a conversation over real media, measured at the browser's decoder.
 *
 * @module
 */
import { launchBrowser } from "../scripts/lib/browser.ts";
import { runBenchmark } from "./lib/command.ts";
import { describeMachine } from "./lib/machine.ts";
import { progress } from "./lib/progress.ts";
import { AgentProcess } from "./call/agent.ts";
import type { BenchContext } from "./call/bench_context.ts";
import { measureCamera } from "./call/camera.ts";
import { measureCrowd } from "./call/crowd.ts";
import { measureDrift } from "./call/drift.ts";
import { measureLoss } from "./call/loss.ts";
import { type CallOptions, HELP, parseCallOptions } from "./call/options.ts";
import { type CallResults, formatReport, jsonReport } from "./call/report.ts";
import { measureRoundTrips } from "./call/round_trip.ts";
import { measureLiveBlock, measureLiveStall, measureSpeechStall } from "./call/stall.ts";
import { measureHop } from "./hop.ts";

/** How many participants the hop is measured with. */
const HOP_PARTICIPANTS = 100;

/** An empty page on an address that browsers trust. */
function serveBlank(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () =>
      new Response("<!doctype html><title>baseline</title>", {
        headers: { "content-type": "text/html" },
      }),
  );
}

async function measure(options: CallOptions, stack: AsyncDisposableStack): Promise<CallResults> {
  const start = performance.now();
  const { browser, version } = stack.use(await launchBrowser());
  const agent = stack.use(new AgentProcess());
  const server = serveBlank();
  stack.defer(() => server.shutdown());
  const blank = new URL(`http://127.0.0.1:${server.addr.port}/`);
  const context: BenchContext = { browser, agent, blank, options };
  const results: CallResults = {
    machine: { ...await describeMachine(), chromium: version },
    kernel: await agent.kernel(),
    seconds: 0,
  };
  const { parts } = options;
  if (parts.includes("round-trip")) results.roundTrip = await measureRoundTrips(context);
  if (parts.includes("stall")) {
    results.speechStall = await measureSpeechStall(context);
    results.liveStalls = [];
    results.liveBlocks = [];
    for (let i = 0; i < options.recoveries; i++) {
      results.liveStalls.push(await measureLiveStall(context));
      results.liveBlocks.push(await measureLiveBlock(context));
    }
  }
  if (parts.includes("hop")) {
    progress(`hop with ${HOP_PARTICIPANTS} participants`);
    const hop = await measureHop({ participants: HOP_PARTICIPANTS, seconds: options.hopSeconds });
    results.hop = { participants: HOP_PARTICIPANTS, ...hop };
  }
  if (parts.includes("crowd")) results.crowd = await measureCrowd(context);
  if (parts.includes("camera")) results.camera = await measureCamera(context);
  if (parts.includes("loss")) results.loss = await measureLoss(context);
  if (parts.includes("drift")) results.drift = await measureDrift(context);
  results.seconds = (performance.now() - start) / 1000;
  return results;
}

if (import.meta.main) {
  Deno.exit(
    await runBenchmark(Deno.args, {
      help: HELP,
      parse: parseCallOptions,
      measure,
      formatReport,
      jsonReport,
    }),
  );
}
