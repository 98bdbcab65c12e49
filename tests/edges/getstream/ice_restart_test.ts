import { assert, assertEquals } from "@std/assert";
import { StreamDouble } from "./double/stream_double.ts";
import { TestCall } from "./_fixture.ts";
import { longestGap, medianFrequency } from "./listener.ts";
import { until } from "../../fixtures/until.ts";

/**
 * A dead path is noticed after 5 s, looked for once a second, and replaced immediately; the rest is
 * for a busy machine. ICE itself notices after 18 s.
 */
const BACK_MS = 14_000;

Deno.test("an ICE restart finds another path for media whose path dies, in the same session", async () => {
  await using double = await StreamDouble.start();
  await double.sfu.command("detour");
  await using test = await TestCall.start(double);
  const paths = () => double.sfu.command<{ passed: number; cut: number }[]>("paths");
  const [alive] = await paths();
  assert(alive!.passed > 50 && alive!.cut === 0, "all media goes by the path that will die");

  const cutAt = performance.now();
  await double.sfu.command("detour");
  const isLoudAfter = (at: number) => (one: { at: number; rms: number }) =>
    one.at > at && one.rms > 0.1;
  await until("silence", async () => {
    const now = performance.now();
    return longestGap(test.slots, cutAt, now) > 1000 &&
      longestGap(await test.heard(), cutAt, now) > 1000;
  });
  const silentAt = performance.now();
  await until("hearing", () => test.slots.some(isLoudAfter(silentAt)));
  await until("being heard", async () => (await test.heard()).some(isLoudAfter(silentAt)));
  const backMs = performance.now() - cutAt;
  assert(backMs <= BACK_MS, `it took ${backMs} ms`);

  // A second without a gap, in the tones that are sent.
  await until("the sound being whole", async () => {
    const to = performance.now() - 100;
    const [hears, isHeard] = [test.slots, await test.heard()]
      .map((frames) => frames.filter(({ at }) => at > to - 1000));
    return longestGap(hears!, to - 1000, to) < 200 && longestGap(isHeard!, to - 1000, to) < 200 &&
      Math.abs(medianFrequency(hears!) - 440) <= 50 &&
      Math.abs(medianFrequency(isHeard!) - 660) <= 50;
  });

  const [dead, found] = await paths();
  assert(dead!.cut > 50 && found!.passed > 50, JSON.stringify({ dead, found }));
  const { joins, calls, faults } = await double.report();
  assertEquals([joins.length, calls.IceRestart, calls.SetPublisher], [1, 1, 2]);
  assertEquals([test.reconnected, test.states, test.errors, faults], [[], [], [], []]);
});
