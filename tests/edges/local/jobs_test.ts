/** The calls of a LocalEdge's start page as jobs of a worker: no place is kept that no call needs. */
import { assertEquals } from "@std/assert";
import { Call } from "../../../src/edge/call.ts";
import type { JobOutcome, JobWorker } from "../../../src/edge/jobs.ts";
import { openLocalJobs } from "../../../src/edges/local/jobs.ts";
import type { LocalServer, StartPageOptions } from "../../../src/edges/local/server.ts";
import { MemoryEdge } from "../../../src/testing/memory_edge.ts";

Deno.test("openLocalJobs gives a place back when its call does not begin, and tells who waits", async () => {
  const log: string[] = [];
  await using edge = new MemoryEdge();
  const ended = (callId: string): Promise<JobOutcome> =>
    Promise.resolve(
      callId === "fails"
        ? { status: "failed", error: new Error("no key") }
        : { status: "finished", reason: "left" },
    );
  const worker: JobWorker = {
    load: { load: 0, calls: 0, maxCalls: 9, cpu: 0, memory: 0, declines: undefined },
    offer: ({ callId }) =>
      Promise.resolve({
        accepted: true,
        start: () => (log.push(`${callId} starts`), {
          ended: ended(callId),
          end: () => ended(callId),
        }),
        release: () => void log.push(`${callId} is released`),
      }),
    report() {},
  };
  let page!: StartPageOptions;
  const feed = await openLocalJobs(worker, {
    edge,
    signal: new AbortController().signal,
    serve: (options) => {
      page = options;
      return Promise.resolve({ close: () => Promise.resolve() } as LocalServer);
    },
    endUnanswered: ({ id }) => Promise.resolve(void log.push(`${id} is sent away`)),
  });
  const calls = ["runs", "fails", "dropped", "left"].map((id) => new Call({ id }));
  const [runs, fails, dropped, left] = calls as [Call, Call, Call, Call];
  for (const call of calls) assertEquals(await page.accept!(call), true);
  await page.onCall(runs);
  await page.onCall(fails);
  page.onDropped!(dropped);
  await feed.drain!();
  await feed.close();
  await page.onCall(left);
  assertEquals(log, [
    ...["runs starts", "fails starts", "fails is sent away", "dropped is released"],
    ...["left is released", "left is sent away"],
  ]);
});
