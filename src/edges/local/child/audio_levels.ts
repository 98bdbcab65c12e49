/**
 * Audio levels of a room: sent to pages while any participant is audible, and kept for who spoke last.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";
import type { BrowserParticipant } from "./browser_participant.ts";
import type { RoomAudio } from "./room_media.ts";

/** Milliseconds between messages to the pages. */
const LEVELS_MS = 100;
/** Pages receive no level below this. */
const AUDIBLE = 0.003;

/** The mixer that measures the levels, and the participants who receive them. */
export interface AudioLevelsInit {
  audio: Pick<RoomAudio, "levels">;
  clock: Clock;
  participants: ReadonlyMap<string, BrowserParticipant>;
  /** A participant who was silent speaks. */
  onSpeaker(): void;
}

/** Sends the levels of a room while participants are in it. */
export class AudioLevels implements Disposable {
  readonly #init: AudioLevelsInit;
  #timer: Disposable | undefined;
  #wasQuiet = true;

  constructor(init: AudioLevelsInit) {
    this.#init = init;
  }

  /** Starts, unless it runs. */
  start(): void {
    this.#timer ??= this.#init.clock.schedule(() => {
      this.#timer = undefined;
      // Schedules first: sending may end with the last participant leaving, which stops this.
      if (this.#init.participants.size > 0) this.start();
      this.#send();
    }, LEVELS_MS);
  }

  /** Stops. */
  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #send(): void {
    const { audio, clock, participants, onSpeaker } = this.#init;
    const levels: Record<string, number> = {};
    let quiet = true;
    let speakersChanged = false;
    const now = clock.now();
    for (const { memberId, level, speaking, isScreen } of audio.levels()) {
      // No voice of the person's: their tile is not to light up.
      if (isScreen) continue;
      if (level > AUDIBLE) {
        levels[memberId] = Math.round(level * 1000) / 1000;
        quiet = false;
      }
      if (!speaking) continue;
      const speaker = participants.get(memberId);
      if (!speaker) continue;
      // A participant who continues to speak changes nothing.
      speakersChanged ||= now - speaker.spokeAt > 1000;
      speaker.spokeAt = now;
    }
    if (!quiet || !this.#wasQuiet) {
      for (const participant of participants.values()) {
        participant.send({ type: "audioLevels", levels }, { optional: true });
      }
    }
    this.#wasQuiet = quiet;
    if (speakersChanged) onSpeaker();
  }
}
