/** JSON web tokens (HS256) for the double. @module */

/** The claims of a token. */
export interface Claims {
  server?: boolean;
  user_id?: string;
  exp?: number;
  iat?: number;
  [name: string]: unknown;
}

const encoder = new TextEncoder();
const BASE64 = { alphabet: "base64url", omitPadding: true } as const;

function key(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey(
    "raw",
    encoder.encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
}

export async function signToken(claims: Claims, secret: string): Promise<string> {
  const part = (value: unknown) => encoder.encode(JSON.stringify(value)).toBase64(BASE64);
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  const signature = await crypto.subtle.sign("HMAC", await key(secret), encoder.encode(text));
  return `${text}.${new Uint8Array(signature).toBase64(BASE64)}`;
}

export type Checked =
  | { claims: Claims }
  | { fault: "malformed" | "signature" | "expired" | "not-yet" };

export async function checkToken(token: string, secret: string): Promise<Checked> {
  const [head, body, signature, ...rest] = token.split(".");
  try {
    if (!head || !body || !signature || rest.length > 0) return { fault: "malformed" };
    const read = (part: string) =>
      JSON.parse(
        new TextDecoder().decode(Uint8Array.fromBase64(part, { alphabet: "base64url" })),
      );
    if (read(head).alg !== "HS256") return { fault: "malformed" };
    const isRight = await crypto.subtle.verify(
      "HMAC",
      await key(secret),
      Uint8Array.fromBase64(signature, { alphabet: "base64url" }),
      encoder.encode(`${head}.${body}`),
    );
    if (!isRight) return { fault: "signature" };
    const claims: Claims = read(body);
    const now = Date.now() / 1000;
    if (claims.exp !== undefined && claims.exp <= now) return { fault: "expired" };
    if (claims.iat !== undefined && claims.iat > now + 5) return { fault: "not-yet" };
    return { claims };
  } catch {
    return { fault: "malformed" };
  }
}
