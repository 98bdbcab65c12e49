/** Sound and video of one call between real browsers and an agent, measured at the other end. */
import { assert, assertEquals, assertGreater, assertGreaterOrEqual, assertLess } from "@std/assert";
import {
  AudioStatsEvent,
  LatestVideoTrack,
  type Participant,
  type VideoFrame,
} from "@ringline/edge";
import { openAgentFixture, tone } from "./_agents.ts";
import { SPEECH, speech, SPEECH_RATE } from "../fixtures/speech.ts";
import { browserTest, Guest, until } from "./_fixture.ts";
import { cut, findIn, levelDb, type Recording, toFloats, toneDb } from "./_signal.ts";

/** What a tone of amplitude 0.25 measures. */
const TONE_DB = 20 * Math.log10(0.25) - 10 * Math.log10(2);
const ABSENT_DB = -60;

function assertClose(actual: number, expected: number, tolerance: number, what: string): void {
  assert(
    Math.abs(actual - expected) <= tolerance,
    `${what}: ${actual.toFixed(2)} is not within ${tolerance} of ${expected.toFixed(2)}`,
  );
}

/**
 * Waits until a person hears these tones at their level, in Hz, and another not at all. A busy machine
 * stretches and conceals sound for a moment.
 */
async function untilHeard(
  guest: Guest,
  { present, absent }: { present: number[]; absent: number },
): Promise<void> {
  await until(`${present} Hz at ${TONE_DB} dB without ${absent} Hz`, async () => {
    const heard = await guest.hear(400);
    return present.every((hz) => Math.abs(toneDb(heard, hz) - TONE_DB) <= 1.5) &&
      toneDb(heard, absent) < ABSENT_DB;
  });
}

browserTest("the agent hears what a person says, at its level", async (browser) => {
  await using fixture = await openAgentFixture({ sampleRate: 48_000 });
  const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
  await fixture.ears.next("Ada", 300);
  const from = fixture.ears.msOf("Ada");
  await guest.say(SPEECH);
  await fixture.ears.next("Ada", 400);
  const said: Recording = { sampleRate: SPEECH_RATE, samples: toFloats(await speech()) };
  const { correlation, gainDb } = findIn(
    said,
    fixture.ears.last("Ada", fixture.ears.msOf("Ada") - from),
  );
  // Opus keeps the waveform of speech, not of its hiss.
  assertGreater(correlation, 0.85);
  assertClose(gainDb, 0, 1, "level in dB relative to the file");
  await guest.leave();
});

browserTest("a person hears what the agent says, in pitch and level", async (browser) => {
  await using fixture = await openAgentFixture();
  const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
  await fixture.agent.audio.write(tone(1000, 1500));
  await until(
    "the tone is heard",
    async () => toneDb(await guest.hear(100), 1000) > TONE_DB - 6,
  );
  const heard = await guest.hear(500);
  assertClose(toneDb(heard, 1000), TONE_DB, 1, "level in dB");
  assertLess(toneDb(heard, 2000), TONE_DB - 40);
  // What was said is over once it is said, and then it is quiet.
  await fixture.agent.audio.drain();
  await until("it is quiet", async () => levelDb((await guest.hear(100)).samples) < ABSENT_DB);
  assertClose(fixture.agent.audio.playedMs, 1500, 10, "played ms");
  await guest.leave();
});

browserTest("two people and an agent hear each other, and not themselves", async (browser) => {
  await using fixture = await openAgentFixture();
  const stats = new Map<string, AudioStatsEvent["stats"]>();
  fixture.edge.events.subscribe(
    AudioStatsEvent,
    ({ participant, stats: latest }) => void stats.set(participant.name, latest),
  );
  const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
  const bob = await Guest.join(browser, fixture.link, { name: "Bob" });
  await ada.startTone(500);
  await bob.startTone(1200);
  const saying = fixture.agent.audio.write(tone(2500, 20_000));
  await Promise.all([
    untilHeard(ada, { present: [1200, 2500], absent: 500 }),
    untilHeard(bob, { present: [500, 2500], absent: 1200 }),
  ]);
  // The agent gets them unmixed.
  const [ofAda, ofBob] = await Promise.all([
    fixture.ears.next("Ada", 400),
    fixture.ears.next("Bob", 400),
  ]);
  assertClose(toneDb(ofAda, 500), TONE_DB, 1, "Ada at the agent's");
  assertLess(toneDb(ofAda, 1200), ABSENT_DB);
  assertClose(toneDb(ofBob, 1200), TONE_DB, 1, "Bob at the agent's");
  assertLess(toneDb(ofBob, 500), ABSENT_DB);
  await fixture.agent.audio.flush();
  await saying;
  await until("how their audio arrives is known", () => stats.size === 2);
  for (const { packetsReceived, audioMs, concealedMs, roundTripMs } of stats.values()) {
    assertGreater(packetsReceived, 10);
    assertGreater(audioMs, concealedMs);
    // On the loopback it may be less than a millisecond, which is given as 0.
    assertGreaterOrEqual(roundTripMs!, 0);
  }
  await Promise.all([ada.leave(), bob.leave()]);
});

browserTest("a person who mutes is silent for the others and shown as muted", async (browser) => {
  await using fixture = await openAgentFixture();
  const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
  const bob = await Guest.join(browser, fixture.link, { name: "Bob" });
  await ada.startTone(500);
  await until("Bob hears Ada", async () => toneDb(await bob.hear(200), 500) > TONE_DB - 6);
  await ada.client("setMuted", true);
  await until("Bob hears nothing", async () => toneDb(await bob.hear(200), 500) < ABSENT_DB);
  await until("the agent knows", () =>
    [...fixture.agent.connection!.tracks.values()]
      .some(({ participant, muted }) => participant.name === "Ada" && muted));
  await until("Bob's page knows", async () => {
    const last = (await bob.events("participants")).at(-1);
    return last?.participants.find(({ name }: Participant) => name === "Ada")?.audible === false;
  });
  await ada.client("setMuted", false);
  await until("Bob hears Ada again", async () => toneDb(await bob.hear(200), 500) > TONE_DB - 6);
  await Promise.all([ada.leave(), bob.leave()]);
});

browserTest("flush silences the browser and returns how much was played", async (browser) => {
  await using fixture = await openAgentFixture();
  const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
  await fixture.agent.audio.write(tone(1000, 900));
  await until("the tone is heard", async () => toneDb(await guest.hear(60), 1000) > TONE_DB - 6);
  const mark = await guest.mark();
  const { playedMs, discardedMs } = await fixture.agent.audio.flush();
  const heard = await until("the flush is heard", async () => {
    const recording = await guest.heardSince(mark);
    const ms = recording.samples.length / 48;
    return ms > 400 && levelDb(cut(recording, ms - 100, ms).samples) < ABSENT_DB && recording;
  });
  assertClose(playedMs + discardedMs, 900, 10, "played and discarded ms");
  assertGreater(discardedMs, 50);
  // The limit is generous, since this is no benchmark: a second of queue must not play out.
  assertLess(levelDb(cut(heard, 300, 400).samples), ABSENT_DB);
  await guest.leave();
});

browserTest(
  "a person who leaves, and one who closes the tab, are gone for the agent",
  async (browser) => {
    await using fixture = await openAgentFixture();
    const ada = await Guest.join(browser, fixture.link, { name: "Ada" });
    const bob = await Guest.join(browser, fixture.link, { name: "Bob" });
    const connection = fixture.agent.connection!;
    await until("both are there", () => connection.participants.size === 2);
    assertEquals(connection.state, "active");
    await ada.leave();
    await until("Ada is gone", () => connection.participants.size === 1);
    // A closed tab says goodbye by itself.
    await bob.page.browserContext().close();
    await until("Bob is gone", () => connection.participants.size === 0);
    assertEquals(connection.state, "idle");
    await until("the agent is idle", () => fixture.agent.idleForMs() > 0);
  },
);

browserTest(
  "the agent prefers a screen to a camera, and returns to the camera",
  async (browser) => {
    const sources: (string | undefined)[] = [];
    const frames: VideoFrame[] = [];
    await using fixture = await openAgentFixture({
      processors: [{
        name: "eyes",
        videoFps: 10,
        processVideo: (frame) => void frames.push({ ...frame, data: frame.data.slice(0, 1) }),
        videoSourceChanged: (track) =>
          void sources.push(track && ["", "audio", "camera", "screen"][track.type]),
      }],
    });
    const guest = await Guest.join(browser, fixture.link, {
      name: "Ada",
      camera: "rgb(0, 200, 0)",
    });
    await until("the camera is looked at", () => sources.at(-1) === "camera");
    await until("its frames come", () => frames.length > 3);
    await guest.run("share", ["rgb(200, 0, 0)"]);
    await until("the screen is looked at", () => sources.at(-1) === "screen");
    const before = frames.length;
    await until("its frames come", () => frames.slice(before).some(({ width }) => width === 640));
    await guest.client("setScreen", null);
    await until("the camera is looked at again", () => sources.at(-1) === "camera");
    await guest.client("setCamera", null);
    await until("nothing is left to look at", () => sources.at(-1) === undefined);
    assertEquals(sources, ["camera", "screen", "camera", undefined]);
    await guest.leave();
  },
);

/** Where red and green are in an upright picture, by the angle at which the camera is held. */
const TURNED: Record<number, { size: [number, number]; red: [number, number] }> = {
  0: { size: [320, 240], red: [0.25, 0.5] },
  90: { size: [240, 320], red: [0.5, 0.25] },
  180: { size: [320, 240], red: [0.75, 0.5] },
  270: { size: [240, 320], red: [0.5, 0.75] },
};

browserTest(
  "a camera held at an angle is seen upright by the agent and by people",
  async (browser) => {
    let last: VideoFrame | undefined;
    await using fixture = await openAgentFixture({
      processors: [{
        name: "eyes",
        videoFps: 10,
        processVideo: (frame) => void (last = { ...frame, data: frame.data.slice() }),
      }],
    });
    const guest = await Guest.join(browser, fixture.link, { name: "Ada" });
    const bob = await Guest.join(browser, fixture.link, { name: "Bob" });
    for (const [rotation, { size, red }] of Object.entries(TURNED)) {
      last = undefined;
      await guest.run("turn", [Number(rotation)]);
      // A sender may begin with a smaller picture.
      await until(`${rotation} degrees: the shape is right`, () => {
        return last && last.width / last.height === size[0] / size[1];
      });
      await until(`${rotation} degrees: red is on its side`, () => {
        const isRed = (x: number, y: number) => redness(last!, x, y) > 150;
        return isRed(...red) && !isRed(1 - red[0], 1 - red[1]);
      });
      await until(`${rotation} degrees: Bob sees the right shape`, async () => {
        return await bob.run("shape", [guest.id, "camera"]) === size[0] / size[1];
      });
      await until(`${rotation} degrees: Bob sees red on its side`, async () => {
        const [r, g] = await bob.run<number[] | undefined>("pixel", [guest.id, "camera", ...red]) ??
          [];
        return r! > 140 && g! < 60;
      });
      await guest.client("setCamera", null);
    }
    await Promise.all([guest.leave(), bob.leave()]);
  },
);

/** Returns the red difference of a pixel of an I420 picture: 128 is grey. */
function redness({ width, height, data }: VideoFrame, x: number, y: number): number {
  const half = Math.ceil(width / 2), rows = Math.ceil(height / 2);
  const at = width * height + half * rows + Math.floor(y * rows) * half + Math.floor(x * half);
  return data[at]!;
}

browserTest("people see each other's cameras and the agent's video", async (browser) => {
  const picture = new LatestVideoTrack();
  await using fixture = await openAgentFixture({ publishVideo: picture });
  const draw = setInterval(() => {
    const data = new Uint8Array(160 * 120 * 4);
    for (let at = 0; at < data.length; at += 4) data.set([0, 0, 220, 255], at);
    const frame: VideoFrame = {
      format: "RGBA",
      width: 160,
      height: 120,
      data,
      timestampMs: performance.now(),
    };
    picture.push(frame);
  }, 100);
  try {
    const ada = await Guest.join(browser, fixture.link, { name: "Ada", camera: "rgb(0, 200, 0)" });
    const bob = await Guest.join(browser, fixture.link, { name: "Bob" });
    const agentId = (await bob.events("participants")).at(-1)?.participants
      .find(({ kind }: Participant) => kind === "agent").id;
    await until("Bob sees Ada in green", async () => {
      const [r, g, b] = await bob.run<number[] | undefined>("pixel", [ada.id, "camera"]) ?? [];
      return r! < 60 && g! > 140 && b! < 60;
    });
    await until("Bob sees the agent in blue", async () => {
      const [r, g, b] = await bob.run<number[] | undefined>("pixel", [agentId, "camera"]) ?? [];
      return r! < 60 && g! < 60 && b! > 160;
    });
    await Promise.all([ada.leave(), bob.leave()]);
  } finally {
    clearInterval(draw);
    picture.close();
  }
});
