// deno run --allow-run examples/echo.ts
/** Says everything back immediately. Open the printed link in a browser; Ctrl-C ends it. */
import { Agent, untilShutdown } from "@ringline/edge";
import { LocalEdge } from "@ringline/edge/local";

await untilShutdown(async (signal) => {
  await using edge = new LocalEdge();
  const agent = new Agent({
    edge,
    agentUser: { id: "echo", name: "Echo" },
    audioMode: "live",
    onAudio: ({ pcm }, { audio }) => audio.write(pcm),
  });
  const call = await agent.createCall("default", "echo");
  await using _session = await agent.join(call, { participantWaitTimeoutMs: 0, signal });
  await edge.openDemo(call, { signal });
  await agent.finish({ signal });
});
