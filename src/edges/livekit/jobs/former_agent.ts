/**
 * Agents that have come back into a room whose node was lost: the node that has it now knows nothing of its
 * dispatches, and wants an agent once more.
 *
 * @module
 */
import type { ParticipantInfo, ParticipantInfo_Kind } from "@livekit/protocol";
import type { DispatchService } from "../service/dispatch_service.ts";

/** The attribute of an agent without a name that says by which dispatch the server wanted it. */
export const DISPATCH_ATTRIBUTE = "ringline.dispatch_id";
/** Not read from LiveKit's messages, which only workers load. */
const AGENT: ParticipantInfo_Kind.AGENT = 4;

/** Whether the agent that a dispatch wants in a room is there, by a dispatch that the server has lost. */
export async function hasFormerAgent(
  dispatches: Pick<DispatchService, "list" | "participants">,
  { room, dispatchId }: { room: string; dispatchId: string },
): Promise<boolean> {
  const others = (await dispatches.participants(room)).flatMap((one: ParticipantInfo) => {
    const id = one.attributes[DISPATCH_ATTRIBUTE] ?? "";
    return one.kind === AGENT && id !== "" && id !== dispatchId ? [id] : [];
  });
  if (others.length === 0) return false;
  const known = new Set((await dispatches.list(room)).map(({ id }) => id));
  return known.has(dispatchId) && others.some((id) => !known.has(id));
}
