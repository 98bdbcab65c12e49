/** What names a call among the calls of an edge. @module */

/** Returns the key of a call. */
export function callKey(call: { readonly type: string; readonly id: string }): string {
  return JSON.stringify([call.type, call.id]);
}

/** Returns the call's name in a key. */
export function callName(key: string): { type: string; id: string } {
  const [type, id] = JSON.parse(key);
  return { type, id };
}
