/** Agents in processes of their own, in rooms of LiveKit's own server. */
import { assert, assertEquals } from "@std/assert";
import { AgentDispatchClient } from "livekit-server-sdk";
import { until } from "../../fixtures/until.ts";
import { isAlive, IsolatedWorker } from "../_isolated_worker.ts";
import { edgeOn, liveKitTest } from "./_fixture.ts";
import { Guest } from "./_guest.ts";
import { API_KEY, API_SECRET, type LiveKitServer } from "./_server.ts";
import type { World } from "./_fixture.ts";

/** Starts the worker in a program of its own. */
function start(server: LiveKitServer): IsolatedWorker {
  const program = new URL("./_isolated_program.ts", import.meta.url);
  return new IsolatedWorker(program, { url: server.url, apiKey: API_KEY, apiSecret: API_SECRET });
}

/** A person joins a room to which an agent is sent that does this. */
async function callerOf({ server, guests }: World, how: string): Promise<Guest> {
  await using edge = edgeOn(server.url);
  const token = await edge.createToken(await edge.createCall(how), { id: "anna", name: "Anna" });
  const guest = await Guest.join(guests, { url: server.url, token });
  const dispatches = new AgentDispatchClient(
    `http://127.0.0.1:${server.port}`,
    API_KEY,
    API_SECRET,
  );
  await dispatches.createDispatch(how, "cook", { metadata: JSON.stringify({ how }) });
  return guest;
}

async function isHeardOn(guest: Guest, name: string): Promise<void> {
  const before = await guest.audibleMs();
  await until(`${name} is heard`, async () => await guest.audibleMs() > before + 1000, 60_000);
}

liveKitTest(
  "an agent that loops, leaks, throws or exits costs its own call alone",
  async (world) => {
    await using program = start(world.server);
    await program.line("ready");
    const good = await callerOf(world, "good");
    await program.line("joined good true");
    await isHeardOn(good, "the good agent");
    for (
      const [how, end] of [
        ["loop", "failed agent-stuck"],
        ["leak", "failed agent-memory"],
        ["throw", "failed the agent's timer has failed"],
        ["exit", "failed agent-process-ended"],
      ]
    ) {
      await callerOf(world, how!);
      await program.line(`joined ${how} true`);
      const before = await good.audibleMs();
      const at = performance.now();
      await program.line(`ended ${how} ${end}`);
      const [heardMs, passedMs] = [await good.audibleMs() - before, performance.now() - at];
      assert(heardMs > passedMs * 0.5 - 500, `${how}: heard ${heardMs} of ${passedMs} ms`);
    }
    const agents = await program.agents();
    assertEquals(agents.length, 2, "the good one, and a spare");
    assertEquals(await program.end("SIGTERM"), 0);
    assertEquals(program.lines.filter((line) => !/joined|ended (?!good)/.test(line)).slice(-3), [
      "goodbye",
      "ended good finished left",
      "closed",
    ]);
    for (const pid of agents) assertEquals(await isAlive(pid), false);
  },
);

liveKitTest(
  "no agent outlives a worker that was killed, not even one without an end",
  async (world) => {
    await using program = start(world.server);
    await program.line("ready");
    await callerOf(world, "good");
    await callerOf(world, "loop");
    await program.line("joined good true");
    await program.line("joined loop true");
    // Before that it would leave by itself.
    await program.line("loops");
    await until("a spare", async () => (await program.agents()).length === 3, 60_000);
    const agents = await program.agents();
    await program.end("SIGKILL");
    for (const pid of agents) {
      await until(`${pid} is gone`, async () => !await isAlive(pid), 60_000);
    }
  },
);
