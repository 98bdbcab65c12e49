/** Agents in processes of their own, in calls of the double of Stream's services. */
import { assert, assertEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { API_KEY, API_SECRET, StreamDouble } from "../edges/getstream/double/stream_double.ts";
import { until } from "../fixtures/until.ts";
import { isAlive, IsolatedWorker } from "./_isolated_worker.ts";

/** A program and a media process begin, on a machine that does much else. */
const START_MS = 60_000;

/** Sends a worker Stream's webhook of a call in which anna waits; returns the answer. */
async function announce(worker: IsolatedWorker, callId: string): Promise<string> {
  const port = worker.lines.find((line) => line.startsWith("port "))!.slice(5);
  const user = { id: "anna", name: "Anna" };
  const body = JSON.stringify({
    type: "call.session_started",
    session_id: "1",
    call: { id: callId, type: "default", session: { participants: [{ user }] } },
  });
  const signature = createHmac("sha256", API_SECRET).update(body).digest("hex");
  const response = await fetch(`http://127.0.0.1:${port}/webhook`, {
    method: "POST",
    headers: { "x-signature": signature },
    body,
  });
  return `${response.status} ${(await response.json()).status}`;
}

/** Anna enters a call, to which the worker is then called; returns for how long the agent was heard, in ms. */
async function call(
  { double, worker, callId }: { double: StreamDouble; worker: IsolatedWorker; callId: string },
): Promise<() => Promise<number>> {
  const cid = `default:${callId}`;
  await double.addPerson(cid, "anna", "Anna");
  await double.sfu.command("record", { cid, userId: "bot" });
  assertEquals(await announce(worker, callId), "200 accepted");
  return async () => 10 * (await double.heard(cid, "bot")).filter(({ rms }) => rms > 0.01).length;
}

Deno.test("an agent of a Stream call that exits ends its own call alone, and SIGTERM leaves nothing", async () => {
  await using double = await StreamDouble.start();
  const program = new URL("./_isolated_stream_program.ts", import.meta.url);
  const service = { apiKey: API_KEY, apiSecret: API_SECRET, basePath: double.url };
  await using worker = new IsolatedWorker(program, service);
  await worker.line("ready");
  const goodMs = await call({ double, worker, callId: "good" });
  await worker.line("joined good");
  await until("the agent is heard", async () => await goodMs() > 1000, START_MS);

  const exitMs = await call({ double, worker, callId: "exit" });
  await worker.line("joined exit");
  await until("the other agent is heard", async () => await exitMs() > 500, START_MS);
  const [beforeMs, at] = [await goodMs(), performance.now()];
  await worker.line("ended exit failed agent-process-ended");
  const [heardMs, passedMs] = [await goodMs() - beforeMs, performance.now() - at];
  assert(heardMs > passedMs * 0.5 - 500, `heard ${heardMs} of ${passedMs} ms`);

  const processes = await until("a spare", async () => {
    const found = await worker.descendants();
    return found.length === 4 && found;
  }, START_MS);
  assertEquals(await worker.end("SIGTERM"), 0);
  assertEquals(worker.lines.slice(-3), ["goodbye", "ended good finished left", "closed"]);
  for (const pid of processes) {
    await until(`${pid} is gone`, async () => !await isAlive(pid));
  }
});
