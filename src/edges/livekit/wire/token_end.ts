/** When a token expires. @module */

/** A token that ends so soon is not used any more. */
const REST_MS = 10_000;

/** Whether a token is still worth a try at this time, in milliseconds since 1970. */
export function isUsable(token: string, epochMs: number): boolean {
  return tokenEndsAt(token) - epochMs >= REST_MS;
}

/** Returns when a token expires, in milliseconds since 1970; `Infinity` if never, or if it is none. */
export function tokenEndsAt(token: string): number {
  try {
    const bytes = Uint8Array.fromBase64(token.split(".")[1] ?? "", { alphabet: "base64url" });
    const { exp } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof exp === "number" ? exp * 1000 : Infinity;
  } catch {
    return Infinity;
  }
}
