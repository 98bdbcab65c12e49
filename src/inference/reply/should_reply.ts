/** What decides whether the agent replies to a turn. @module */
import type { Participant } from "../../edge/types.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { UserTurnLimitOptions } from "../turns/user_turn_limit.ts";
import type { TurnEndReason } from "../turns/user_turn_observer.ts";
import { isBoolean, UserHook } from "../../events/user_code.ts";

/** The hooks of the application that decide. */
export interface ShouldReplyOptions {
  shouldReply?: (turn: SaidTurn) => boolean;
  userTurnLimit?: UserTurnLimitOptions;
}

/** Returns what decides whether a turn is replied to: the application's hook, or always. */
export function shouldReplyTo(
  options: ShouldReplyOptions,
  { clock, report }: Pick<PipelineContext, "clock" | "report">,
): (turn: SaidTurn, reason?: TurnEndReason) => boolean {
  const { onExceeded } = options.userTurnLimit ?? {};
  const exceeded = onExceeded && new UserHook<SaidTurn>((turn) => onExceeded(turn), {
    clock,
    report,
    context: "turnHandling.userTurnLimit.onExceeded",
  });
  const hook = options.shouldReply && new UserHook<SaidTurn>((turn) => options.shouldReply!(turn), {
    clock,
    report,
    context: "turnHandling.shouldReply; the turn gets no reply",
  });
  return ({ participant, text }, reason) => {
    const turn = { participant, text };
    if (reason === "limit" && exceeded) {
      // Later, when the conversation has the turn.
      clock.schedule(() => void exceeded.run(turn), 0);
      return false;
    }
    return hook ? hook.ask(turn, undefined, isBoolean) ?? false : true;
  };
}

/** A turn as the application is asked about it. */
export interface SaidTurn {
  readonly participant: Participant;
  readonly text: string;
}
