/** What a token (JWT) says, unverified: it is the service that verifies it. @module */

/** Returns the claims of a token, unverified; `undefined` for a text that is none. */
export function tokenClaims(token: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const bytes = Uint8Array.fromBase64(token.split(".")[1] ?? "", { alphabet: "base64url" });
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}

/** Returns when a token expires, in milliseconds since 1970; `Infinity` if never, or if it is none. */
export function tokenEndsAt(token: string): number {
  const end = tokenClaims(token)?.["exp"];
  return typeof end === "number" ? end * 1000 : Infinity;
}
