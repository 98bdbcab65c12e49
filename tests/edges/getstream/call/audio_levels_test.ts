import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { AudioLevels } from "../../../../src/edges/getstream/child/call/audio_levels.ts";
import type { LevelData } from "../../../../src/edges/getstream/wire/ipc.ts";
import { VirtualClock } from "../../../../src/testing/virtual_clock.ts";

function levelsOn(clock: VirtualClock) {
  const sent: { at: number; levels: LevelData[] }[] = [];
  const emit = (levels: LevelData[]) => void sent.push({ at: clock.now(), levels });
  return { sent, levels: new AudioLevels({ clock, emit }) };
}

const level = (participantId: string, level: number): LevelData => ({
  participantId,
  level,
  speaking: level > 0.05,
});

Deno.test("AudioLevels sends the last level of each participant at the end of the interval", async () => {
  const clock = new VirtualClock();
  const { sent, levels } = levelsOn(clock);
  levels.take([level("anna", 0.5), level("bert", 0.2)]);
  await clock.advance(30);
  levels.take([level("anna", 0.4)]);
  await clock.advance(30);
  levels.take([level("anna", 0)]);
  await clock.advance(300);
  assertEquals(sent, [
    { at: 0, levels: [level("anna", 0.5), level("bert", 0.2)] },
    { at: 100, levels: [level("anna", 0)] },
  ]);
  levels.take([level("bert", 0)]);
  assertEquals(sent.at(-1), { at: 360, levels: [level("bert", 0)] });
  levels.take([level("bert", 1)]);
  levels.stop();
  await clock.advance(300);
  assertEquals(sent.length, 3);
});

Deno.test("AudioLevels loses no participant's last level, however quickly they come", async () => {
  const step = fc.record({
    ms: fc.integer({ min: 0, max: 150 }),
    levels: fc.array(fc.tuple(fc.constantFrom("anna", "bert", "carl"), fc.nat(9)), {
      minLength: 1,
      maxLength: 3,
    }),
  });
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    const clock = new VirtualClock();
    const { sent, levels } = levelsOn(clock);
    const last = new Map<string, number>();
    for (const { ms, levels: some } of steps) {
      await clock.advance(ms);
      levels.take(some.map(([id, value]) => level(id, value)));
      for (const [id, value] of some) last.set(id, value);
    }
    await clock.advance(100);
    const seen = new Map(
      sent.flatMap(({ levels }) =>
        levels.map(({ participantId, level }) => [participantId, level] as const)
      ),
    );
    assertEquals(seen, last);
    for (let index = 1; index < sent.length; index++) {
      assert(sent[index]!.at - sent[index - 1]!.at >= 100);
    }
  }));
});
