/** A speaker filter that names who is heard. @module */
import type { Participant } from "../../edge/types.ts";
import type { SpeakerFilter } from "./speaker_filter.ts";
import { shown } from "../../events/checks.ts";
import { promiseIn } from "../../events/user_code.ts";

/**
 * Returns a filter that passes only these participants, by user id or by a function, which is called
 * for each 20 ms and each text, and must return `true` or `false`, no promise. While it throws or returns anything
 * else it is dropped, and the agent reports that.
 *
 * It is about audio and text: see `SpeakerFilter` for what comes from all participants regardless. A user id
 * is as certain as the edge makes it: with `LocalEdge` that of an invitation is signed, and a guest
 * with the link alone has an id that no other has.
 *
 * @throws {TypeError} `who` is neither a list of user ids nor a function.
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
): SpeakerFilter {
  const isAllowed = typeof who === "function" ? who : isIn(who);
  const passes = (participant: Participant) => {
    const allowed: unknown = isAllowed(participant);
    if (typeof allowed === "boolean") return allowed;
    // A promise would count as a yes for a filter that combines others.
    promiseIn(allowed)?.catch(() => {});
    throw new TypeError(`allowList: expected true or false, got ${shown(allowed)}`);
  };
  return {
    passes: ({ participant }) => passes(participant),
    passesText: passes,
    participantLeft: () => {},
    trackUpdated: () => {},
  };
}

function isIn(who: Iterable<string>): (participant: Participant) => boolean {
  // A single string is iterable too: its letters.
  if (typeof who !== "object" || who === null || !(Symbol.iterator in who)) {
    throw new TypeError(
      `allowList: expected user ids, e.g. ["anna"], or a function, got ${shown(who)}`,
    );
  }
  const ids = new Set(who);
  for (const id of ids) {
    if (typeof id === "string" && id !== "") continue;
    throw new TypeError(`allowList: expected user ids, e.g. ["anna"], got ${shown(id)} among them`);
  }
  return ({ userId }) => ids.has(userId);
}
