/** Voice activity detection by loudness. @module */
import type { VAD, VadStream } from "../contracts/vad.ts";
import { assertPcmChunk, type PcmChunk } from "../../audio/pcm_chunk.ts";
import { rms } from "../../audio/level.ts";
import { checkOptions, shown } from "../../events/checks.ts";

/** Options for {@linkcode energyVad}. */
export interface EnergyVadOptions {
  /** How far above the noise speech is, in dB. Default 12. */
  aboveNoiseDb?: number;
  /** Quieter than this is never speech, in dB of full scale. Default -50. */
  floorDb?: number;
}

/** By how much the noise estimate follows louder and quieter audio, per 20 ms. */
const RISE = 1.004;
const FALL = 0.7;

/**
 * Returns a {@linkcode VAD} that goes by loudness above an estimate of the noise. It needs no model
 * and almost no CPU time.
 *
 * It is for quiet rooms. It takes a slamming door for speech, and detects almost none in noise: of 15
 * recorded phrases at 10 dB of pink noise it detected none in one measurement and two in another.
 * Anywhere else leave it to the default, `neuralVad()`.
 *
 * @throws {RangeError} `aboveNoiseDb` is not from 0 to 100, or `floorDb` not from -100 to 0
 *
 * @example
 * ```ts
 * import { energyVad } from "@ringline/edge";
 *
 * const vad = energyVad({ aboveNoiseDb: 8 }); // quieter voices too, and more doors
 * console.log(vad.name); // energy-vad
 * ```
 */
export function energyVad(options: EnergyVadOptions = {}): VAD {
  checkOptions(
    options,
    "options",
    { aboveNoiseDb: true, floorDb: true },
    "an object like { aboveNoiseDb: 12 }, or nothing",
  );
  const { aboveNoiseDb = 12, floorDb = -50 } = options;
  checkDb("aboveNoiseDb", aboveNoiseDb, 0, 100);
  checkDb("floorDb", floorDb, -100, 0);
  const ratio = 10 ** (aboveNoiseDb / 20);
  const minLevel = 10 ** (floorDb / 20);
  return {
    name: "energy-vad",
    open(): VadStream {
      let noise = minLevel / ratio;
      return {
        process(pcm: PcmChunk): number {
          assertPcmChunk(pcm, "pcm");
          const level = rms(pcm.samples);
          noise = level < noise ? Math.max(level, noise * FALL) : Math.min(level, noise * RISE);
          noise = Math.max(noise, minLevel / ratio);
          const over = level / (noise * ratio);
          // 0.5 at the threshold, near 1 at 6 dB above it and near 0 at 6 dB below.
          return over <= 0 ? 0 : 1 / (1 + over ** -4);
        },
        [Symbol.dispose]: () => {},
      };
    },
  };
}

function checkDb(name: string, db: unknown, from: number, to: number): void {
  if (typeof db === "number" && db >= from && db <= to) return;
  throw new RangeError(`${name}: expected ${from} to ${to} dB, got ${shown(db)}`);
}
