/** What people have written in the chat of a room. @module */

/** How many texts are remembered: those of which the conversation has not said that it has them. */
const MOST = 64;

/**
 * The texts that people have written. The room has them: as transcriptions, LiveKit's front ends would
 * show them a second time.
 */
export class WrittenTexts {
  readonly #keys: string[] = [];

  /** Remembers a text of a participant. */
  add(participantId: string, text: string): void {
    this.#keys.push(keyOf(participantId, text));
    if (this.#keys.length > MOST) this.#keys.shift();
  }

  /** Returns whether the participant has written this text, and forgets it. */
  take(participantId: string, text: string): boolean {
    const at = this.#keys.indexOf(keyOf(participantId, text));
    if (at >= 0) this.#keys.splice(at, 1);
    return at >= 0;
  }
}

function keyOf(participantId: string, text: string): string {
  return JSON.stringify([participantId, text]);
}
