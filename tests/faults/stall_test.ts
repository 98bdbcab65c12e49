/** One part stands still: the agent, a page, or the media process and with it both pipes. */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { tone } from "../e2e/_agents.ts";
import { toneDb } from "../e2e/_signal.ts";
import {
  concealedShare,
  holds,
  percent,
  reception,
  report,
  since,
  speakOn,
  withFixture,
} from "./_fixture.ts";

const HEARD_DB = -25;

/** Blocks this thread, which is the agent's, without taking the machine's time. */
function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

browserTest("people go on hearing each other while the agent stands still", async (browser) => {
  await withFixture({}, async (fixture) => {
    const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
    const bob = await Guest.join(browser, fixture.link, { name: "Bob", silent: true });
    await ada.startTone(500);
    await until("Bob hears Ada", async () => toneDb(await bob.hear(100), 500) > HEARD_DB);
    await until("the agent hears Ada", () => fixture.counter.count("Ada").slots > 20);
    const [before, heardBefore] = [await reception(bob), fixture.counter.count("Ada")];
    const begun = performance.now();
    blockFor(3000);
    const stalled = performance.now() - begun;
    await until(
      "the agent has caught up",
      () => (fixture.counter.count("Ada").slots - heardBefore.slots) * 20 >= stalled,
      2000,
    );
    const caughtUp = performance.now() - begun - stalled;
    const [page, agent] = [
      since(before, await reception(bob)),
      since(heardBefore, fixture.counter.count("Ada")),
    ];
    report("an agent that stalls for 3 s", {
      "Bob heard": `${page.audibleMs} ms`,
      concealed: percent(concealedShare(page)),
      "the agent missed": `${agent.missing} slots`,
      "caught up after": `${Math.round(caughtUp)} ms`,
    });
    holds(page.audibleMs > 0.95 * stalled, "Bob hears Ada all the time", page);
    // The pipe holds a tenth of a second; the rest waits in the media process.
    assertEquals(agent.missing, 0);
    for (const guest of [ada, bob]) {
      assertEquals((await guest.events("state")).at(-1)?.state, "connected");
      await guest.leave();
    }
  });
});

browserTest(
  "an agent that stands still for too long loses the oldest, and knows",
  async (browser) => {
    await withFixture({}, async (fixture) => {
      const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
      await ada.startTone(500);
      await until("the agent hears Ada", () => fixture.counter.count("Ada").slots > 20);
      const before = fixture.counter.count("Ada");
      const begun = performance.now();
      blockFor(11_000);
      const expected = () => Math.floor((performance.now() - begun) / 20);
      const agent = await until("the agent is up to date", () => {
        const now = since(before, fixture.counter.count("Ada"));
        return now.slots + now.missing >= expected() - 10 && now;
      });
      report("an agent that stalls for 11 s", {
        "it heard": `${agent.slots} slots`,
        "the rows say it missed": agent.missing,
      });
      // 8 s are kept, and what is in the pipe.
      holds(agent.missing > 50 && agent.missing < 125, "the oldest 2 s are gone", agent);
      await until(
        "the agent hears what Ada says now",
        async () => toneDb(await fixture.ears.next("Ada", 100), 500) > HEARD_DB,
      );
      await ada.leave();
    });
  },
);

browserTest("a page that stands still keeps its sound and its place", async (browser) => {
  await withFixture({}, async (fixture) => {
    const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
    await ada.startTone(500);
    await until("the agent hears Ada", () => fixture.counter.count("Ada").slots > 20);
    const before = fixture.counter.count("Ada");
    // Longer than the server waits for a sign of life.
    const begun = performance.now();
    await ada.page.evaluate((ms) => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    }, 5500);
    const agent = since(before, fixture.counter.count("Ada"));
    await until(
      "the page is back",
      async () => (await ada.events("state")).at(-1)?.state === "connected",
    );
    await until(
      "Ada is heard",
      async () => toneDb(await fixture.ears.next("Ada", 100), 500) > HEARD_DB,
    );
    report("a page that stalls for 5.5 s", {
      "the agent heard": `${agent.slots} slots`,
      quiet: agent.quiet,
      "all is well after": `${Math.round(performance.now() - begun)} ms`,
    });
    assertEquals([...fixture.agent.connection!.participants.keys()], [ada.id]);
    await ada.leave();
    await until("Ada is gone", () => fixture.agent.connection!.participants.size === 0);
  });
});

browserTest("an agent whose pipe is full waits, and goes on when it is read", async (browser) => {
  await withFixture({}, async (fixture) => {
    const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
    await using _speaking = speakOn(fixture, 1000);
    await until("Ada hears the agent", async () => toneDb(await ada.hear(100), 1000) > HEARD_DB);
    const pid = fixture.edge.mediaProcessId!;
    const memory = Deno.memoryUsage().rss;
    Deno.kill(pid, "SIGSTOP");
    try {
      // A second is said as often as it is taken, which is not any more: nothing may pile up.
      await delay(2000);
      const { bufferedMs } = fixture.agent.audio;
      holds(bufferedMs < 3500, "only what was begun waits", bufferedMs);
      const written = fixture.agent.audio.write(tone(1000, 20)).then(() => true, () => true);
      assert(!await Promise.race([written, delay(200).then(() => false)]), "a write waits");
      const grown = (Deno.memoryUsage().rss - memory) / 2 ** 20;
      holds(grown < 30, "MiB that the agent grew by", grown);
    } finally {
      Deno.kill(pid, "SIGCONT");
    }
    const begun = performance.now();
    await until("Ada hears the agent", async () => toneDb(await ada.hear(60), 1000) > HEARD_DB);
    const after = Math.round(performance.now() - begun);
    report("a media process that stands still for 2 s", { "heard again after": `${after} ms` });
    assertEquals(fixture.agent.connection!.state, "active");
    await fixture.agent.audio.flush();
    await ada.leave();
  });
});

browserTest(
  "a pipe that is never read costs its process, and neither the call nor the agent",
  async (browser) => {
    await withFixture({}, async (fixture) => {
      const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
      const connection = fixture.agent.connection!;
      await until("Ada is here", () => connection.participants.has(ada.id));
      const pid = fixture.edge.mediaProcessId!;
      const memory = Deno.memoryUsage().rss;
      Deno.kill(pid, "SIGSTOP");
      const data = "x".repeat(5000);
      const begun = performance.now();
      let sent = 0;
      for (; fixture.edge.mediaProcessId === pid && sent < 10_000; sent++) {
        connection.sendCustomEvent(data).catch(() => {}); // the process is lost
        if (sent % 50 === 0) await delay(1);
      }
      await until("the call is back", () => !connection.isReconnecting);
      assertEquals(connection.state, "active");
      const grown = (Deno.memoryUsage().rss - memory) / 2 ** 20;
      report("a pipe that is not read", {
        "given up after": `${sent} events in ${Math.round(performance.now() - begun)} ms`,
        "the agent grew by": `${Math.round(grown)} MiB`,
      });
      holds(grown < 200, "MiB that the agent grew by", grown);
      await until(
        "the page is back",
        async () =>
          (await ada.events("state")).map(({ state }) => state).join().endsWith(
            "reconnecting,connected",
          ),
      );
    });
  },
);
