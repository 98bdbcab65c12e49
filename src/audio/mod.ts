/**
 * Audio samples: chunks, rings, resampling, mixing and WAV files. No calls, no I/O, no clock.
 *
 * @module
 */
export { concatenate } from "./concatenate.ts";
export { PcmChunk, type PcmFormat } from "./pcm_chunk.ts";
export {
  type AudioKernel,
  type KernelResampler,
  type KernelResamplerOptions,
  type KernelSpeechDetector,
  MAX_GAIN,
  MAX_MIX_ROWS,
} from "./kernel.ts";
export { rms } from "./level.ts";
export { Mixer, type MixerOptions } from "./mixer.ts";
export { Resampler, type ResamplerOptions } from "./resampler.ts";
export { RingBuffer, type RingBufferOptions, type RingWriteOptions } from "./ring_buffer.ts";
export { SampleFifo, type WhenFull } from "./sample_fifo.ts";
export { typescriptKernel } from "./typescript_kernel.ts";
export { decodeWav, readWav, readWavHeader, type WavHeader, wavHeader, writeWav } from "./wav.ts";
