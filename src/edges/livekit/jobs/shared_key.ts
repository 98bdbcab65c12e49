/** What identifies a job among all workers. @module */
import type { JobOffer } from "@ringline/edge/toolkit";

/**
 * Returns what identifies a job among all workers: its dispatch, and the person that it is for. The
 * server's own id is another each time that it asks.
 */
export function sharedKeyOf({ id, original }: JobOffer): string {
  const { dispatchId, participant } = original as Partial<SharedParts> ?? {};
  if (!dispatchId) return id;
  return participant ? `${dispatchId}/${participant.sid}` : dispatchId;
}

/** What identifies a job in the server's description of it. */
interface SharedParts {
  readonly dispatchId: string;
  readonly participant?: { readonly sid: string };
}
