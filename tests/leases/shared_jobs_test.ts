import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { sleep } from "../../src/events/waiting.ts";
import { MemoryJobStore } from "../../src/leases/memory_job_store.ts";
import { sharedJobs } from "../../src/leases/shared_jobs.ts";
import { MemoryEdge } from "../../src/testing/memory_edge.ts";
import { declined } from "../fixtures/test_worker.ts";
import { members } from "./_fixture.ts";

Deno.test("a job of a worker that is killed is taken up within 5 s of its lease's end", async () => {
  const { clock, workers: [a, b] } = await members(2);
  await a!.announce("1");
  a!.kill();
  const killedAt = clock.now();
  await clock.advance(1500);
  assertEquals(b!.running, [], "its lease has not expired");
  while (b!.running.length === 0) await clock.advance(100);
  assert(clock.now() - killedAt <= 2000 + 600, `after ${clock.now() - killedAt} ms`);
  const job = b!.job("1");
  assertEquals([job.offer.callId, job.offer.attempt], ["call of 1", 2]);
  assertEquals(b!.takenUp, ["1 as 2"], "with a greater token than the agent before");
});

for (const reason of ["left", "call-ended", "kicked", "replaced"] as const) {
  Deno.test(`a job that ended with "${reason}" is not taken up`, async () => {
    const { clock, workers: [a, b] } = await members(2);
    await a!.announce("1");
    a!.job("1").finish(reason);
    await clock.advance(20_000);
    assertEquals([a!.running, b!.running], [[], []]);
    assertEquals(await b!.announce("1"), false, "nor begun anew");
  });
}

Deno.test("a job whose network failed is taken up again", async () => {
  const { clock, workers: [a, b] } = await members(2);
  await a!.announce("1");
  a!.job("1").finish("network");
  await clock.advance(1000);
  assertEquals([...a!.running, ...b!.running], ["1"]);
});

Deno.test("a worker that is closed hands its calls on, and what its source takes back is over", async () => {
  const { clock, workers: [a, b] } = await members(2);
  await a!.announce("1");
  await a!.announce("2");
  void a!.job("2").end();
  await clock.advance(0);
  a!.stop.abort();
  void a!.job("1").end();
  await clock.advance(600);
  assertEquals(b!.running, ["1"]);
  await a!.feed!.close();
  await b!.feed!.close();
  assertEquals(clock.pending, 0);
});

Deno.test("an agent that fails is tried three times", async () => {
  const { clock, workers } = await members(2);
  await workers[0]!.announce("1");
  let begun = 0;
  for (let tries = 0; tries < 6; tries++) {
    const held = workers.find(({ running }) => running.length > 0);
    if (held) {
      begun++;
      void held.job("1").end({ status: "failed", error: new Error("no model") });
    }
    await clock.advance(5000);
  }
  assertEquals(begun, 3);
});

Deno.test("a worker that lost its lease ends the job, and its end is not the job's", async () => {
  const { clock, workers: [a, b] } = await members(2);
  await a!.announce("1");
  a!.link.isCut = true;
  await clock.advance(5000);
  assertEquals([a!.running, b!.running], [["1"], ["1"]], "it cannot know");
  a!.link.isCut = false;
  await clock.advance(500);
  assertEquals([a!.running, b!.running], [[], ["1"]]);
  await clock.advance(20_000);
  assertEquals([a!.running, b!.running], [[], ["1"]]);
});

Deno.test("calls go on while the store is away, and none is taken up then, or right after", async () => {
  const { clock, workers } = await members(3);
  const [a, b, c] = workers;
  await a!.announce("1");
  await b!.announce("2");
  await b!.announce("over");
  for (const one of workers) one.link.isCut = true;
  await clock.advance(60_000);
  assertEquals(await a!.announce("3"), true, "a new job is taken all the same");
  b!.job("over").finish("left");
  assertEquals([a!.running, b!.running, c!.running], [["1", "3"], ["2"], []]);
  assertEquals(a!.worker.reports.length, 1, "it is said once");
  // The one that has nothing to renew is the first that is back.
  for (const one of [c, b, a]) {
    one!.link.isCut = false;
    await clock.advance(900);
  }
  await clock.advance(20_000);
  assertEquals([a!.running, b!.running, c!.running], [["1", "3"], ["2"], []]);
  // What was taken meanwhile has its lease by now.
  a!.kill();
  await clock.advance(3000);
  assertEquals([...b!.running, ...c!.running].sort(), ["1", "2", "3"]);
});

Deno.test("a store that has lost its data is told of the calls that run", async () => {
  const { clock, workers: [a, b], store } = await members(2);
  await a!.announce("1");
  const empty = new MemoryJobStore({ clock });
  for (const name of ["claim", "renew", "release", "jobs", "known", "takeTurn"] as const) {
    // deno-lint-ignore no-explicit-any
    (store as any)[name] = (empty as any)[name].bind(empty);
  }
  await clock.advance(1000);
  assertEquals(a!.running, ["1"]);
  a!.kill();
  await clock.advance(3000);
  assertEquals(b!.running, ["1"]);
});

Deno.test("a job that no worker has a place for is taken up when one has", async () => {
  const { clock, workers: [a, b] } = await members(2);
  for (const { worker } of [a!, b!]) {
    worker.answer = () => Promise.resolve(declined);
    worker.load = { ...worker.load, declines: "calls" };
  }
  assertEquals(await a!.announce("1"), false);
  await clock.advance(10_000);
  assertEquals([a!.running, b!.running], [[], []]);
  b!.worker.answer = (job) => Promise.resolve(job);
  b!.worker.load = { ...b!.worker.load, declines: undefined };
  await clock.advance(600);
  assertEquals([b!.running, b!.job("1").offer.attempt], [["1"], 1]);
});

Deno.test("a job that one worker declines is another's immediately", async () => {
  const { workers: [a, b] } = await members(2);
  a!.worker.answer = () => Promise.resolve(declined);
  assertEquals([await a!.announce("1"), await b!.announce("1")], [false, true]);
  assertEquals(b!.job("1").offer.attempt, 1);
});

Deno.test("a job that the application does not want is offered to no other worker", async () => {
  const { clock, workers: [a, b] } = await members(2);
  a!.worker.answer = () => Promise.resolve({ ...declined, reason: "application" });
  assertEquals(await a!.announce("1"), false);
  await clock.advance(10_000);
  assertEquals(b!.worker.jobs, []);
});

Deno.test("a job that no application wants is offered now and then, not all the time", async () => {
  const { clock, workers } = await members(2);
  for (const one of workers) {
    one.untaken = [one.offerOf("1")];
    one.worker.answer = () => Promise.resolve({ ...declined, reason: "application" });
  }
  await clock.advance(58_000);
  const offers = workers.map(({ worker }) => worker.jobs.length);
  assert(offers.every((count) => count === 1 || count === 2), `${offers}`);
  workers[1]!.worker.answer = (job) => Promise.resolve(job);
  await clock.advance(30_000);
  assertEquals(workers.map(({ running }) => running), [[], ["1"]]);
});

Deno.test("one worker takes up a job that was announced to none, and only once", async () => {
  const { clock, workers } = await members(3);
  for (const one of workers) one.untaken = [one.offerOf("1")];
  await clock.advance(5000);
  assertEquals(workers.flatMap(({ running }) => running), ["1"]);
  workers.find(({ running }) => running.length > 0)!.job("1").finish("left");
  await clock.advance(10_000);
  assertEquals(workers.flatMap(({ running }) => running), []);
});

Deno.test("workers that share a limit take no more jobs than that together", async () => {
  const { clock, workers: [a, b], store } = await members(2, { calls: 3 });
  const taken: boolean[] = [];
  for (const [index, one] of [a, b, a, b].entries()) taken.push(await one!.announce(`${index}`));
  assertEquals(taken, [true, true, true, false]);
  a!.job("0").finish("left");
  await clock.advance(0);
  assertEquals(await b!.announce("4"), true);
  await clock.advance(1000);
  assertEquals(
    (await store.jobs({ freeOnly: false })).map(({ workerId, offer }) => [workerId, offer.id]),
    [["b", "1"], ["a", "2"], ["b", "4"]],
    "which worker has which call",
  );
  assertEquals((await store.workers()).map(({ workerId }) => workerId), ["a", "b"]);
});

Deno.test("a worker whose machine slept takes up nothing before the others can renew", async () => {
  const { clock, workers: [a, b], store } = await members(2);
  await a!.announce("1");
  // All of them, with their store's clock: the leases have expired when they wake.
  const renew = store.renew.bind(store);
  store.renew = () => new Promise(() => {});
  await clock.advance(3000);
  store.renew = renew;
  await clock.advance(5000);
  assertEquals([a!.running, b!.running], [["1"], []]);
});

Deno.test("a worker whose application takes long to decide keeps its lease meanwhile", async () => {
  const { clock, workers } = await members(3);
  for (const { worker } of workers) {
    worker.answer = async (job) => {
      await sleep(4500, { clock });
      return job;
    };
  }
  const announced = workers[0]!.announce("1");
  await clock.advance(20_000);
  assertEquals(await announced, true);
  assertEquals(workers.map(({ running }) => running), [["1"], [], []]);
  assertEquals(workers.flatMap(({ worker }) => worker.jobs.map(({ state }) => state)), ["running"]);
});

Deno.test("a job that another worker has got while the application decided is not begun", async () => {
  const { clock, workers: [a, b] } = await members(2);
  a!.worker.answer = async (job) => {
    await sleep(4900, { clock });
    return job;
  };
  const announced = a!.announce("1");
  await clock.advance(0);
  a!.link.isCut = true;
  await clock.advance(4000);
  assertEquals(b!.running, ["1"]);
  a!.link.isCut = false;
  await clock.advance(5000);
  assertEquals([await announced, a!.running, b!.running], [false, [], ["1"]]);
  assertEquals(a!.job("1").state, "released");
});

Deno.test("a job that was not begun when its worker closed begins anew elsewhere", async () => {
  const { clock, workers: [a, b] } = await members(2);
  await a!.inner.offer(a!.offerOf("1"));
  await a!.feed!.close();
  await clock.advance(2000);
  assertEquals([b!.running, b!.job("1").offer.attempt], [["1"], 1]);
});

Deno.test("a claim whose answer is lost is the worker's own", async () => {
  const { clock, workers: [a, b] } = await members(2);
  a!.link.losesAnswers = true;
  const begun = a!.announce("1");
  const over = a!.announce("2");
  await clock.advance(1100);
  assertEquals([await begun, await over], [true, true], "without a lease, for the worker");
  a!.job("2").finish("left");
  await clock.advance(50);
  a!.link.losesAnswers = false;
  await clock.advance(20_000);
  assertEquals([a!.running, b!.running], [["1"], []]);
  assertEquals(await b!.announce("2"), false, "it is over");
});

Deno.test("a job whose call is over when its worker is gone is over, too", async () => {
  const { clock, workers: [a, b], store } = await members(2);
  b!.over.push("1");
  for (const id of ["1", "2", "unknown"]) await a!.announce(id);
  a!.kill();
  await clock.advance(10_000);
  assertEquals([b!.running, b!.job("1").state], [["2"], "released"]);
  assertEquals(b!.takenUp.length, 1, "nothing is done about the call of the others");
  // One of which that cannot be said waits.
  assertEquals((await store.jobs({ freeOnly: false })).map(({ offer }) => offer.id).sort(), [
    "2",
    "unknown",
  ]);
  assertEquals(await b!.announce("1"), false);
});

Deno.test("a limit of all workers ends no call that runs", async () => {
  const { clock, workers: [a, b], store } = await members(2, { calls: 2 });
  assertEquals([await b!.announce("1"), await b!.announce("2")], [true, true]);
  a!.link.isCut = true;
  assertEquals(
    [await a!.announce("3"), await a!.announce("4")],
    [true, true],
    "no worker can count",
  );
  a!.job("4").finish("left");
  await clock.advance(1000);
  a!.link.isCut = false;
  await clock.advance(5000);
  assertEquals([a!.running, b!.running], [["3"], ["1", "2"]]);
  assertEquals(await store.known(["3", "4"]), [true, true]);
  assertEquals(await b!.announce("4"), false, "it is over");
});

Deno.test("whatever is cut off or killed, each job is run by one worker in the end", async () => {
  const step = fc.record({
    what: fc.constantFrom("announce", "cut", "heal", "kill", "network", "finish"),
    who: fc.nat(3),
    job: fc.nat(3),
    afterMs: fc.nat(4000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const { clock, workers } = await members(4);
      const dead = new Set<number>();
      const wanted = new Set<string>();
      const over = new Set<string>();
      for (const { what, who, job, afterMs } of steps) {
        const member = workers[who]!;
        const id = `${job}`;
        const runs = member.running.includes(id);
        if (!dead.has(who)) {
          if (what === "announce" && !wanted.has(id)) {
            wanted.add(id);
            await member.announce(id);
          }
          if (what === "cut") member.link.isCut = true;
          if (what === "heal") member.link.isCut = false;
          // One worker always lives, and a job that was never in the store dies with its worker.
          if (what === "kill" && dead.size < 3 && !member.link.isCut) {
            dead.add(who);
            member.kill();
          }
          if (what === "network" && runs) member.job(id).finish("network");
          if (what === "finish" && runs && !member.link.isCut) {
            member.job(id).finish("left");
            over.add(id);
          }
        }
        await clock.advance(afterMs);
      }
      for (const [index, { link }] of workers.entries()) if (!dead.has(index)) link.isCut = false;
      await clock.advance(15_000);
      const alive = workers.filter((_, index) => !dead.has(index));
      const running = alive.flatMap(({ running }) => running).sort();
      // One that was finished by a worker that had lost it goes on elsewhere.
      assertEquals(new Set(running).size, running.length, "each once");
      for (const id of wanted) assert(over.has(id) || running.includes(id), `${id} is lost`);
    }),
    { seed: 18, numRuns: 60 },
  );
});

Deno.test("sharedJobs names an option that is wrong", () => {
  const source = { edge: new MemoryEdge(), openJobs: () => Promise.resolve({ close() {} }) };
  const store = new MemoryJobStore();
  assertThrows(() => sharedJobs(source, { store, calls: 0 }), RangeError, "calls: expected");
  assertThrows(() => sharedJobs(source, { store, leaseMs: 1 }), RangeError, "leaseMs: expected");
  assertThrows(() => sharedJobs(source, { store, workerId: "" }), TypeError, "workerId: expected");
  assertThrows(() => sharedJobs(source, {} as { store: MemoryJobStore }), TypeError, "store");
});
