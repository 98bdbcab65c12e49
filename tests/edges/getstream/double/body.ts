/** A body of JSON that has not been checked: the double looks at what it needs of it. */
// deno-lint-ignore no-explicit-any
export type Body = Record<string, any>;
