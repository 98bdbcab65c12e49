/** Workers of Stream's calls in programs of their own, on one Redis and the double of its services. */
import { delay } from "@std/async/delay";
import { assert, assertEquals } from "@std/assert";
import { RedisJobStore } from "@ringline/redis";
import { API_KEY, API_SECRET, StreamDouble } from "../../edges/getstream/double/stream_double.ts";
import { announceCall } from "./_stream_webhook.ts";
import { until } from "../../fixtures/until.ts";
import { hasRedis, RedisServer } from "./_redis.ts";
import { WorkerProgram } from "./_workers.ts";

const PROGRAM = new URL("./_stream_worker.ts", import.meta.url);
const LEASE_MS = 2000;
/** What taking up is allowed after the lease's end. */
const TAKE_UP_MS = 5000;
/** A program and a media process begin, on a machine that does much else. */
const START_MS = 60_000;

/** A worker, and what its lines say. */
class StreamWorker extends WorkerProgram {
  /** Sends it Stream's webhook of a call in which anna waits; returns the answer. */
  announce(callId: string): Promise<string> {
    const port = this.lines.find((line) => line.startsWith("port "))!.slice(5);
    return announceCall(`http://127.0.0.1:${port}`, callId);
  }
}

/** Counts the lines that begin so, of all workers. */
function count(workers: readonly WorkerProgram[], start: string): number {
  return workers.flatMap(({ lines }) => lines).filter((line) => line.startsWith(start)).length;
}

/** A person in a call, inside the SFU. */
class Person {
  private constructor(readonly double: StreamDouble, readonly cid: string, readonly id: string) {}

  static async enter(double: StreamDouble, callId: string): Promise<Person> {
    const cid = `default:${callId}`;
    const sessionId = await double.addPerson(cid, "anna", "Anna");
    await double.sfu.command("record", { cid, userId: "bot" });
    await double.sfu.command("speak", { cid, sessionId, frequency: 440, amplitude: 0 });
    return new Person(double, cid, sessionId);
  }

  /** Speaks for a second. */
  async speak(): Promise<void> {
    const { cid, id: sessionId } = this;
    await this.double.sfu.command("setTone", { cid, sessionId, amplitude: 0.3 });
    await delay(1000);
    await this.double.sfu.command("setTone", { cid, sessionId, amplitude: 0 });
  }

  /** How long the agent has been heard, in milliseconds. */
  async audibleMs(): Promise<number> {
    return 10 * (await this.double.heard(this.cid, "bot")).filter(({ rms }) => rms > 0.01).length;
  }

  /** Waits until the agent has been heard for longer than it was, and is silent. */
  async hears(beforeMs: number): Promise<void> {
    let last = -1;
    let at = 0;
    await until("the agent is heard, and silent", async () => {
      const now = await this.audibleMs();
      if (now !== last) [last, at] = [now, performance.now()];
      return now > beforeMs + 500 && performance.now() - at > 700;
    }, START_MS);
  }
}

Deno.test({
  name: "the Stream call of a worker that is killed goes on with another's agent, once",
  ignore: !hasRedis,
  async fn() {
    await using redis = await RedisServer.start();
    await using double = await StreamDouble.start();
    await using store = new RedisJobStore({ url: redis.url, pool: "cooks" });
    const service = { apiKey: API_KEY, apiSecret: API_SECRET, basePath: double.url };
    const options = { redis: redis.url, calls: 2, ...service };
    const start = (name: string) => new StreamWorker(name, PROGRAM, options);
    await using a = start("a");
    await using b = start("b");
    await using c = start("c");
    const workers = [a, b, c];
    await Promise.all(workers.map((worker) => worker.ready()));

    const kitchen = await Person.enter(double, "kitchen");
    assertEquals(await a.announce("kitchen"), "200 accepted");
    assertEquals(await b.announce("kitchen"), "200 duplicate", "Stream's second try");
    await until("the agent has joined", () => count([a], "joined kitchen 1") === 1, START_MS);
    await kitchen.hears(0);
    const greetedMs = await kitchen.audibleMs();
    await kitchen.speak();
    await kitchen.hears(greetedMs);
    assertEquals([count(workers, "greets kitchen"), count(workers, "ordered")], [1, 1]);

    await Person.enter(double, "hall");
    assertEquals(await b.announce("hall"), "200 accepted");
    for (const worker of workers) assertEquals(await worker.announce("attic"), "503 calls");

    await until(
      "the conversation is kept",
      () => a.lines.includes("kept kitchen It is on its way."),
    );
    const saidMs = await kitchen.audibleMs();
    const askedBefore = count(workers, "asked kitchen");
    const killedAt = performance.now();
    await a.kill();
    assertEquals(await c.announce("kitchen"), "200 duplicate", "before the lease's end");
    let expiredAt = 0;
    await until("another agent has joined", async () => {
      const jobs = await store.jobs({ freeOnly: true });
      if (jobs.length > 0 || performance.now() - killedAt > LEASE_MS) {
        expiredAt ||= performance.now();
      }
      // No new caller is let in before the one who is alone.
      assertEquals(await c.announce("attic"), "503 calls");
      return count([b, c], "joined kitchen 2") > 0;
    }, START_MS);
    const joinedAt = performance.now();
    assert(joinedAt - killedAt > LEASE_MS / 2, "not before the lease's end");
    assert(joinedAt - expiredAt < TAKE_UP_MS, `${joinedAt - expiredAt} ms after the lease's end`);

    // It waits for anna, who goes on with the conversation.
    await delay(1500);
    assertEquals(await kitchen.audibleMs(), saidMs, "no second greeting");
    assertEquals(count(workers, "asked kitchen"), askedBefore);
    await kitchen.speak();
    await kitchen.hears(saidMs);
    const asked = workers.flatMap(({ lines }) => lines).filter((line) =>
      line.startsWith("asked k")
    );
    assertEquals(asked.at(-1), "asked kitchen 2", "it knows what anna said before");
    assertEquals([count(workers, "greets kitchen"), count(workers, "ordered")], [1, 1]);
    assertEquals(count(workers, "joined kitchen"), 2);
    for (const worker of [b, c]) {
      assertEquals(await worker.announce("kitchen"), "200 duplicate");
      assertEquals(await worker.announce("attic"), "503 calls");
    }
    assertEquals(count(workers, "joined hall"), 1);
  },
});
