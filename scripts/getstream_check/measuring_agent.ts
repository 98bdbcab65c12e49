/** An agent that measures what it hears. @module */
import type { AudioRow, EdgeAgent } from "../../src/edge/edge_agent.ts";

/** An agent that measures the audio of other agents. */
export class MeasuringAgent implements EdgeAgent {
  readonly audioSubscription = { sampleRate: 16_000, agents: true } as const;
  readonly loudAt: number[] = [];
  readonly #frequencies: number[] = [];

  constructor(readonly user: { id: string; name: string }) {}

  receiveRow(row: AudioRow): void {
    for (let index = 0; index < row.count; index++) {
      const { samples, sampleRate } = row.entries[index]!.pcm;
      let sum = 0;
      const crossings: number[] = [];
      for (let at = 0; at < samples.length; at++) {
        sum += samples[at]! ** 2;
        if (at > 0 && (samples[at]! >= 0) !== (samples[at - 1]! >= 0)) crossings.push(at);
      }
      if (Math.sqrt(sum / samples.length) < 1500 || crossings.length < 3) continue;
      this.loudAt.push(performance.now());
      const halves = crossings.length - 1;
      this.#frequencies.push(halves * sampleRate / 2 / (crossings[halves]! - crossings[0]!));
      if (this.#frequencies.length > 50) this.#frequencies.shift();
    }
  }

  /** The median frequency of the last second, in hertz: the beginning of a stream is stretched. */
  get frequency(): number {
    return this.#frequencies.toSorted((a, b) => a - b)[this.#frequencies.length >> 1] ?? 0;
  }

  /** Returns the longest time without the tone since `from`. */
  gapSince(from: number): number {
    let last = from;
    let gap = 0;
    for (const at of [...this.loudAt.filter((one) => one >= from), performance.now()]) {
      gap = Math.max(gap, at - last);
      last = at;
    }
    return gap;
  }
}
