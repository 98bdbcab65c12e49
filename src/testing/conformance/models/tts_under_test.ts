/** What the author of a voice's adapter implements for its conformance kit. @module */
import type { TTS } from "../../../inference/contracts/tts.ts";
import { checkOptions } from "../../../events/checks.ts";
import type { VirtualClock } from "../../virtual_clock.ts";
import { type ServiceAct, type ServiceUnderTest, startService } from "./service_act.ts";
import { tone } from "../../sounds.ts";

/** What the voice behind an adapter does with a request. */
export interface TTSAct extends ServiceAct {
  /** Milliseconds of sound that it returns. Default 200. */
  readonly audioMs?: number;
}

/** A voice, and the service behind it. */
export interface TTSUnderTest extends ServiceUnderTest {
  /** The voice. */
  readonly tts: TTS;
  /** The voice's clock, if it is a virtual one. */
  readonly clock?: VirtualClock;
}

/** Creates a voice for one test, in front of a service that does this; the last act is repeated. */
export type TTSFactory = (acts: readonly TTSAct[]) => TTSUnderTest | Promise<TTSUnderTest>;

/** Options for {@linkcode ttsOverHttp}. */
export interface TTSOverHttpOptions {
  /** Returns the adapter for a service at this address. */
  create: (baseUrl: string) => TTS | Promise<TTS>;
  /** The content type of the service's audio. Default `"audio/pcm"`. */
  contentType?: string;
  /** The rate of its PCM, in samples a second. Default 24,000. */
  sampleRate?: number;
}

const PIECE_MS = 20;

/**
 * Returns a factory for an adapter of a service over HTTP that is asked once for each text and returns
 * PCM. It starts a real server on the loopback for each test.
 */
export function ttsOverHttp(options: TTSOverHttpOptions): TTSFactory {
  checkOptions(
    options,
    "options",
    { create: true, contentType: true, sampleRate: true },
    "an object like { create }",
  );
  const { create, contentType = "audio/pcm", sampleRate = 24_000 } = options;
  return async (acts) => {
    const service = startService(acts, contentType, ({ audioMs = 200 }) => {
      const { samples } = tone(audioMs, { sampleRate });
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      const step = sampleRate * PIECE_MS / 1000;
      for (let at = 0; at < samples.length; at += step) {
        pieces.push(new Uint8Array(samples.slice(at, at + step).buffer as ArrayBuffer));
      }
      return pieces;
    });
    return { ...service, tts: await create(service.baseUrl) };
  };
}
