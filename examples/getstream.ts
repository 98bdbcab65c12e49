// deno run --allow-run --allow-net --allow-env examples/getstream.ts [--call parrot] [--browser]
/**
 * The parrot of parrot.ts in a call of Stream's cloud: the same agent, another edge. It needs a Stream
 * account: `STREAM_API_KEY` and `STREAM_API_SECRET` in the environment. It prints a link that admits a
 * person for an hour.
 */
import { parseArgs } from "node:util";
import { Agent } from "@ringline/edge";
import { GetStreamEdge } from "@ringline/getstream";
import { run } from "./lib/program.ts";
import { Parrot } from "./parrot.ts";

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      call: { type: "string", default: "parrot" },
      /** Another address than Stream's: a proxy, or a double. */
      "base-url": { type: "string" },
      browser: { type: "boolean", default: false },
    },
  });
  await run(async (signal) => {
    await using edge = new GetStreamEdge({ basePath: values["base-url"] });
    const agent = new Agent({
      edge,
      agentUser: { id: "parrot", name: "Parrot" },
      processors: [new Parrot()],
    });
    const call = await agent.createCall("default", values.call, { signal });
    await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
    await edge.openDemo(call, { browser: values.browser, signal });
    console.log("Say something, then wait. Ctrl-C ends the call.");
    const reason = await agent.finish({ signal });
    console.log(`The call is over: ${reason}.`);
  });
}
