/** The agent's track with sounds under its voice. @module */
import type { FlushResult, OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Clock } from "../../events/clock.ts";
import type { PlaybackReference } from "../echo/playback_reference.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { sleep } from "../../events/waiting.ts";
import { LoopedSound } from "./looped_sound.ts";

/** Sounds under the agent's voice: mono or stereo, of any rate, played again and again as they are. */
export interface BackgroundSounds {
  /** Is heard all the time, as of an office. */
  backgroundSound?: PcmChunk;
  /** Is heard while the agent is about to reply, or waits for a tool, as of a keyboard. */
  thinkingSound?: PcmChunk;
}

/** Options for a {@linkcode BackgroundTrack}. */
export interface BackgroundTrackInit extends BackgroundSounds {
  track: OutboundAudioTrack;
  clock: Clock;
  /** Called with all that is written, voice and sounds. */
  playback: Pick<PlaybackReference, "write">;
  /** Whether there are people to hear it. */
  isHeard: () => boolean;
  /** Whether the agent is about to reply. */
  isThinking: () => boolean;
}

/** The sounds are written so far ahead: the voice waits for no more than that. */
const AHEAD_MS = 60;
const STEP_MS = 20;
const RATE = 24_000;

/**
 * The agent's track, with sounds under its voice and between its speeches. Its positions and lengths
 * are those of the voice, as if there were nothing else.
 */
export class BackgroundTrack implements OutboundAudioTrack {
  readonly #init: BackgroundTrackInit;
  readonly #background: LoopedSound | undefined;
  readonly #thinking: LoopedSound | undefined;
  /** Where on the inner track sounds without a voice were written, in order. */
  #gaps: { readonly fromMs: number; readonly lastsMs: number }[] = [];
  /** Their sum before the oldest of them. */
  #gapsBeforeMs = 0;
  #timer: Disposable | undefined;
  #isFlushing = false;

  constructor(init: BackgroundTrackInit) {
    this.#init = init;
    if (init.backgroundSound) this.#background = new LoopedSound(init.backgroundSound);
    if (init.thinkingSound) this.#thinking = new LoopedSound(init.thinkingSound);
    this.#timer = init.clock.schedule(() => this.#fill(), STEP_MS);
  }

  get id(): string {
    return this.#init.track.id;
  }

  get mode(): OutboundAudioTrack["mode"] {
    return this.#init.track.mode;
  }

  get trimmedMs(): number {
    return this.#init.track.trimmedMs;
  }

  get epoch(): number {
    return this.#init.track.epoch;
  }

  get playedMs(): number {
    return this.#voiceMs(this.#init.track.playedMs);
  }

  get heardMs(): number {
    return this.#voiceMs(this.#init.track.heardMs);
  }

  get bufferedMs(): number {
    const { playedMs, bufferedMs } = this.#init.track;
    return Math.max(0, this.#voiceMs(playedMs + bufferedMs) - this.#voiceMs(playedMs));
  }

  async write(
    pcm: PcmChunk,
    { signal }: { final?: boolean; signal?: AbortSignal } = {},
  ): Promise<void> {
    // What follows is no other utterance for the track: the sounds go on.
    if (pcm.frames === 0) return;
    const mono = pcm.channels === 1 ? pcm.clone() : pcm.toMono();
    this.#addSounds(mono, false);
    this.#note(mono);
    await this.#init.track.write(mono, { signal });
  }

  async drain({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const { clock } = this.#init;
    // What resampling withholds comes with the sounds that follow.
    while (this.bufferedMs > 1) await sleep(STEP_MS, { clock, signal });
  }

  async flush(): Promise<FlushResult> {
    const { track } = this.#init;
    this.#isFlushing = true;
    try {
      const before = this.playedMs + this.bufferedMs;
      await track.flush();
      const { playedMs } = track;
      this.#gaps = this.#gaps.flatMap(({ fromMs, lastsMs }) =>
        fromMs < playedMs ? { fromMs, lastsMs: Math.min(lastsMs, playedMs - fromMs) } : []
      );
      return { playedMs: this.playedMs, discardedMs: Math.max(0, before - this.playedMs) };
    } finally {
      this.#isFlushing = false;
      // They were cut off with the voice, and come back slowly.
      this.#background?.cut();
      this.#thinking?.cut();
    }
  }

  pause(): void {
    this.#init.track.pause();
  }

  resume(): void {
    this.#init.track.resume();
  }

  /** Ends the sounds; the track itself is its owner's to close. Idempotent. */
  close(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  /** Writes the sounds where the voice writes nothing. */
  #fill(): void {
    const { track, clock, isHeard, isThinking } = this.#init;
    this.#timer = clock.schedule(() => this.#fill(), STEP_MS);
    if (this.#isFlushing || track.bufferedMs >= AHEAD_MS || !isHeard()) return;
    const thinking = isThinking();
    if (!this.#background && !thinking && !this.#thinking?.isAudible) return;
    const frames = RATE * 2 * STEP_MS / 1000;
    const pcm = new PcmChunk(new Int16Array(frames), { sampleRate: RATE });
    this.#addSounds(pcm, thinking);
    this.#gaps.push({ fromMs: track.playedMs + track.bufferedMs, lastsMs: pcm.durationMs });
    this.#note(pcm);
    // A failure is that of the track, which reports it.
    track.write(pcm).catch(() => {});
    this.#forget();
  }

  #addSounds({ samples, sampleRate }: PcmChunk, isThinking: boolean): void {
    this.#background?.addTo(samples, sampleRate, true);
    this.#thinking?.addTo(samples, sampleRate, isThinking);
  }

  #note(pcm: PcmChunk): void {
    const { track, playback } = this.#init;
    playback.write(pcm, track.playedMs + track.bufferedMs);
  }

  /** How much of the voice is before a place on the inner track. */
  #voiceMs(innerMs: number): number {
    let gapsMs = this.#gapsBeforeMs;
    for (const { fromMs, lastsMs } of this.#gaps) {
      if (fromMs >= innerMs) break;
      gapsMs += Math.min(lastsMs, innerMs - fromMs);
    }
    return innerMs - gapsMs;
  }

  /** Gaps that were heard need not be told apart. */
  #forget(): void {
    const { heardMs } = this.#init.track;
    while (this.#gaps.length > 1 && this.#gaps[0]!.fromMs + this.#gaps[0]!.lastsMs < heardMs) {
      this.#gapsBeforeMs += this.#gaps.shift()!.lastsMs;
    }
  }
}
