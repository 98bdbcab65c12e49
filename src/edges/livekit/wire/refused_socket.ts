/** How sockets to a server carry their token, and why the server refused one. @module */
import { type Clock, rejectionError, waitFor } from "@ringline/edge/toolkit";

/** Opens a socket. The token stands in a header: an address may be logged on its way. */
export function authorizedSocket(url: string, token: string): WebSocket {
  return new WebSocket(url, { headers: { Authorization: `Bearer ${token}` } });
}

/** What {@linkcode reasonOfRefusal} asks with. */
export interface RefusalQuestion {
  /** What was refused, e.g. `joining the room`. */
  doing: string;
  token: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
  clock: Clock;
  fetch: typeof fetch | undefined;
  /** Returns the error for the server's response. */
  explain(response: { ok: boolean; status: number; message: string }): unknown;
}

/** Asks the server for the reason of a refusal, of which a socket says nothing. Never rejects. */
export async function reasonOfRefusal(
  address: string,
  question: RefusalQuestion,
): Promise<unknown> {
  const { doing, token, timeoutMs, signal, clock, fetch: ask = fetch, explain } = question;
  const stop = new AbortController();
  const wait = { timeoutMs, signal, clock };
  try {
    const asked = ask(address, {
      headers: { Authorization: `Bearer ${token}` },
      signal: stop.signal,
    });
    const response = await waitFor(asked, doing, wait);
    const message = await waitFor(response.text(), doing, wait);
    return explain({ ok: response.ok, status: response.status, message });
  } catch {
    return signal?.aborted
      ? signal.reason
      : rejectionError(`${doing}: no server responds at ${new URL(address).origin}`, {});
  } finally {
    stop.abort();
  }
}
