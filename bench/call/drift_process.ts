/**
 * People without a browser whose clocks are off, each with a click a second over a quiet noise.
 *
 * Arguments: the call's link, and by how many millionths each one's clock is off. Responds to
 * `ask: "clicks"`: when each was sent; ends with its input.
 *
 * @module
 */
import { respondToAll, send } from "../lib/lines.ts";
import { clockOffset, wallClock } from "../lib/wall_clock.ts";
import type { Click } from "./agent.ts";
import { seeded } from "./speech.ts";
import { speakTogether, WrtcParticipant } from "./wrtc_participant.ts";

const RATE = 48_000;
const CLICK_SAMPLES = 0.008 * RATE;
const CLICK_HZ = 1000;
const CLICK_LEVEL = 16_000;
const NOISE_LEVEL = 200;

/** A second of quiet noise that begins with a click. */
function second(seed: number): Int16Array<ArrayBuffer> {
  const random = seeded(seed);
  return Int16Array.from(
    { length: RATE },
    (_, at) =>
      at < CLICK_SAMPLES
        ? CLICK_LEVEL * Math.cos(2 * Math.PI * CLICK_HZ * at / RATE)
        : NOISE_LEVEL * (2 * random() - 1),
  );
}

if (import.meta.main) {
  Deno.addSignalListener("SIGINT", () => {}); // the end of the input is the order
  const [link, ...ppm] = Deno.args;
  const clicks: Click[] = [];
  const offset = clockOffset();
  const people: WrtcParticipant[] = [];
  try {
    for (const [index, off] of ppm.entries()) {
      const person = new WrtcParticipant(new URL(link!), index, { sound: second(index + 1) });
      person.onBeginning = () => clicks.push({ name: person.name, at: wallClock(offset) });
      await person.connected;
      people.push(person);
      speakTogether([person], { ppm: Number(off) });
    }
    setInterval(() => people.forEach((person) => person.ping()), 1000);
    send({ joined: people.map(({ name }) => name) });
  } catch (error) {
    send({ joined: null, error: String(error) });
  }
  // deno-lint-ignore require-await -- requests are answered by promises
  await respondToAll(async ({ ask }) => {
    if (ask === "clicks") return clicks;
    throw new Error(`unknown request "${ask}"`);
  });
  for (const person of people) void person.leave();
  Deno.exit(0); // at its natural end wrtc crashes
}
