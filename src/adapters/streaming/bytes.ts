/** The bytes of audio as services take them. @module */

/** Returns samples as base64, in which services take them within JSON. */
export function base64Of({ buffer, byteOffset, byteLength }: Int16Array): string {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).toBase64();
}

/** Returns the bytes of samples, which the caller may go on to change. */
export function bytesOf({ buffer, byteOffset, byteLength }: Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}
