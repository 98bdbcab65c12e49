import type { Participant } from "../../edge/types.ts";
import type { SpeakerPolicy } from "./speaker_policy.ts";

/**
 * Only these people are heard, by user id or by what a function says of them.
 *
 * @example
 * ```ts
 * import { allowList } from "@ringline/edge";
 *
 * const speakerFilter = allowList(["anna", "bob"]);
 * console.log(typeof speakerFilter.passes); // function
 * ```
 */
export function allowList(
  who: Iterable<string> | ((participant: Participant) => boolean),
): SpeakerPolicy {
  const ids = typeof who === "function" ? undefined : new Set(who);
  const isAllowed = typeof who === "function"
    ? who
    : (participant: Participant) => ids!.has(participant.userId);
  return {
    passes: ({ participant }) => isAllowed(participant),
    participantLeft: () => {},
    trackUpdated: () => {},
  };
}
