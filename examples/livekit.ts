// deno run --allow-run --allow-net --allow-env examples/livekit.ts [--call parrot] [--browser]
/**
 * The parrot of parrot.ts in a room of a LiveKit server: the same agent, another edge. It needs
 * `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET` in the environment. It prints a link that
 * admits a person for an hour.
 */
import { Agent } from "@ringline/edge";
import { LiveKitEdge } from "@ringline/livekit";
import { commandLine, run } from "./lib/program.ts";
import { Parrot } from "./parrot.ts";

if (import.meta.main) {
  const options = commandLine({ call: "parrot", browser: false });
  await run(async (signal) => {
    await using edge = new LiveKitEdge();
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
