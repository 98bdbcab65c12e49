/** A body of JSON that has not been validated. */
// deno-lint-ignore no-explicit-any
export type Body = Record<string, any>;
