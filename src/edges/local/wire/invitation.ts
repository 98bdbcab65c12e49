/**
 * Invitations: signed tokens (JWT, HS256) that say who a participant is and what they may do. The edge
 * creates them, and so does any backend that has the edge's secret.
 *
 * @module
 */
import { compactVerify, decodeJwt, errors, jwtVerify, SignJWT } from "jose";
import * as v from "valibot";
import type { Grants } from "./grants.ts";
import { Rejection } from "./rejection.ts";
import { line } from "./line.ts";

/** A checked invitation. */
export interface Invitation {
  /** Identifies it, to revoke it. */
  id: string;
  user: { id: string; name: string };
  grants: Grants;
  /** Whether it admits no new participant any more. */
  expired: boolean;
}

/** The contents of a new invitation. */
export interface InvitationInit {
  callType: string;
  callId: string;
  user: { readonly id: string; readonly name?: string };
  grants: Partial<Grants>;
  /** Milliseconds since 1970. */
  issuedAtMs: number;
  expiresAtMs: number;
}

const DEFAULT_TYPE = "default";

/** The claims, as in docs/production.md. */
const claims = v.object({
  sub: v.pipe(line(100), v.trim(), v.minLength(1)),
  name: v.optional(v.pipe(line(60), v.trim()), ""),
  call: v.string(),
  callType: v.optional(v.string(), DEFAULT_TYPE),
  grants: v.optional(
    v.pipe(
      v.custom<object>((value) => typeof value === "object" && !Array.isArray(value)),
      v.strictObject({
        publish: v.optional(v.boolean(), true),
        subscribe: v.optional(v.boolean(), true),
        sendEvents: v.optional(v.boolean(), true),
      }),
    ),
    {},
  ),
});

/** Returns whether a link's fragment is an invitation, and not a call's secret. */
export function isInvitation(fragment: string): boolean {
  return fragment.includes(".");
}

/** Creates a token. */
export async function signInvitation(secret: string, init: InvitationInit): Promise<string> {
  const { callType, callId, user, grants } = init;
  if (Array.isArray(grants)) throw new TypeError("grants: expected an object, got a list");
  const wrong = v.safeParse(claims, claimsOf(init));
  if (!wrong.success) {
    const [issue] = wrong.issues;
    const path = v.getDotPath(issue) ?? "";
    const name = path === "sub" ? "user.id" : path === "name" ? "user.name" : path;
    throw new TypeError(`${name}: ${issue.message}`);
  }
  return await new SignJWT(claimsOf({ callType, callId, user, grants }))
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(new Date(init.issuedAtMs))
    .setExpirationTime(new Date(init.expiresAtMs))
    // Two invitations of one user are two: each is revoked alone.
    .setJti(crypto.randomUUID())
    .sign(keyOf(secret));
}

function claimsOf(
  { callType, callId, user, grants }: Omit<InvitationInit, "issuedAtMs" | "expiresAtMs">,
) {
  return {
    sub: user.id,
    ...(user.name ? { name: user.name } : {}),
    call: callId,
    ...(callType === DEFAULT_TYPE ? {} : { callType }),
    ...(Object.keys(grants).length > 0 ? { grants } : {}),
  };
}

/** Checks a token for a call; throws a `Rejection`, whose detail says why. */
export async function readInvitation(
  token: string,
  secret: string,
  { callType, callId, nowMs }: { callType: string; callId: string; nowMs: number },
): Promise<Invitation> {
  let payload: unknown;
  let expired = false;
  try {
    ({ payload } = await jwtVerify(token, keyOf(secret), {
      algorithms: ["HS256"],
      requiredClaims: ["sub", "exp"],
      currentDate: new Date(nowMs),
    }));
  } catch (error) {
    if (!(error instanceof errors.JWTExpired)) {
      throw new Rejection(
        "wrong-link",
        `the invitation does not hold: ${(error as Error).message}`,
      );
    }
    // Its signature has been verified.
    ({ payload } = error);
    expired = true;
  }
  const result = v.safeParse(claims, payload);
  if (!result.success) {
    const [issue] = result.issues;
    throw new Rejection(
      "wrong-link",
      `the invitation's claim ${v.getDotPath(issue)} is wrong: ${issue.message}`,
    );
  }
  const { sub, name, grants } = result.output;
  if (result.output.call !== callId || result.output.callType !== callType) {
    throw new Rejection("wrong-link", "the invitation is for another call");
  }
  return { id: invitationId(token), user: { id: sub, name }, grants, expired };
}

/** Returns what identifies a token: its signature, in one spelling. */
export function invitationId(token: string): string {
  const signature = token.slice(token.lastIndexOf(".") + 1);
  return Uint8Array.fromBase64(signature, { alphabet: "base64url" }).toHex();
}

/** Returns whether a token was signed with this secret; throws when it is malformed. */
export async function isSignedWith(token: string, secret: string): Promise<boolean> {
  try {
    await compactVerify(token, keyOf(secret), { algorithms: ["HS256"] });
    return true;
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return false;
    throw error;
  }
}

/** Returns when a token expires, in milliseconds since 1970; throws when it does not say. */
export function expiryOf(token: string): number {
  const { exp } = decodeJwt(token);
  if (exp === undefined) throw new TypeError("it has no time at which it expires");
  return exp * 1000;
}

function keyOf(secret: string): Uint8Array {
  return new TextEncoder().encode(secret);
}
