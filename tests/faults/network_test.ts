/** Media over a bad network: what is heard at either end, in figures. */
import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { browserTest, type Guest, until } from "../e2e/_fixture.ts";
import { toneDb } from "../e2e/_signal.ts";
import { UdpRelay, type Weather } from "../fixtures/udp_relay.ts";
import {
  concealedShare,
  type CountingFixture,
  type Heard,
  holds,
  joinThrough,
  percent,
  type Reception,
  reception,
  report,
  since,
  speakOn,
  withFixture,
} from "./_fixture.ts";

const SEED = 7;
const MEASURED_MS = 4000;
/** So many packets are lost until it is judged what came of them. */
const MIN_LOST = 100;
/** What Ada says, and what the agent says. */
const [ADA_HZ, AGENT_HZ] = [500, 1000];
const HEARD_DB = -25;

/** Registers a test with Ada and an agent, who both speak all the time, with a relay between them. */
function overRelay(
  name: string,
  body: (over: { fixture: CountingFixture; ada: Guest; relay: UdpRelay }) => Promise<void>,
): void {
  browserTest(name, async (browser) => {
    await withFixture({}, async (fixture) => {
      await using relay = new UdpRelay(SEED);
      const ada = await joinThrough(relay, browser, fixture.link, "Ada");
      await ada.startTone(ADA_HZ);
      await using _speaking = speakOn(fixture, AGENT_HZ);
      await bothHeard(fixture, ada);
      await body({ fixture, ada, relay });
      await ada.leave();
      await until("Ada is gone", () => fixture.agent.connection!.participants.size === 0);
    });
  });
}

async function bothHeard(fixture: CountingFixture, ada: Guest): Promise<void> {
  await Promise.all([
    until(
      "the agent hears Ada",
      async () => toneDb(await fixture.ears.next("Ada", 100), ADA_HZ) > HEARD_DB,
    ),
    until("Ada hears the agent", async () => toneDb(await ada.hear(100), AGENT_HZ) > HEARD_DB),
  ]);
}

/** What both hear while the weather lasts. */
async function during(
  weather: Weather,
  { fixture, ada, relay }: { fixture: CountingFixture; ada: Guest; relay: UdpRelay },
): Promise<{ page: Reception; agent: Heard }> {
  const [before, heardBefore] = [await reception(ada), fixture.counter.count("Ada")];
  relay.weather = weather;
  await delay(MEASURED_MS);
  relay.weather = {};
  return {
    page: since(before, await reception(ada)),
    agent: since(heardBefore, fixture.counter.count("Ada")),
  };
}

function reportBoth(what: string, { page, agent }: { page: Reception; agent: Heard }): void {
  report(what, {
    "the page lost": `${page.lost} of ${page.lost + page.packets} packets`,
    concealed: percent(concealedShare(page)),
    "the agent heard": `${agent.slots} slots`,
    missing: agent.missing,
    quiet: agent.quiet,
  });
}

overRelay("a tenth of all packets lost is heard as a whole", async (over) => {
  const before = { ...over.relay.figures };
  const heard = await during({ loss: 0.1 }, over);
  reportBoth("10 % loss", heard);
  const { page, agent } = heard;
  const { lost, passed } = since(before, { ...over.relay.figures });
  const share = lost / (lost + passed);
  holds(share > 0.05 && share < 0.2, "the relay loses what it should", { lost, passed });
  holds(concealedShare(page) < 0.25, "a quarter of the sound is not invented", page);
  holds(page.audibleMs > 0.9 * MEASURED_MS, "the person hears no holes", page);
  holds(agent.missing === 0 && agent.quiet < 0.1 * agent.slots, "nor does the agent", agent);
  assertEquals((await over.ada.events("state")).at(-1)?.state, "connected");
  await bothHeard(over.fixture, over.ada);
});

overRelay("sound that bursts of losses took is sent again, both ways", async (over) => {
  const { ada, relay } = over;
  const before = { ...await reception(ada), ...await resent(ada) };
  const lostBefore = relay.figures.lost;
  relay.weather = { loss: 0.1, burstMs: 60, delayMs: 10 };
  // Without it a tenth stays lost, and neither side asks.
  const now = await until("what was lost comes in the end, both ways", async () => {
    const now = since(before, { ...await reception(ada), ...await resent(ada) });
    return relay.figures.lost - lostBefore > MIN_LOST && now.asked > 5 && now.sentAgain > 5 &&
      now.lost < 0.04 * now.packets && now;
  });
  report("10 % loss in bursts of 60 ms, 20 ms there and back", {
    "the page lost": `${now.lost} of ${now.lost + now.packets} packets`,
    "it asked": `${now.asked} times`,
    "and sent again": `${now.sentAgain} packets`,
    "jitter buffer": `${Math.round(now.bufferS * 1000 / now.emitted)} ms`,
  });
  relay.weather = {};
  await bothHeard(over.fixture, ada);
});

/** What a page asked for again, and sent again, and how much its jitter buffer holds. */
async function resent(guest: Guest) {
  const text = await guest.page.evaluate(`(async () => {
    const figures = { asked: 0, sentAgain: 0, bufferS: 0, emitted: 0 };
    for (const one of (await guest.client.connection.getStats()).values()) {
      if (one.kind !== "audio") continue;
      if (one.type === "inbound-rtp") {
        figures.asked += one.nackCount ?? 0;
        figures.bufferS += one.jitterBufferDelay;
        figures.emitted += one.jitterBufferEmittedCount;
      } else if (one.type === "outbound-rtp") figures.sentAgain += one.retransmittedPacketsSent ?? 0;
    }
    return JSON.stringify(figures);
  })()`) as string;
  return JSON.parse(text) as { asked: number; sentAgain: number; bufferS: number; emitted: number };
}

overRelay("jitter of 50 ms is taken by the jitter buffers", async (over) => {
  // The buffers grow at first, which is heard; how it is then is what lasts.
  over.relay.weather = { jitterMs: 50 };
  await delay(MEASURED_MS / 2);
  const heard = await during({ jitterMs: 50 }, over);
  reportBoth("50 ms jitter", heard);
  const { page, agent } = heard;
  holds(page.audibleMs > 0.9 * MEASURED_MS, "the person hears no holes", page);
  holds(concealedShare(page) < 0.15, "little is invented", page);
  holds(agent.missing === 0 && agent.quiet < 0.1 * agent.slots, "nor does the agent", agent);
});

overRelay("packets that overtake others are put in order again", async (over) => {
  const weather = { late: 0.2, lateMs: 25 };
  over.relay.weather = weather;
  await delay(MEASURED_MS / 2);
  const heard = await during(weather, over);
  reportBoth("a fifth overtaken", heard);
  const { page, agent } = heard;
  holds(over.relay.figures.overtaken > 100, "the relay reorders", over.relay.figures);
  holds(page.audibleMs > 0.9 * MEASURED_MS, "the person hears no holes", page);
  holds(concealedShare(page) < 0.15, "little is invented", page);
  holds(agent.missing === 0 && agent.quiet < 0.1 * agent.slots, "nor does the agent", agent);
});

overRelay("after a cut of 5 s both are heard again, as who they were", async (over) => {
  const { fixture, ada, relay } = over;
  const [before, heardBefore] = [await reception(ada), fixture.counter.count("Ada")];
  relay.weather = { cut: true };
  await delay(5000);
  const cut = since(before, await reception(ada));
  const heard = since(heardBefore, fixture.counter.count("Ada"));
  holds(cut.audibleMs < 2000, "a cut is silence, not noise", cut);
  relay.weather = {};
  const mended = performance.now();
  const back = (condition: () => Promise<boolean>) =>
    until("sound is back", condition).then(() => Math.round(performance.now() - mended));
  const [page, agent] = await Promise.all([
    back(async () => toneDb(await ada.hear(60), AGENT_HZ) > HEARD_DB),
    back(async () => toneDb(await fixture.ears.next("Ada", 60), ADA_HZ) > HEARD_DB),
  ]);
  report("a cut of 5 s", {
    concealed: percent(concealedShare(cut)),
    "the agent heard": `${heard.slots} slots`,
    missing: heard.missing,
    quiet: heard.quiet,
    "the page hears again after": `${page} ms`,
    "the agent after": `${agent} ms`,
  });
  holds(page < 5000 && agent < 5000, "sound comes back soon", { page, agent });
  assertEquals([...fixture.agent.connection!.participants.keys()], [ada.id]);
  assertEquals((await ada.events("ended")).length, 0);
});
