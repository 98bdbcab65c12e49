/** Checks of arguments. They are repeated here because this folder imports nothing. @module */

/** Throws a TypeError unless `value` is an object. */
export function assertObject(value: unknown, name: string, expected: string): void {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`${name}: expected ${expected}, got ${value}`);
}

/** Throws a TypeError unless `options` is an object that has only options that there are. */
export function assertOptions(options: object, known: object, expected: string): void {
  assertObject(options, "options", expected);
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(known, option)) continue;
    const names = Object.keys(known).join(", ");
    throw new TypeError(`options: expected only ${names}, got ${JSON.stringify(option)}`);
  }
}

/** Throws a TypeError unless `value` is a kernel. */
export function assertKernel(value: unknown): void {
  const expected = "an AudioKernel, e.g. loadKernel()";
  assertObject(value, "kernel", expected);
  if (typeof (value as { createResampler?: unknown }).createResampler === "function") return;
  throw new TypeError(`kernel: expected ${expected}, got an object without createResampler`);
}
