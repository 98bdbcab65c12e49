/**
 * STUN and TURN servers, checked where they are given: WebRTC would throw only when the first
 * person comes, in another process.
 *
 * @module
 */
import * as v from "valibot";

/** A STUN or TURN server. */
export interface IceServer {
  /** E.g. `"stun:stun.example.org:3478"`. */
  urls: string | string[];
  /** For TURN. */
  username?: string;
  /** For TURN. */
  credential?: string;
}

const url = v.pipe(
  v.string("must be a text"),
  v.regex(
    /^(stuns?:[^\s?@/]+|turns?:[^\s?@/]+(\?transport=(udp|tcp))?)$/i,
    'must be like "stun:stun.example.org:3478" or "turn:turn.example.org?transport=udp"',
  ),
);

const secretText = v.optional(v.pipe(v.string("must be a text"), v.minLength(1, "is empty")));

/** A server as it must be given. */
export const iceServer = v.pipe(
  v.object({
    urls: v.union(
      [url, v.pipe(v.array(url), v.minLength(1))],
      'must be like "stun:stun.example.org:3478", or a list of such',
    ),
    username: secretText,
    credential: secretText,
  }, 'must be like { urls: "stun:stun.example.org:3478" }'),
  v.check(
    ({ urls, username, credential }) =>
      [urls].flat().every((one) => /^stun/i.test(one)) ||
      username !== undefined && credential !== undefined,
    "needs a username and a credential for TURN",
  ),
);

/**
 * Checks a list of servers.
 *
 * @throws {TypeError} which one is wrong and why, without its credential.
 */
export function checkIceServers(given: readonly IceServer[]): IceServer[] {
  if (!Array.isArray(given)) {
    throw new TypeError(`iceServers must be a list, got ${given === null ? "null" : typeof given}`);
  }
  return given.map((one, index) => {
    const result = v.safeParse(iceServer, one, { abortEarly: true });
    if (result.success) return result.output;
    const [issue] = result.issues;
    const path = v.getDotPath(issue);
    throw new TypeError(`iceServers[${index}]${path ? `.${path}` : ""} ${issue.message}`);
  });
}
