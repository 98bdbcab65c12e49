/**
 * Links to calls: what they hold, and how to get one to a new call.
 *
 * @module
 */
import { RinglineError } from "./error.js";
import { openSocket, VERSION } from "./socket.js";

/**
 * Splits a link to a call, or to a start page, into its parts.
 *
 * @param {string | URL} link
 * @returns {{ origin: string, secret: string, callType?: string, callId?: string }}
 */
export function parseLink(link) {
  const url = new URL(link);
  const [, type, id] = /^\/call\/([^/]+)\/([^/]+)$/.exec(url.pathname) ?? [];
  return {
    origin: url.origin,
    secret: url.hash.slice(1),
    ...(type && id ? { callType: decodeURIComponent(type), callId: decodeURIComponent(id) } : {}),
  };
}

/**
 * Asks a server that serves them for a new call.
 *
 * @param {string | URL} link the start page's address, its secret included
 * @returns {Promise<string>} the link to the call
 * @throws {RinglineError} the server refuses, or cannot be reached
 */
export async function startCall(link) {
  const { origin, secret } = parseLink(link);
  const socket = await openSocket(origin);
  try {
    socket.send(JSON.stringify({ type: "start", version: VERSION, secret }));
    const answer = await nextMessage(socket);
    if (answer.type !== "started") throw new RinglineError(answer.code, answer.message);
    const path = [answer.callType, answer.callId].map(encodeURIComponent).join("/");
    return `${origin}/call/${path}#${answer.secret}`;
  } finally {
    socket.close(1000);
  }
}

function nextMessage(socket) {
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(JSON.parse(data));
    socket.onclose = () => reject(new RinglineError("server-gone"));
  });
}
