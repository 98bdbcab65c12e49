/** The bytes of audio as services take them. @module */

/** Returns the bytes of samples, which the caller may go on to change. */
export function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}
