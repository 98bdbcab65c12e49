/**
 * Opens the WebSocket between page and server. The server's `signalling.ts` defines the messages.
 *
 * @module
 */
import { RinglineError } from "./error.js";

/** The version of the protocol that this client uses. */
export const VERSION = 4;
/** Milliseconds that one attempt to connect may take. */
const CONNECT_MS = 5000;

/**
 * @param {string} origin the server's, as `http://` or `https://`
 * @returns {Promise<WebSocket>} open
 * @throws {RinglineError} `server-gone`
 */
export function openSocket(origin) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${origin.replace(/^http/, "ws")}/signal`);
    // On a network that drops packets the browser would wait for minutes.
    const timer = setTimeout(() => socket.close(), CONNECT_MS);
    socket.onopen = () => {
      clearTimeout(timer);
      resolve(socket);
    };
    socket.onclose = () => {
      clearTimeout(timer);
      reject(new RinglineError("server-gone"));
    };
  });
}
