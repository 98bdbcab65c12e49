/** LiveKit's numbers for calls of methods that fail. @module */

/** Why a call of a method failed, as LiveKit's clients know it. */
export const RPC_CODES = {
  /** The participant has no such method. */
  unsupportedMethod: 1400,
  /** There is no such participant. */
  recipientNotFound: 1401,
  /** The payload is too large. */
  requestTooLarge: 1402,
  /** The participant speaks another version of the protocol. */
  unsupportedVersion: 1404,
  /** The method failed, in a way that it does not explain. */
  applicationError: 1500,
  /** The participant did not confirm the call in time. */
  connectionTimeout: 1501,
  /** The method took too long. */
  responseTimeout: 1502,
  /** The participant left. */
  recipientDisconnected: 1503,
  /** The response is too large. */
  responseTooLarge: 1504,
  /** The call could not be sent. */
  sendFailed: 1505,
} as const;

/** The most of a payload, and of a response, in bytes of UTF-8. */
export const MAX_PAYLOAD_BYTES = 15_360;

/** Whether a payload is larger than participants take. */
export function isTooLarge(payload: string): boolean {
  return new TextEncoder().encode(payload).length > MAX_PAYLOAD_BYTES;
}
