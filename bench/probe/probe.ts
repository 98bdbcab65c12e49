/**
 * The benchmark's side of the instrument in the page, `probe.js`.
 *
 * @module
 */
import type { Page } from "../../scripts/lib/browser.ts";

/** One click: when it left the page, and how long until its echo came out of the decoder. */
export interface RoundTrip {
  /** Milliseconds since 1970, on the wall clock. */
  time: number;
  /** `null`: it never came back. */
  ms: number | null;
}

/** When a sound began, or ended. */
export interface SoundChange {
  on: boolean;
  /** Milliseconds since 1970, on the wall clock. */
  time: number;
}

/** The browser's own counters of the audio it received, since the connection began. */
export interface InboundStats {
  received: number;
  concealed: number;
  silentConcealed: number;
  stretched: number;
  squeezed: number;
  delaySeconds: number;
  emitted: number;
  packetsLost: number;
  packetsReceived: number;
}

/** What `probe.js` puts into the page. */
interface InPage {
  makeSource(): { track: unknown; stream: unknown };
  listen(): Promise<void>;
  sendClicks(count: number, everyMs: number, waitMs: number): Promise<void>;
  roundTrips(): RoundTrip[];
  forget(): void;
  stats(): Promise<InboundStats | null>;
  clockOffset(): Promise<number>;
  now(): number;
  tone: { changes: SoundChange[]; quietMs: number; heardMs: number; reset(): void };
  speech: { changes: SoundChange[] };
  say(base64: string): Promise<void>;
}

declare global {
  var ringlineProbe: InPage;
}

const SCRIPT = await Deno.readTextFile(new URL("./probe.js", import.meta.url));

/** The instrument of one page. Install it before the page is opened. */
export class Probe {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  static async install(page: Page): Promise<Probe> {
    await page.evaluateOnNewDocument(SCRIPT);
    return new Probe(page);
  }

  /** Begins to listen to the audio that comes, as soon as it comes. */
  async listen(): Promise<void> {
    await this.#page.evaluate(() => ringlineProbe.listen());
  }

  /** Sends clicks on the page's track. Returns what became of each. */
  async roundTrips(count: number, everyMs: number, waitMs = 600): Promise<RoundTrip[]> {
    return await this.#page.evaluate(
      async (count, everyMs, waitMs) => {
        ringlineProbe.forget();
        await ringlineProbe.sendClicks(count, everyMs, waitMs);
        const offset = await ringlineProbe.clockOffset();
        return ringlineProbe.roundTrips().map(({ time, ms }) => ({ time: time - offset, ms }));
      },
      count,
      everyMs,
      waitMs,
    );
  }

  async stats(): Promise<InboundStats> {
    const stats = await this.#page.evaluate(() => ringlineProbe.stats());
    if (!stats) throw new Error("the page receives no audio");
    return stats;
  }

  /** Starts to count anew what a continuous tone should not have: quiet. */
  async resetTone(): Promise<void> {
    await this.#page.evaluate(() => ringlineProbe.tone.reset());
  }

  /** Milliseconds of the tone that were heard, and of quiet where it should have been. */
  async tone(): Promise<{ heardMs: number; quietMs: number }> {
    return await this.#page.evaluate(() => ({
      heardMs: ringlineProbe.tone.heardMs,
      quietMs: ringlineProbe.tone.quietMs,
    }));
  }

  /** Every beginning and end of the tone so far, on the wall clock. */
  async toneChanges(): Promise<SoundChange[]> {
    return await this.#changes("tone");
  }

  /** Every beginning and end of the page's own speech so far; a pause between words is no end. */
  async speechChanges(): Promise<SoundChange[]> {
    return await this.#changes("speech");
  }

  /** Whether the tone is heard at this moment. */
  async hearsTone(): Promise<boolean> {
    return await this.#page.evaluate(() => ringlineProbe.tone.changes.at(-1)?.on ?? false);
  }

  /** Says 16-bit PCM, mono at 48 kHz; resolves when it is said. */
  async say(samples: Int16Array<ArrayBuffer>): Promise<void> {
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    await this.#page.evaluate((base64) => ringlineProbe.say(base64), bytes.toBase64());
  }

  async #changes(sound: "tone" | "speech"): Promise<SoundChange[]> {
    return await this.#page.evaluate(async (sound) => {
      const offset = await ringlineProbe.clockOffset();
      return ringlineProbe[sound].changes.map(({ on, time }) => ({ on, time: time - offset }));
    }, sound);
  }
}

/** What happened between two readings of the browser's counters. */
export interface Reception {
  /** Per cent of the samples that the browser made up. */
  concealedPercent: number;
  /** Samples that the browser made up, those of plain silence included. */
  concealedSamples: number;
  silentConcealedSamples: number;
  /** Mean depth of the jitter buffer. */
  jitterBufferMs: number;
  packetsLost: number;
}

/** The difference of two readings. */
export function reception(before: InboundStats, after: InboundStats): Reception {
  const received = after.received - before.received;
  const concealed = after.concealed - before.concealed;
  return {
    concealedPercent: concealed / received * 100,
    concealedSamples: concealed,
    silentConcealedSamples: after.silentConcealed - before.silentConcealed,
    jitterBufferMs: (after.delaySeconds - before.delaySeconds) /
      (after.emitted - before.emitted) * 1000,
    packetsLost: after.packetsLost - before.packetsLost,
  };
}
