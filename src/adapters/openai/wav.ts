import type { PcmChunk } from "../../audio/pcm_chunk.ts";

/** A WAV file of mono chunks of one rate. */
export function wavFile(chunks: readonly PcmChunk[], sampleRate: number): Blob {
  const length = chunks.reduce((sum, { samples }) => sum + samples.byteLength, 0);
  const header = new DataView(new ArrayBuffer(44));
  const text = (at: number, value: string) => {
    for (let n = 0; n < value.length; n++) header.setUint8(at + n, value.charCodeAt(n));
  };
  text(0, "RIFF");
  header.setUint32(4, 36 + length, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, sampleRate, true);
  header.setUint32(28, sampleRate * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, length, true);
  const parts = chunks.map(({ samples }) => new Int16Array(samples));
  return new Blob([header.buffer, ...parts], { type: "audio/wav" });
}
