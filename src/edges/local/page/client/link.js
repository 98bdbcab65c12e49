/**
 * Links to calls: their parts, and a link to a new call.
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
    ...(type && id ? { callType: decoded(type), callId: decoded(id) } : {}),
  };
}

/** A name in a path; a broken one is left as it is, and the server knows no such call. */
function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * Starts a new call on a server with a start page.
 *
 * @param {string | URL} link the start page's address, its secret included
 * @returns {Promise<string>} the link to the call
 * @throws {RinglineError} the server rejects the request, or cannot be reached
 */
export async function startCall(link) {
  const { origin, secret } = parseLink(link);
  const socket = await openSocket(origin);
  try {
    socket.send(JSON.stringify({ type: "start", version: VERSION, secret }));
    const response = await nextMessage(socket);
    if (response.type !== "started") throw new RinglineError(response.code, response.message);
    const path = [response.callType, response.callId].map(encodeURIComponent).join("/");
    // The call may be on a server of its own.
    return `${response.origin ?? origin}/call/${path}#${response.secret}`;
  } finally {
    socket.close(1000);
  }
}

/**
 * Asks who is in a call, without joining it.
 *
 * @param {string | URL} link the call's link
 * @returns {Promise<{ participants: import("../client.js").Participant[] }>}
 * @throws {RinglineError} the server rejects the link, or cannot be reached
 */
export async function findCall(link) {
  const { origin, callType, callId, secret } = parseLink(link);
  if (!callId || !secret) throw new RinglineError("wrong-link");
  const socket = await openSocket(origin);
  try {
    socket.send(JSON.stringify({ type: "look", version: VERSION, callType, callId, secret }));
    const response = await nextMessage(socket);
    if (response.type !== "call") throw new RinglineError(response.code, response.message);
    return { participants: response.participants };
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
