/** Who a participant is, by what a server says of them. @module */
import { type ParticipantInfo, ParticipantInfo_Kind } from "@livekit/protocol";
import { USER_ATTRIBUTE } from "./user_attribute.ts";

/** The longest id of a user. */
const MAX_ID = 256;

/**
 * Returns the id of a participant's user: their identity, or what their token says. Those who may write
 * their own attributes could name any user; agents may, and have their tokens from this edge.
 */
export function userIdOf({ identity, attributes, permission, kind }: ParticipantInfo): string {
  const isTheirs = permission?.canUpdateMetadata && kind !== ParticipantInfo_Kind.AGENT;
  const id = attributes[USER_ATTRIBUTE] ?? "";
  return isTheirs || id === "" || id.length > MAX_ID ? identity : id;
}
