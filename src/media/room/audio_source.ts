/** A participant's audio on its way into the room. @module */
import type { AudioKernel } from "../../audio/kernel.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { Resampler } from "../../audio/resampler.ts";
import type { RtcAudioData } from "../webrtc/rtc_types.ts";
import { ROOM_RATE, TICK_SAMPLES } from "../wire/time.ts";
import { LiveChannel } from "./live_channel.ts";

/** Frames that may wait between a sink and its tick: 100 ms, after a stall. */
export const KEPT_FRAMES = 10;

/**
 * One participant's track on its way into the room: converts 10 ms frames of any rate to the room's
 * format, each with the number of its tick. The waiting frames absorb the jitter between the
 * sinks, and short stalls; excess frames are counted and lost to the mix.
 */
export class AudioSource {
  readonly memberId: string;
  readonly trackId: string;
  /** The latest converted frame. */
  readonly latest = new Int16Array(TICK_SAMPLES);
  muted: boolean;
  /** The loudest sample since `peak` was reset. */
  peak = 0;
  /** Frames that arrived when the ring was full. */
  excessFrames = 0;

  readonly #kernel: AudioKernel;
  readonly #frames = Array.from({ length: KEPT_FRAMES }, () => new Int16Array(TICK_SAMPLES));
  readonly #numbers = new Float64Array(KEPT_FRAMES).fill(-1);
  readonly #stereo = new LiveChannel();
  #resampler: Resampler | undefined;
  /** Samples left over from a change of rate, for the next frame. */
  readonly #carry = new Int16Array(TICK_SAMPLES * 2);
  #carried = 0;
  #scratch = new Int16Array(TICK_SAMPLES * 4);
  #taken = -1;

  constructor(
    init: { memberId: string; trackId: string; kernel: AudioKernel; muted: boolean },
  ) {
    this.memberId = init.memberId;
    this.trackId = init.trackId;
    this.muted = init.muted;
    this.#kernel = init.kernel;
  }

  /** Converts the sink's data to a frame in `latest`. */
  convert(data: RtcAudioData): void {
    const channels = data.channelCount ?? 1;
    if (
      data.sampleRate === ROOM_RATE && channels === 1 && this.#resampler === undefined &&
      data.samples.length === TICK_SAMPLES
    ) {
      this.latest.set(data.samples);
      return;
    }
    const samples = channels === 2 ? this.#stereo.process(data.samples) : data.samples;
    const chunk = new PcmChunk(samples, {
      sampleRate: data.sampleRate,
      channels: channels === 2 ? 1 : channels,
    });
    this.#resampler ??= new Resampler(this.#kernel, {
      inputRate: data.sampleRate,
      outputRate: ROOM_RATE,
    });
    const room = this.#resampler.maxOutputFrames(chunk.frames, data.sampleRate);
    if (this.#scratch.length < room) this.#scratch = new Int16Array(room);
    const made = this.#resampler.process(chunk, this.#scratch);
    this.#fit(made);
  }

  /** Keeps `latest` for the tick `number`. */
  keep(number: number): void {
    const index = number % KEPT_FRAMES;
    if (this.#numbers[index]! > this.#taken) this.excessFrames++;
    this.#frames[index]!.set(this.latest);
    this.#numbers[index] = number;
  }

  /** Returns the frame of a tick, if it has arrived; valid until the next frame. */
  take(number: number): Int16Array | undefined {
    const index = number % KEPT_FRAMES;
    this.#taken = Math.max(this.#taken, number);
    return this.#numbers[index] === number ? this.#frames[index] : undefined;
  }

  [Symbol.dispose](): void {
    this.#resampler?.[Symbol.dispose]();
    this.#resampler = undefined;
  }

  /** Turns each input frame into exactly one output frame, whatever the resampler's block size. */
  #fit(made: number): void {
    const { latest } = this;
    let filled = Math.min(this.#carried, TICK_SAMPLES);
    latest.set(this.#carry.subarray(0, filled));
    this.#carry.copyWithin(0, filled, this.#carried);
    this.#carried -= filled;
    const direct = Math.min(made, TICK_SAMPLES - filled);
    latest.set(this.#scratch.subarray(0, direct), filled);
    filled += direct;
    latest.fill(0, filled);
    const rest = Math.min(made - direct, this.#carry.length - this.#carried);
    this.#carry.set(this.#scratch.subarray(direct, direct + rest), this.#carried);
    this.#carried += rest;
  }
}
