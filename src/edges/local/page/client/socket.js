/**
 * Opens the WebSocket that page and server talk over. What they say is in `signalling.ts` on the
 * server's side.
 *
 * @module
 */
import { RinglineError } from "./error.js";

/** The protocol that this client speaks. */
export const VERSION = 1;
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
    // A network that swallows packets would say nothing for minutes.
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
