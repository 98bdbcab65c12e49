/**
 * Who is how loud: told to pages while anybody is heard, and remembered for who spoke last.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";
import type { BrowserParticipant } from "./browser_participant.ts";
import type { RoomAudio } from "./room_media.ts";

/** How often pages are told who is how loud. */
const LEVELS_MS = 100;
/** What is quieter is nothing to a page. */
const AUDIBLE = 0.003;

/** What the levels are taken from, and who is told of them. */
export interface AudioLevelsInit {
  audio: Pick<RoomAudio, "levels">;
  clock: Clock;
  people: ReadonlyMap<string, BrowserParticipant>;
  /** Somebody speaks who had been silent. */
  onSpeaker(): void;
}

/** The levels of a room, while people are in it. */
export class AudioLevels implements Disposable {
  readonly #init: AudioLevelsInit;
  #timer: Disposable | undefined;
  #wasQuiet = true;

  constructor(init: AudioLevelsInit) {
    this.#init = init;
  }

  /** Begins, if it has not. */
  start(): void {
    this.#timer ??= this.#init.clock.schedule(() => {
      this.#timer = undefined;
      // Again first: whoever is told may be the last to go, which stops this.
      if (this.#init.people.size > 0) this.start();
      this.#tell();
    }, LEVELS_MS);
  }

  /** Stops. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #tell(): void {
    const { audio, clock, people, onSpeaker } = this.#init;
    const levels: Record<string, number> = {};
    let quiet = true;
    let speakersChanged = false;
    const now = clock.now();
    for (const { memberId, level, speaking } of audio.levels()) {
      if (level > AUDIBLE) {
        levels[memberId] = Math.round(level * 1000) / 1000;
        quiet = false;
      }
      if (!speaking) continue;
      const speaker = people.get(memberId);
      if (!speaker) continue;
      // Somebody who goes on speaking changes nothing.
      speakersChanged ||= now - speaker.spokeAt > 1000;
      speaker.spokeAt = now;
    }
    if (!quiet || !this.#wasQuiet) {
      for (const person of people.values()) {
        person.send({ type: "levels", levels }, { optional: true });
      }
    }
    this.#wasQuiet = quiet;
    if (speakersChanged) onSpeaker();
  }
}
