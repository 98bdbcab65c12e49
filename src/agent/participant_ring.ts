/** The ring of one audio track. @module */
import type { MutableParticipantAudio, ParticipantAudio } from "../edge/participant_audio.ts";
import type { AudioKernel } from "../audio/kernel.ts";
import type { Participant } from "../edge/types.ts";
import type { Clock } from "../events/clock.ts";
import type { Report } from "../events/user_code.ts";
import { SLOT_MS } from "../audio/grid.ts";
import { PcmChunk } from "../audio/pcm_chunk.ts";
import { RingBuffer } from "../audio/ring_buffer.ts";
import { type InputFilter, InputFilterChain } from "./input_filter.ts";

/** After this many rows without audio, unnumbered audio is numbered by the clock again. */
const SILENT_ROWS = 10;

/** The audio of one track that waits to be processed: its ring, and the next slot. */
export class ParticipantRing implements Disposable {
  /** Whether it is the sound of a shared screen. */
  readonly isScreen: boolean;
  readonly #ring: RingBuffer;
  readonly #clock: Clock;
  readonly #slotSamples: number;
  readonly #filters: InputFilterChain | undefined;
  /** A view of the head's samples in the ring, valid until the next write. */
  #slot: Int16Array = new Int16Array(0);
  /** The next slot: a copy, so that the ring does not overwrite a slow processor's view. */
  #head: MutableParticipantAudio;
  #hasHead = false;
  #taken = 0;
  #lastClockRow = -Infinity;

  constructor(
    readonly key: string,
    { participant, trackId }: ParticipantAudio,
    options: {
      sampleRate: number;
      kernel: AudioKernel;
      clock: Clock;
      inputFilters: readonly InputFilter[];
      isScreen: boolean;
      report: Report;
    },
  ) {
    const { sampleRate, kernel, clock, inputFilters } = options;
    this.isScreen = options.isScreen;
    this.#clock = clock;
    this.#slotSamples = sampleRate * SLOT_MS / 1000;
    this.#ring = new RingBuffer({ sampleRate, kernel, slotMs: SLOT_MS });
    if (inputFilters.length > 0) {
      const slotSamples = this.#slotSamples;
      this.#filters = new InputFilterChain(inputFilters, { ...options, participant, slotSamples });
    }
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
      this.#filters?.process(this.#slot);
      if (this.#isTransferred()) this.#head.pcm = this.#emptyChunk();
      this.#head.pcm.samples.set(this.#slot);
      this.#head.row = this.#ring.lastRow;
      this.#hasHead = true;
    }
    return this.#head;
  }

  /** Replaces the head, which a processor that timed out still reads. */
  replaceHead(): void {
    this.#head = { ...this.#head, pcm: this.#emptyChunk() };
  }

  /** Restores samples that a processor has transferred, as to a worker, for the next processor. */
  restoreHead(): void {
    if (!this.#isTransferred()) return;
    this.#head.pcm = this.#emptyChunk();
    this.#head.pcm.samples.set(this.#slot);
  }

  #isTransferred(): boolean {
    return this.#head.pcm.samples.length !== this.#slotSamples;
  }

  #emptyChunk(): PcmChunk {
    const { sampleRate } = this.#ring;
    return new PcmChunk(new Int16Array(this.#slotSamples), { sampleRate });
  }

  /** Removes the head: it has been processed. */
  takeHead(): void {
    this.#hasHead = false;
    this.#taken++;
  }

  /** Appends audio. Returns how many slots were dropped for it. */
  write({ participant, pcm, row }: ParticipantAudio): number {
    const ring = this.#ring;
    const dropped = ring.dropped;
    // The participant may have changed, for instance its name.
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

  /** Ends the current slot: the next audio does not continue it. */
  closeSlot(): void {
    this.#ring.closeSlot();
    this.#lastClockRow = -Infinity;
  }

  [Symbol.dispose](): void {
    this.#ring[Symbol.dispose]();
    this.#filters?.[Symbol.dispose]();
  }
}
