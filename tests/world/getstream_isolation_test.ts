/** Agents in processes of their own, in calls of the double of Stream's services. */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { API_KEY, API_SECRET, StreamDouble } from "../edges/getstream/double/stream_double.ts";
import { announceCall } from "./leases/_stream_webhook.ts";
import { until } from "../fixtures/until.ts";
import { isAlive, IsolatedWorker } from "./_isolated_worker.ts";

/** A program and a media process begin, on a machine that does much else. */
const START_MS = 60_000;

/** Starts a worker in a program of its own. */
function start(double: StreamDouble): IsolatedWorker {
  const program = new URL("./_isolated_stream_program.ts", import.meta.url);
  const service = { apiKey: API_KEY, apiSecret: API_SECRET, basePath: double.url };
  return new IsolatedWorker(program, service);
}

/** The address of a worker's server. */
function addressOf({ lines }: IsolatedWorker): string {
  return `http://127.0.0.1:${lines.find((line) => line.startsWith("port "))!.slice(5)}`;
}

/** Returns how often a worker's agents have replied, by its `/metrics`, and how long that took in all, in seconds. */
async function replies(worker: IsolatedWorker): Promise<[count: number, seconds: number]> {
  const text = await (await fetch(`${addressOf(worker)}/metrics`)).text();
  const value = (name: string) =>
    Number(text.match(new RegExp(`^ringline_reply_latency_seconds_${name} (.*)$`, "m"))?.[1]);
  return [value("count"), value("sum")];
}

/**
 * Anna enters a call, to which the worker is then called.
 *
 * @returns for how long the agent was heard, in milliseconds; and what has anna speak for a second
 */
async function call(
  { double, worker, callId }: { double: StreamDouble; worker: IsolatedWorker; callId: string },
): Promise<{ heardMs: () => Promise<number>; speak: () => Promise<void> }> {
  const cid = `default:${callId}`;
  const sessionId = await double.addPerson(cid, "anna", "Anna");
  await double.sfu.command("record", { cid, userId: "bot" });
  assertEquals(await announceCall(addressOf(worker), callId), "200 accepted");
  await double.sfu.command("speak", { cid, sessionId, frequency: 440, amplitude: 0 });
  return {
    heardMs: async () =>
      10 * (await double.heard(cid, "bot")).filter(({ rms }) => rms > 0.01).length,
    speak: async () => {
      await double.sfu.command("setTone", { cid, sessionId, amplitude: 0.3 });
      await delay(1000);
      await double.sfu.command("setTone", { cid, sessionId, amplitude: 0 });
    },
  };
}

Deno.test("an agent of a Stream call that exits ends its own call alone, and SIGTERM leaves nothing", async () => {
  await using double = await StreamDouble.start();
  await using worker = start(double);
  await worker.line("ready");
  const { heardMs: goodMs } = await call({ double, worker, callId: "good" });
  await worker.line("joined good");
  await until("the agent is heard", async () => await goodMs() > 1000, START_MS);

  const { heardMs: exitMs } = await call({ double, worker, callId: "exit" });
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

Deno.test("a worker's /metrics have the latencies of the replies in an agent's process", async () => {
  await using double = await StreamDouble.start();
  await using worker = start(double);
  await worker.line("ready");
  const { heardMs, speak } = await call({ double, worker, callId: "talk" });
  await worker.line("joined talk");
  // Until the agent hears anna.
  await until("a reply is heard", async () => {
    if (await heardMs() > 500) return true;
    await speak();
    await delay(1500);
    return false;
  }, START_MS);
  const [count, seconds] = await until("the reply is counted", async () => {
    const found = await replies(worker);
    return found[0] > 0 && found;
  });
  assertEquals(count, 1);
  assert(seconds > 0 && seconds < 20, `${seconds} s`);
});
