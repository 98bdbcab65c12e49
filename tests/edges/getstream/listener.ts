/** An agent that measures the audio of a call. @module */
import type { AudioRow, AudioSubscription, EdgeAgent } from "../../../src/edge/edge_agent.ts";
import type { User } from "../../../src/edge/types.ts";
import { PcmChunk } from "../../../src/audio/pcm_chunk.ts";
import { rms } from "../../../src/audio/level.ts";

/** 20 ms of one participant. */
export interface HeardSlot {
  /** Milliseconds of this process's clock. */
  at: number;
  participantId: string;
  trackId: string;
  row: number;
  rms: number;
  frequency: number;
}

export class Listener implements EdgeAgent {
  readonly slots: HeardSlot[] = [];

  constructor(
    readonly user: User,
    readonly audioSubscription: AudioSubscription = { sampleRate: 16_000, agents: false },
  ) {}

  receiveRow(row: AudioRow): void {
    const at = performance.now();
    for (let index = 0; index < row.count; index++) {
      const { participant, trackId, pcm, row: number } = row.entries[index]!;
      const { rms, frequency } = measure(pcm);
      this.slots.push({
        at,
        participantId: participant.id,
        trackId,
        row: number,
        rms,
        frequency,
      });
    }
  }
}

function measure({ samples, sampleRate }: PcmChunk): { rms: number; frequency: number } {
  const crossings: number[] = [];
  for (let index = 0; index < samples.length; index++) {
    if (index > 0 && (samples[index]! >= 0) !== (samples[index - 1]! >= 0)) crossings.push(index);
  }
  const halves = crossings.length - 1;
  return {
    rms: rms(samples),
    frequency: halves > 0 ? halves * sampleRate / 2 / (crossings[halves]! - crossings[0]!) : 0,
  };
}

/** Returns a tone. */
export function tone(
  options: { frequency: number; ms: number; amplitude?: number; sampleRate?: number },
): PcmChunk {
  const { frequency, ms, amplitude = 0.3, sampleRate = 48_000 } = options;
  const samples = new Int16Array(Math.round(sampleRate * ms / 1000));
  for (let index = 0; index < samples.length; index++) {
    samples[index] = Math.sin(2 * Math.PI * frequency * index / sampleRate) * amplitude * 32767;
  }
  return new PcmChunk(samples, { sampleRate });
}

/** Returns the longest time without sound between `from` and `to`, in milliseconds. */
export function longestGap(
  frames: readonly { at: number; rms: number }[],
  from: number,
  to: number,
  threshold = 0.05,
): number {
  let last = from;
  let gap = 0;
  for (const { at, rms } of frames) {
    if (at < from || at > to || rms < threshold) continue;
    gap = Math.max(gap, at - last);
    last = at;
  }
  return Math.max(gap, to - last);
}

/** Returns the median frequency of the loud frames. */
export function medianFrequency(frames: readonly { rms: number; frequency: number }[]): number {
  const loud = frames.filter(({ rms }) => rms > 0.05).map(({ frequency }) => frequency).sort((
    a,
    b,
  ) => a - b);
  return loud[loud.length >> 1] ?? NaN;
}
