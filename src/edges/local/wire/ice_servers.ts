/**
 * STUN and TURN servers, checked where a program passes them: WebRTC would throw only when the first
 * person joins, in another process.
 *
 * @module
 */
import * as v from "valibot";
import type { RtcIceServer } from "../../../media/wire/ice.ts";

/** A STUN or TURN server, e.g. `{ urls: "stun:stun.example.org:3478" }`. */
export type IceServer = RtcIceServer;

const url = v.pipe(
  v.string("expected a string"),
  v.regex(
    /^(stuns?:[^\s?@/]+|turns?:[^\s?@/]+(\?transport=(udp|tcp))?)$/i,
    'expected one like "stun:stun.example.org:3478" or "turn:turn.example.org?transport=udp"',
  ),
);

const secretText = v.optional(
  v.pipe(v.string("expected a string"), v.minLength(1, "expected a text, got an empty one")),
);

/** The schema of a server. */
export const iceServer = v.pipe(
  v.object({
    urls: v.union(
      [url, v.pipe(v.array(url), v.minLength(1))],
      'expected one like "stun:stun.example.org:3478", or a list of such URLs',
    ),
    username: secretText,
    credential: secretText,
  }, 'expected one like { urls: "stun:stun.example.org:3478" }'),
  v.check(
    ({ urls, username, credential }) =>
      [urls].flat().every((one) => /^stun/i.test(one)) ||
      username !== undefined && credential !== undefined,
    "expected a username and a credential for TURN",
  ),
);

/**
 * Returns the servers, checked.
 *
 * @throws {TypeError} one is wrong; the message says which and why, without its credential.
 */
export function checkIceServers(given: readonly IceServer[]): IceServer[] {
  if (!Array.isArray(given)) {
    throw new TypeError(
      `iceServers: expected a list, got ${given === null ? "null" : typeof given}`,
    );
  }
  return given.map((one, index) => {
    const result = v.safeParse(iceServer, one, { abortEarly: true });
    if (result.success) return result.output;
    const [issue] = result.issues;
    const path = v.getDotPath(issue);
    throw new TypeError(`iceServers[${index}]${path ? `.${path}` : ""}: ${issue.message}`);
  });
}
