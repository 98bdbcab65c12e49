import type { Participant } from "../../edge/types.ts";
import type { ChatMessage } from "../contracts/messages.ts";

/** What somebody said, or the application where there is no participant, as models are told it. */
export function userMessage(
  text: string,
  participant: Participant | undefined,
): Extract<ChatMessage, { role: "user" }> {
  const name = participant && (participant.name || participant.userId);
  return name ? { role: "user", text, name } : { role: "user", text };
}
