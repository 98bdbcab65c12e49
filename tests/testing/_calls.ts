/** Parts of simulated calls: sounds of rooms, and what an agent said in them. */
import type { Clock } from "../../src/events/clock.ts";
import { Channel } from "../../src/events/channel.ts";
import type { STT, SttEvent, SttSession } from "../../src/inference/contracts/stt.ts";
import { PcmChunk } from "../../src/audio/pcm_chunk.ts";
import { AgentSpeechStartedEvent, TurnEndedEvent } from "../../src/inference/contracts/events.ts";
import type { Agent } from "../../src/agent/agent.ts";
import { Random } from "../../src/testing/random.ts";

/** Returns sounds that begin at these times, in one. */
export function mixed(...parts: (readonly [atMs: number, pcm: PcmChunk])[]): PcmChunk {
  const length = Math.max(...parts.map(([atMs, { samples }]) => 16 * atMs + samples.length));
  const sum = new Int16Array(length);
  for (const [atMs, { samples }] of parts) {
    for (let n = 0; n < samples.length; n++) sum[16 * atMs + n]! += samples[n]!;
  }
  return new PcmChunk(sum, { sampleRate: 16_000 });
}

/** Returns the noise of a fan, so many decibels below the speech of `speechLike`. */
export function fan(ms: number, { belowSpeechDb = 30, seed = 1 } = {}): PcmChunk {
  const random = new Random(seed);
  const level = 9000 * 10 ** (-belowSpeechDb / 20);
  let low = 0;
  const samples = Int16Array.from({ length: 16 * ms }, () => {
    low += 0.2 * (random.between(-1, 1) - low);
    return 3 * level * low;
  });
  return new PcmChunk(samples, { sampleRate: 16_000 });
}

/** Returns music as it is played to a caller on hold: chords of half a second, never quite silent. */
export function holdMusic(ms: number, { amplitude = 3000, seed = 1 } = {}): PcmChunk {
  const random = new Random(seed);
  const samples = new Int16Array(16 * ms);
  for (let from = 0; from < samples.length; from += 8000) {
    const notes = [0, 4, 7].map((step) => 220 * 2 ** ((step + random.between(0, 12)) / 12));
    for (let n = from; n < Math.min(from + 8000, samples.length); n++) {
      const envelope = 0.3 + 0.7 * (1 - (n - from) / 8000);
      const sum = notes.reduce((all, hz) => all + Math.sin(2 * Math.PI * hz * n / 16_000), 0);
      samples[n] = amplitude / 3 * envelope * sum;
    }
  }
  return new PcmChunk(samples, { sampleRate: 16_000 });
}

/** Writes down an agent's turns and replies with their times. */
export class Heard {
  readonly turns: { atMs: number; text: string; userId: string; reason: string }[] = [];
  readonly replies: number[] = [];

  listen(agent: Agent): void {
    const { clock } = agent;
    agent.events.subscribe(TurnEndedEvent, ({ text, participant, reason }) => {
      this.turns.push({ atMs: clock.now(), text, userId: participant.userId, reason });
    });
    agent.events.subscribe(AgentSpeechStartedEvent, () => void this.replies.push(clock.now()));
  }
}

/** The words of a call and when they are said, in milliseconds, by user id. */
export type SpokenWords = Readonly<
  Record<string, readonly (readonly [atMs: number, word: string])[]>
>;

/**
 * A recogniser that understands the words whose sound it gets, by the time when they are said, and
 * nothing in other sound.
 */
export class WordSTT implements STT {
  readonly name = "word-stt";
  /** How many segments of sound it was asked about. */
  commits = 0;

  constructor(
    readonly clock: Clock,
    readonly words: SpokenWords,
    readonly options: { interim: boolean; delayMs: number },
  ) {}

  open({ speakerId }: { speakerId: string }): SttSession {
    const { clock, words, options: { interim, delayMs } } = this;
    const events = new Channel<SttEvent>();
    const left = [...words[speakerId] ?? []];
    let segment: string[] = [];
    let heardUntilMs = -Infinity;
    const later = (event: SttEvent) => clock.schedule(() => events.push(event), delayMs);
    const text = () => segment.join(" ");
    return {
      sendAudio: () => {
        const now = clock.now();
        // What is sent after a pause begins a moment before.
        const fromMs = now - heardUntilMs > 40 ? now - 600 : heardUntilMs;
        heardUntilMs = now;
        while (left[0] && left[0][0] <= now) {
          const [atMs, word] = left.shift()!;
          if (atMs < fromMs) continue;
          segment.push(word);
          if (interim) later({ type: "transcript", text: text(), final: false });
        }
      },
      commit: () => {
        this.commits++;
        later({ type: "transcript", text: text(), final: true });
        later({ type: "committed" });
        segment = [];
      },
      end: () => events.end(),
      [Symbol.asyncDispose]: () => Promise.resolve(events.end()),
      [Symbol.asyncIterator]: () => events[Symbol.asyncIterator](),
    };
  }
}

/** Returns a sentence's words, said from this time on, one each 300 ms. */
export function spoken(fromMs: number, sentence: string): [atMs: number, word: string][] {
  return sentence.split(" ").map((word, n) => [fromMs + 300 * (n + 1), word]);
}
