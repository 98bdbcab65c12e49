/** Whether there is sound in audio that a double was sent. */

/** Whether there is sound in 16-bit samples. */
export function isLoud(bytes: Uint8Array): boolean {
  const samples = new Int16Array(new Uint8Array(bytes).buffer);
  return samples.some((sample) => Math.abs(sample) > 1500);
}
