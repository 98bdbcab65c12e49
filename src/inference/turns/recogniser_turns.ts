/** Turns that end where the recogniser says so. @module */
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Participant } from "../../edge/types.ts";
import type { SttEvent } from "../contracts/stt.ts";
import type { TurnEndReason } from "./user_turn_observer.ts";
import { timeoutError } from "../../events/waiting.ts";
import { WordlessSound } from "./wordless_sound.ts";
import { SpeakerTurns, type SpeakerTurnsInit } from "./speaker_turns.ts";
import type { UserTurn } from "./user_turn.ts";

/** Sound that the recogniser has said nothing about for so long was no speech. */
const NOISE_MS = 2000;
/** How much audio from before a turn a session gets that replaces a lost one. */
const PREFIX_MS = 1000;

/**
 * The turns of one speaker whose recogniser detects them. It gets all audio. The VAD only says
 * that there may be speech; where the recogniser says nothing more, or has no words for the sound, the
 * turn ends without it.
 */
export class RecogniserTurns extends SpeakerTurns {
  readonly #wordless: WordlessSound;
  /** Whether it was asked for the text so far, in sound: what it ends for that is no turn. */
  #isAsked = false;
  /** Whether the VAD says that there is speech. */
  #isSpeech = false;
  #silence: PcmChunk | undefined;
  #limit: Disposable | undefined;

  constructor(
    participant: Participant,
    init: SpeakerTurnsInit,
    { speakerId }: { speakerId: string },
  ) {
    super(participant, init, { speakerId, continuous: true });
    this.#wordless = new WordlessSound({
      clock: init.clock,
      commit: () => this.#askForText(),
      onWordless: (options) => this.#endInSound(options),
    });
  }

  processAudio(pcm: PcmChunk, isEcho: boolean): void {
    // The agent's own voice is no turn.
    this.transcriber.send(isEcho && !this.#isSpeech ? this.#silenceLike(pcm) : pcm);
    if (!this.turnOfText) this.transcriber.forget({ keepMs: PREFIX_MS });
  }

  speechStarted(firstSoundMs: number): void {
    this.#isSpeech = true;
    this.cancelEnd();
    const turn = this.turn ?? this.#open(firstSoundMs);
    if (!this.isSpeaking) this.startSpeaking(turn, firstSoundMs);
    this.#wordless.soundStarted();
  }

  speechStopped(endOfSpeechMs: number): void {
    this.#soundStopped();
    this.stopSpeaking(endOfSpeechMs);
    this.#limitSilence();
  }

  audioStopped(endOfSpeechMs: number | undefined): void {
    this.#soundStopped();
    if (endOfSpeechMs !== undefined) this.stopSpeaking(endOfSpeechMs);
    // It hears no silence that would end the turn.
    this.commit("silence").catch((error) => this.init.report(error, "ending a turn"));
  }

  override async commit(reason: TurnEndReason): Promise<void> {
    this.#soundStopped();
    await super.commit(reason);
  }

  override async close(): Promise<void> {
    this.#soundStopped();
    await super.close();
  }

  protected recognised(event: SttEvent): void {
    const turn = this.turnOfText;
    const { clock, observer } = this.init;
    if (event.type === "speech-started") this.#confirm(turn ?? this.#open(clock.now()));
    else if (event.type === "transcript") {
      // Empty text begins no turn.
      if (turn) this.#addText(turn, event);
      else if (/\S/.test(event.text)) this.#addText(this.#open(clock.now()), event);
    } else if (turn) {
      if (event.type === "turn-ended") {
        if (!this.#isAsked || !this.#isSpeech) this.#ended(turn);
        return;
      }
      if (event.type === "eager-turn-ended") {
        turn.isConfirmed = true;
        turn.transcribedMs = clock.now();
        observer.transcribed(turn);
      } else if (event.type === "turn-resumed") {
        turn.resumptions++;
        observer.turnResumed(turn);
      }
    }
    this.#limitSilence();
  }

  protected limitExceeded(): void {
    super.commit("limit").catch((error) => this.init.report(error, "ending a turn"));
  }

  protected cancelEnd(): void {
    this.#limit?.[Symbol.dispose]();
  }

  #soundStopped(): void {
    this.#isSpeech = false;
    this.#wordless.soundStopped();
  }

  #addText(turn: UserTurn, event: Extract<SttEvent, { type: "transcript" }>): void {
    const before = turn.text;
    this.addText(turn, event);
    const isInterim = !event.final && this.#isSpeech && !this.transcriber.isCommitting;
    if (turn.text !== before) this.#wordless.wordsCame({ interim: isInterim });
  }

  /** Has the recogniser return the text of a turn so far; resolves when it has. */
  async #askForText(): Promise<void> {
    if (!this.turn) return;
    this.#isAsked = true;
    await this.transcriber.commit();
    this.#isAsked = false;
  }

  /** Ends a turn whose words have ended while there is still sound, for which there are none. */
  #endInSound({ isFinal }: { isFinal: boolean }): void {
    const { turn } = this;
    if (!turn || turn.text === "") return;
    const { clock, report } = this.init;
    this.stopSpeaking(turn.textChangedMs || clock.now());
    if (isFinal) return this.endTurn(turn, "silence");
    super.commit("silence").catch((error) => report(error, "ending a turn"));
  }

  #open(firstSoundMs: number): UserTurn {
    const turn = this.openTurn(firstSoundMs);
    turn.isConfirmed = false;
    return turn;
  }

  /** The recogniser says that it is speech. */
  #confirm(turn: UserTurn): void {
    turn.isConfirmed = true;
    if (turn !== this.turn) return;
    if (!this.isSpeaking) this.startSpeaking(turn, this.init.clock.now());
    if (turn.text !== "") this.init.observer.textChanged(turn);
  }

  #ended(turn: UserTurn): void {
    this.cancelEnd();
    const now = this.init.clock.now();
    if (turn === this.turn) this.stopSpeaking(now);
    // All of the time since the last sound was the recogniser's, to be certain of the end.
    turn.transcribedMs ||= now;
    turn.endpointMs = now;
    this.endTurn(turn, "recogniser");
  }

  /** Where no more comes of the recogniser, the turn ends without it. */
  #limitSilence(): void {
    this.cancelEnd();
    const { turn } = this;
    if (!turn || this.isClosed || this.#isSpeech) return;
    const { clock, report } = this.init;
    const isNoise = !turn.isConfirmed && turn.text === "";
    const limitMs = isNoise ? NOISE_MS : this.sttTimeoutMs;
    this.#limit = clock.schedule(() => {
      if (turn !== this.turn) return;
      if (isNoise) return this.endTurn(turn, "silence");
      report(timeoutError("the end of a turn", limitMs), `${this.init.stt.name}, transcribing`);
      this.commit("silence").catch((error) => report(error, "ending a turn"));
    }, limitMs);
  }

  #silenceLike(pcm: PcmChunk): PcmChunk {
    if (this.#silence?.samples.length !== pcm.samples.length) {
      this.#silence = new PcmChunk(new Int16Array(pcm.samples.length), pcm);
    }
    return this.#silence;
  }
}
