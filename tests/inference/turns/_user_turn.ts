/** Turns of a participant, for the tests of turn taking. */
import type { Participant } from "../../../src/edge/types.ts";
import { UserTurn } from "../../../src/inference/turns/user_turn.ts";

/** Returns a turn of a participant of this id that began at this time, with this text. */
export function userTurn(
  id: string,
  { firstSoundMs = 0, text = "", hasInterimText = false } = {},
): UserTurn {
  const turn = new UserTurn({ id, userId: id } as Participant, firstSoundMs);
  if (text !== "") addText(turn, text, { hasInterimText });
  return turn;
}

/** Adds a final text to a turn. */
export function addText(turn: UserTurn, text: string, { hasInterimText = false } = {}): void {
  turn.addText({ text, final: true });
  turn.hasInterimText ||= hasInterimText;
}
