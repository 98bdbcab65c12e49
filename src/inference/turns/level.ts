/** The root mean square of samples, 0 to 1. */
export function levelOf(samples: Int16Array): number {
  if (samples.length === 0) return 0;
  let sum = 0;
  for (let index = 0; index < samples.length; index++) sum += samples[index]! * samples[index]!;
  return Math.sqrt(sum / samples.length) / 32_768;
}
