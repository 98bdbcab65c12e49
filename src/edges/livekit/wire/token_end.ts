/** When a token expires. @module */

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
