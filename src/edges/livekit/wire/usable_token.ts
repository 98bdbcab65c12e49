/** Whether a token is still worth a try. @module */
import { tokenEndsAt } from "@ringline/edge/toolkit";

/** A token that ends so soon is not used any more. */
const REST_MS = 10_000;

/** Whether a token is still worth a try at this time, in milliseconds since 1970. */
export function isUsable(token: string, epochMs: number): boolean {
  return tokenEndsAt(token) - epochMs >= REST_MS;
}
