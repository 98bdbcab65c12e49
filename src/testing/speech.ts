/** What a participant of a call in memory says. @module */
import { SLOT_MS } from "../audio/grid.ts";
import { assertPcmChunk, PcmChunk } from "../audio/pcm_chunk.ts";
import { RingBuffer } from "../audio/ring_buffer.ts";

interface ScriptedUtterance {
  readonly pcm: PcmChunk;
  readonly said: PromiseWithResolvers<void>;
  offset: number;
}

/** The speech of one participant, played row by row at the rate of each listener. */
export class Speech {
  readonly #utterances: ScriptedUtterance[] = [];
  readonly #rings = new Map<number, RingBuffer>();

  /** Whether any speech is not yet played, or played and not read. */
  get isActive(): boolean {
    if (this.#utterances.length > 0) return true;
    for (const ring of this.#rings.values()) if (ring.length > 0) return true;
    return false;
  }

  /** Adds speech; resolves when it is said, or stopped. */
  add(pcm: PcmChunk): Promise<void> {
    assertPcmChunk(pcm, "pcm");
    const said = Promise.withResolvers<void>();
    this.#utterances.push({ pcm, said, offset: 0 });
    return said.promise;
  }

  /** Plays one row for listeners at these rates; returns whether there was any speech. */
  play(rates: ReadonlySet<number>): boolean {
    for (const [rate, ring] of this.#rings) {
      if (rates.has(rate)) continue;
      ring[Symbol.dispose]();
      this.#rings.delete(rate);
    }
    const utterance = this.#utterances[0];
    if (!utterance) return false;
    const { pcm, offset } = utterance;
    const frames = Math.min(Math.round(pcm.sampleRate * SLOT_MS / 1000), pcm.frames - offset);
    utterance.offset += frames;
    const end = (offset + frames) * pcm.channels;
    const fragment = new PcmChunk(pcm.samples.subarray(offset * pcm.channels, end), pcm);
    const isLast = utterance.offset >= pcm.frames;
    for (const rate of rates) {
      let ring = this.#rings.get(rate);
      if (!ring) this.#rings.set(rate, ring = new RingBuffer({ sampleRate: rate }));
      ring.write(fragment);
      if (isLast && this.#utterances.length === 1) ring.closeSlot();
    }
    if (isLast) {
      this.#utterances.shift();
      utterance.said.resolve();
    }
    return true;
  }

  /** Returns the next row's samples at a rate. */
  read(rate: number): PcmChunk | undefined {
    return this.#rings.get(rate)?.read();
  }

  stop(): void {
    for (const { said } of this.#utterances.splice(0)) said.resolve();
    for (const ring of this.#rings.values()) ring[Symbol.dispose]();
    this.#rings.clear();
  }
}
