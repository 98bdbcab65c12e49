/** Calls in which sound goes on after the last word. */
import { assert, assertEquals } from "@std/assert";
import type { VAD } from "../../src/inference/contracts/vad.ts";
import { energyVad } from "../../src/inference/vad/energy_vad.ts";
import { FakeLLM } from "../../src/testing/fake_llm.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike } from "../../src/testing/sounds.ts";
import { fan, Heard, holdMusic, mixed, spoken, WordSTT } from "./_calls.ts";

const detectors: Record<string, () => VAD> = {
  energy: () => energyVad(),
  fake: () => new FakeVAD(),
};
const sounds = {
  "a fan 30 dB below speech": (seed: number) => fan(46_000, { seed }),
  "hold music": (seed: number) => holdMusic(46_000, { seed }),
};
const QUESTION = "What time is it?";

for (const [vadName, vad] of Object.entries(detectors)) {
  for (const interim of [true, false]) {
    for (const [soundName, sound] of Object.entries(sounds)) {
      const how = `${vadName} VAD, ${interim ? "interim" : "final"} text`;
      Deno.test(`a question over ${soundName} is answered, and the next one too (${how})`, async () => {
        const seed = 1;
        const heard = new Heard();
        const speech = mixed(
          [0, sound(seed)],
          [6000, speechLike(1500, { seed })],
          [28_000, speechLike(1500, { seed: seed + 1 })],
        );
        const words = [...spoken(6000, QUESTION), ...spoken(28_000, QUESTION)];
        await simulateCall({
          seed,
          people: [{ userId: "anna", says: [{ atMs: 0, pcm: speech }] }],
          agent: ({ clock }) => ({
            vad: vad(),
            stt: new WordSTT(clock, { anna: words }, { interim, delayMs: 300 }),
            llm: new FakeLLM(clock, ["It is five."]),
            tts: new FakeTTS(clock),
          }),
          onJoined: ({ agent }) => heard.listen(agent),
          endsAtMs: 46_000,
        }, (record) => {
          assertEquals(heard.turns.map(({ text }) => text), [QUESTION, QUESTION]);
          const delays = heard.replies.map((atMs, n) => atMs - (7500 + 22_000 * n));
          const limitMs = interim ? 4000 : 14_000;
          assert(
            delays.length === 2 && delays.every((ms) => ms > 0 && ms < limitMs),
            `${delays}`,
          );
          assertEquals(record.errors, []);
        });
      });
    }
  }
}

Deno.test("people are answered while hold music comes from another participant's phone", async () => {
  const seed = 1;
  const heard = new Heard();
  await simulateCall({
    seed,
    people: [
      { userId: "anna", says: [{ atMs: 0, pcm: mixed([0, holdMusic(30_000, { seed })]) }] },
      {
        userId: "bob",
        says: [14_000, 22_000].map((atMs) => ({ atMs, pcm: speechLike(1500, { seed }) })),
      },
    ],
    agent: ({ clock }) => ({
      vad: new FakeVAD(),
      stt: new WordSTT(clock, {
        anna: spoken(1000, "Hold the line please."),
        bob: [14_000, 22_000].flatMap((atMs) => spoken(atMs, QUESTION)),
      }, { interim: false, delayMs: 300 }),
      llm: new FakeLLM(clock, ["It is five."]),
      tts: new FakeTTS(clock),
    }),
    onJoined: ({ agent }) => heard.listen(agent),
    endsAtMs: 30_000,
  }, () => {
    assertEquals(heard.turns.map(({ userId }) => userId), ["anna", "bob", "bob"]);
    const delays = heard.replies.slice(1).map((atMs, n) => atMs - (15_500 + 8000 * n));
    assert(delays.every((ms) => ms > 0 && ms < 2500), `${delays}`);
  });
});
