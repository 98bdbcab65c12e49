/**
 * A queue of one participant's slots that the agent has not read yet, each with its number on the
 * room's grid. A full queue drops and counts its oldest slot: the gap shows in the numbers.
 */
export class SlotQueue {
  readonly #capacity: number;
  readonly #slotSamples: number;
  /** Grows to the capacity only behind a slow reader: one that keeps up needs few slots. */
  #samples: Int16Array;
  #numbers: Float64Array;
  #start = 0;
  #length = 0;
  #dropped = 0;

  constructor(slotSamples: number, capacity: number) {
    this.#slotSamples = slotSamples;
    this.#capacity = capacity;
    const initial = Math.min(4, capacity);
    this.#samples = new Int16Array(initial * slotSamples);
    this.#numbers = new Float64Array(initial);
  }

  /** Waiting slots. */
  get length(): number {
    return this.#length;
  }

  /** Dropped slots. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Number of the oldest slot; `Infinity` when there is none. */
  get firstNumber(): number {
    return this.#length === 0 ? Infinity : this.#numbers[this.#start]!;
  }

  /** Appends a copy of one slot; returns whether the queue dropped an older one. */
  push(samples: Int16Array, number: number): boolean {
    let dropped = false;
    if (this.#length === this.#numbers.length) {
      if (this.#length < this.#capacity) this.#grow();
      else {
        this.shift();
        this.#dropped++;
        dropped = true;
      }
    }
    const index = (this.#start + this.#length) % this.#numbers.length;
    this.#samples.set(samples, index * this.#slotSamples);
    this.#numbers[index] = number;
    this.#length++;
    return dropped;
  }

  /** Copies the oldest slot to `out` at `offset`. */
  copyFirst(out: Int16Array, offset: number): void {
    const from = this.#start * this.#slotSamples;
    const samples = this.#samples;
    for (let index = 0; index < this.#slotSamples; index++) {
      out[offset + index] = samples[from + index]!;
    }
  }

  /** Removes the oldest slot. */
  shift(): void {
    if (this.#length === 0) return;
    this.#start = (this.#start + 1) % this.#numbers.length;
    this.#length--;
  }

  #grow(): void {
    const slots = Math.min(this.#capacity, this.#numbers.length * 2);
    const samples = new Int16Array(slots * this.#slotSamples);
    const numbers = new Float64Array(slots);
    const old = this.#numbers.length;
    for (let index = 0; index < this.#length; index++) {
      const at = (this.#start + index) % old;
      const slot = this.#samples.subarray(at * this.#slotSamples, (at + 1) * this.#slotSamples);
      samples.set(slot, index * this.#slotSamples);
      numbers[index] = this.#numbers[at]!;
    }
    this.#samples = samples;
    this.#numbers = numbers;
    this.#start = 0;
  }
}
