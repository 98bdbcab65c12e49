/** The audio of a stream that its receiver has not acknowledged yet. @module */
import { PcmChunk } from "./pcm_chunk.ts";
import { SampleFifo } from "./sample_fifo.ts";

/** Options for a {@linkcode ReplayBuffer}. */
export interface ReplayBufferInit {
  /** Samples per second of the mono audio. */
  sampleRate: number;
  /** The most audio that is kept, in milliseconds: older audio is dropped. */
  capacityMs: number;
}

/**
 * Keeps the audio of a stream until its receiver has acknowledged it, so that another receiver can be
 * sent it when the first is lost. Positions are milliseconds since the beginning of the stream.
 */
export class ReplayBuffer {
  readonly #sampleRate: number;
  readonly #capacity: number;
  readonly #samples: SampleFifo;
  #pushed = 0;

  /** Creates an empty buffer. */
  constructor({ sampleRate, capacityMs }: ReplayBufferInit) {
    this.#sampleRate = sampleRate;
    this.#capacity = Math.round(sampleRate * capacityMs / 1000);
    this.#samples = new SampleFifo(sampleRate, { whenFull: "grow" });
  }

  /** The position of the end: how much audio was pushed. */
  get endMs(): number {
    return this.#pushed * 1000 / this.#sampleRate;
  }

  /** The position of the oldest audio that is kept. */
  get startMs(): number {
    return (this.#pushed - this.#samples.length) * 1000 / this.#sampleRate;
  }

  /** Appends a copy of this audio. */
  push(pcm: PcmChunk): void {
    this.#samples.push(pcm.samples);
    this.#pushed += pcm.samples.length;
    this.#samples.drop(Math.max(0, this.#samples.length - this.#capacity));
  }

  /** Drops the audio before a position: it need not be sent again. */
  acknowledge(untilMs: number): void {
    const until = Math.round(untilMs * this.#sampleRate / 1000);
    this.#samples.drop(Math.max(0, until - (this.#pushed - this.#samples.length)));
  }

  /** Returns a copy of the audio that is kept. */
  read(): PcmChunk {
    const samples = new Int16Array(this.#samples.length);
    this.#samples.peek(samples);
    return new PcmChunk(samples, { sampleRate: this.#sampleRate });
  }
}
