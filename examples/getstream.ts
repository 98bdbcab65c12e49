// deno run --allow-run --allow-net --allow-env examples/getstream.ts [--call parrot] [--browser]
/**
 * The parrot of parrot.ts in a call of Stream's cloud: the same agent, another edge. It needs a Stream
 * account: `STREAM_API_KEY` and `STREAM_API_SECRET` in the environment. It prints a link that admits a
 * person for an hour.
 */
import { Agent } from "@ringline/edge";
import { GetStreamEdge } from "@ringline/getstream";
import { commandLine, run } from "./lib/program.ts";
import { Parrot } from "./parrot.ts";

if (import.meta.main) {
  // `base-url` is another address than Stream's: a proxy, or a double.
  const options = commandLine({ call: "parrot", "base-url": "", browser: false });
  await run(async (signal) => {
    await using edge = new GetStreamEdge({ basePath: options["base-url"] || undefined });
    const agent = new Agent({
      edge,
      agentUser: { id: "parrot", name: "Parrot" },
      processors: [new Parrot()],
    });
    const call = await agent.createCall("default", options.call, { signal });
    await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
    await edge.openDemo(call, { browser: options.browser, signal });
    console.log("Say something, then wait. Ctrl-C ends the call.");
    const reason = await agent.finish({ signal });
    console.log(`The call is over: ${reason}.`);
  });
}
