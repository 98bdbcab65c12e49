import type { MutableParticipantAudio, ParticipantAudio } from "../edge/participant_audio.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import type { Participant } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import { SLOT_MS } from "../audio/grid.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { RingBuffer } from "../audio/ring_buffer.ts";

/** After so many rows without audio, audio that carries no row is numbered by the clock again. */
const SILENT_ROWS = 10;

/** One track's way in: its ring, and the slot that is to be processed next. */
export class ParticipantRing implements Disposable {
  readonly #ring: RingBuffer;
  readonly #clock: Clock;
  readonly #slotSamples: number;
  /** Where the ring has the head's samples, until it is written to again. */
  #slot: Int16Array = new Int16Array(0);
  /** The next slot: a copy, so that a slow processor's view is not written over by the ring. */
  #head: MutableParticipantAudio;
  #hasHead = false;
  #taken = 0;
  #lastClockRow = -Infinity;

  constructor(
    readonly key: string,
    { participant, trackId }: ParticipantAudio,
    options: { sampleRate: number; kernel: AudioKernel; clock: Clock },
  ) {
    const { sampleRate, kernel, clock } = options;
    this.#clock = clock;
    this.#slotSamples = sampleRate * SLOT_MS / 1000;
    this.#ring = new RingBuffer({ sampleRate, kernel, slotMs: SLOT_MS });
    this.#head = {
      participant,
      trackId,
      pcm: new PcmChunk(new Int16Array(this.#slotSamples), { sampleRate }),
      row: -1,
    };
  }

  get participant(): Participant {
    return this.#head.participant;
  }

  /** Slots that wait to be processed. */
  get waiting(): number {
    return this.#ring.length + (this.#hasHead ? 1 : 0);
  }

  /** Slots that were processed or dropped so far. */
  get passed(): number {
    return this.#taken + this.#ring.dropped;
  }

  /** The slot to be processed next. */
  get head(): MutableParticipantAudio | undefined {
    if (!this.#hasHead) {
      const slot = this.#ring.read();
      if (!slot) return undefined;
      this.#slot = slot.samples;
      if (this.#isGone()) this.#head.pcm = this.#fresh();
      this.#head.pcm.samples.set(this.#slot);
      this.#head.row = this.#ring.lastRow;
      this.#hasHead = true;
    }
    return this.#head;
  }

  /** A processor that was left behind still reads the head: what follows comes in another one. */
  giveHeadAway(): void {
    this.#head = { ...this.#head, pcm: this.#fresh() };
  }

  /** What a processor has transferred at once, as to a worker, the next one hears nevertheless. */
  mendHead(): void {
    if (!this.#isGone()) return;
    this.#head.pcm = this.#fresh();
    this.#head.pcm.samples.set(this.#slot);
  }

  #isGone(): boolean {
    return this.#head.pcm.samples.length !== this.#slotSamples;
  }

  #fresh(): PcmChunk {
    const { sampleRate } = this.#ring;
    return new PcmChunk(new Int16Array(this.#slotSamples), { sampleRate });
  }

  /** The head has been processed. */
  takeHead(): void {
    this.#hasHead = false;
    this.#taken++;
  }

  /** Appends audio; gives how many slots were dropped for it. */
  write({ participant, pcm, row }: ParticipantAudio): number {
    const ring = this.#ring;
    const dropped = ring.dropped;
    // Names change, and the newest is right for everything that is still to come.
    this.#head.participant = participant;
    if (
      row >= 0 && pcm.sampleRate === ring.sampleRate && pcm.channels === 1 &&
      pcm.samples.length === this.#slotSamples
    ) {
      ring.writeSlot(pcm.samples, row);
    } else if (row >= 0) ring.write(pcm, { rowNumber: row });
    else {
      const clockRow = Math.floor(this.#clock.now() / SLOT_MS);
      const resumes = clockRow - this.#lastClockRow > SILENT_ROWS;
      this.#lastClockRow = clockRow;
      ring.write(pcm, resumes ? { rowNumber: clockRow } : undefined);
    }
    return ring.dropped - dropped;
  }

  /** What comes next does not follow on what came before. */
  closeSlot(): void {
    this.#ring.closeSlot();
    this.#lastClockRow = -Infinity;
  }

  [Symbol.dispose](): void {
    this.#ring[Symbol.dispose]();
  }
}
