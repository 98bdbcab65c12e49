/** A worker of a program that says of itself what one of `deno compile` says, whose agents get processes. */
import { silentLogger } from "../../src/events/logger.ts";
import { LiveKitEdge } from "../../src/edges/livekit/mod.ts";
import { serve } from "../../src/serve/mod.ts";

Object.defineProperty(Deno, "build", { value: { ...Deno.build, standalone: true } });

const keys = { apiKey: "key", apiSecret: "secret" };
const edge = new LiveKitEdge({ ...keys, url: "ws://127.0.0.1:1", logger: silentLogger });
try {
  await serve({
    agent: () => Promise.reject(new Error("no job comes")),
    sources: [edge.jobs()],
    agentIsolation: "process",
    isProgram: false,
    logger: silentLogger,
  });
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  console.log(`${code}: ${message}`);
}
