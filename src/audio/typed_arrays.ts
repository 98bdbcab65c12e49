/** Checks of typed arrays that no object can deceive. @module */

/*
 * Types are not checked when a program runs, and an object can lie: `instanceof` is fooled by a
 * prototype, `length` by a property of one's own. Memory must not depend on that. These getters read
 * what the engine itself keeps of an array, know the arrays of other realms, and run no code but
 * their own, so that nothing can change between a check and the call that it is for.
 */
const intrinsic = Object.getPrototypeOf(Int16Array.prototype);
const tagOf = getter(Symbol.toStringTag);
const lengthOf = getter("length");
const bufferOf = getter("buffer");
const startOf = getter("byteOffset");
const bytesOf = getter("byteLength");
const set: typeof Int16Array.prototype.set = intrinsic.set;

/** The most elements of one array: the native library takes signed 32-bit counts. */
const MAX_LENGTH = 2 ** 31 - 1;

/**
 * Returns the number of samples of an array.
 *
 * @throws {TypeError} `value` is not an `Int16Array`, or its buffer is detached
 * @throws {RangeError} it has more than {@linkcode MAX_LENGTH}
 */
export function int16Length(value: Int16Array, what: string): number {
  return checkedLength(value, "Int16Array", what);
}

/** Returns the length of a `Float32Array`; throws as {@linkcode int16Length} does. */
export function float32Length(value: Float32Array, what: string): number {
  return checkedLength(value, "Float32Array", what);
}

/** Returns the length of a `Uint8Array`; throws as {@linkcode int16Length} does. */
export function uint8Length(value: Uint8Array, what: string): number {
  return checkedLength(value, "Uint8Array", what);
}

/** Returns the length of a `Uint8ClampedArray`; throws as {@linkcode int16Length} does. */
export function uint8ClampedLength(value: Uint8ClampedArray, what: string): number {
  return checkedLength(value, "Uint8ClampedArray", what);
}

function checkedLength(value: ArrayBufferView, tag: string, what: string): number {
  if (tagOf.call(value) !== tag) {
    throw new TypeError(`${what}: expected ${withArticle(tag)}, got ${describe(value)}`);
  }
  const length: number = lengthOf.call(value);
  if (length === 0) assertAttached(value, what);
  if (length > MAX_LENGTH) {
    throw new RangeError(`${what}: expected at most ${MAX_LENGTH} elements, got ${length}`);
  }
  return length;
}

/** Throws if an array is empty because its buffer is detached or has shrunk. */
function assertAttached(value: ArrayBufferView, what: string): void {
  try {
    intrinsic.indexOf.call(value, 0);
  } catch (cause) {
    throw new TypeError(
      `${what}: expected an array with memory, got one whose buffer is detached or too short now`,
      { cause },
    );
  }
}

/**
 * Throws a `RangeError` if two arrays, checked before, share memory. It cannot detect two
 * `SharedArrayBuffer` objects of the same memory; the native library sees addresses.
 */
export function assertApart(
  output: ArrayBufferView,
  what: string,
  input: ArrayBufferView,
  whatElse: string,
): void {
  if (bufferOf.call(output) !== bufferOf.call(input)) return;
  const start = Math.max(startOf.call(output), startOf.call(input));
  const outputEnd = startOf.call(output) + bytesOf.call(output);
  const inputEnd = startOf.call(input) + bytesOf.call(input);
  if (start < Math.min(outputEnd, inputEnd)) throw overlapError(what, whatElse);
}

/** Returns a view of the first `length` elements of an array, checked before. */
export function samplesHead(value: Int16Array, length: number): Int16Array {
  if (lengthOf.call(value) === length) return value;
  // Not subarray(): a subclass may override it.
  return new Int16Array(bufferOf.call(value), startOf.call(value), length);
}

/** Returns a view of the first `length` floats of an array, checked before. */
export function floatsHead(value: Float32Array, length: number): Float32Array {
  if (lengthOf.call(value) === length) return value;
  return new Float32Array(bufferOf.call(value), startOf.call(value), length);
}

/** Copies samples to `to`, checked before, even if a subclass overrides `set`. */
export function copySamples(from: Int16Array, to: Int16Array, offset: number): void {
  set.call(to, from, offset);
}

/** Returns the error of an output that overlaps an input. */
export function overlapError(what: string, whatElse: string): RangeError {
  return new RangeError(`${what}: expected memory of its own, got some that overlaps ${whatElse}`);
}

/** Returns the kind of a value, for an error: `a Uint8Array`, `an Object`, `a string`, `undefined`. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return withArticle(Object.prototype.toString.call(value).slice("[object ".length, -1));
}

function withArticle(name: string): string {
  return /^[AEIO]/.test(name) ? `an ${name}` : `a ${name}`;
}

// deno-lint-ignore no-explicit-any -- what a getter returns depends on its name
function getter(name: string | symbol): { call(value: unknown): any } {
  return Object.getOwnPropertyDescriptor(intrinsic, name)!.get!;
}
