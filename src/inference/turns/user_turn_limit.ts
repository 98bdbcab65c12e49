/** The option `turnHandling.userTurnLimit`. @module */
import type { Participant } from "../../edge/types.ts";

/**
 * Options for how much a participant may say in one turn. A turn that exceeds a limit ends, though they
 * go on speaking; what they say then is another turn.
 */
export interface UserTurnLimitOptions {
  /** How long a turn may last, from its first sound: at least 1000 milliseconds. Default: no limit. */
  maxDurationMs?: number;
  /** How many words a turn may have, as far as the recogniser has returned them. Default: no limit. */
  maxWords?: number;
  /**
   * Called when a turn has exceeded a limit and is in the conversation; it may reply, by `agent.say` or
   * `agent.generateReply`. Default: the agent replies to it as to any other turn.
   */
  onExceeded?: (
    turn: { readonly participant: Participant; readonly text: string },
  ) => void | Promise<void>;
}
