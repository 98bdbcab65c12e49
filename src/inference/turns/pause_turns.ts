/** Turns that end at pauses: a turn detector decides at which, or the application. @module */
import { SLOT_MS } from "../../audio/grid.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import type { Participant } from "../../edge/types.ts";
import type { SttEvent } from "../contracts/stt.ts";
import { Endpointing } from "./endpointing.ts";
import { RecentAudio } from "./recent_audio.ts";
import type { TurnEndReason } from "./user_turn_observer.ts";
import { WordlessSound } from "./wordless_sound.ts";
import { SpeakerTurns, type SpeakerTurnsInit } from "./speaker_turns.ts";
import type { UserTurn } from "./user_turn.ts";

/** What {@linkcode PauseTurns} needs. */
export interface PauseTurnsInit {
  speakerId: string;
  /** Whether a sound has begun that may become speech. */
  isRising: () => boolean;
}

/**
 * The turns of one speaker where the VAD finds their pauses. The recogniser gets speech only, from a
 * moment before its first sound.
 */
export class PauseTurns extends SpeakerTurns {
  readonly #prefix: SampleFifo;
  readonly #maxSegmentMs: number;
  /** Defined where a turn detector decides. */
  readonly #endpointing: Endpointing | undefined;
  readonly #recent: RecentAudio | undefined;
  readonly #wordless: WordlessSound | undefined;
  /** Whether the VAD says that there is speech: it is sent to the recogniser. */
  #isSpeech = false;
  /** How often speech began: what was started in one pause is void in the next. */
  #speeches = 0;
  #segmentMs = 0;

  constructor(
    participant: Participant,
    init: SpeakerTurnsInit,
    { speakerId, isRising }: PauseTurnsInit,
  ) {
    super(participant, init, { speakerId, continuous: false });
    const { vadOptions, sampleRate, turnOwner } = init;
    this.#maxSegmentMs = vadOptions.maxSegmentMs ?? 30_000;
    // The speech that the VAD needs to be sure has passed by then, and must reach the recogniser.
    const lengthMs = (vadOptions.prefixPaddingMs ?? 300) + 2 * (vadOptions.minSpeechMs ?? 150);
    this.#prefix = new SampleFifo(Math.round(sampleRate * lengthMs / 1000), {
      whenFull: "drop-oldest",
    });
    if (typeof turnOwner === "string") return;
    const recent = this.#recent = new RecentAudio(sampleRate);
    this.#endpointing = new Endpointing({ ...init, turnDetector: turnOwner, recent, isRising });
    this.#wordless = new WordlessSound({
      clock: init.clock,
      commit: () => this.#splitSegment(),
      onWordless: (options) => this.#endInSound("silence", options),
    });
  }

  processAudio(pcm: PcmChunk): void {
    this.#recent?.push(pcm);
    if (!this.#isSpeech) return this.#prefix.push(pcm.samples);
    this.transcriber.send(pcm);
    this.#segmentMs += SLOT_MS;
    if (this.#segmentMs < this.#maxSegmentMs) return;
    // It is as long as any recogniser takes; the next one follows without a gap.
    void this.#splitSegment();
  }

  speechStarted(firstSoundMs: number): void {
    const { observer, sampleRate } = this.init;
    this.cancelEnd();
    this.#isSpeech = true;
    this.#speeches++;
    const isResumed = this.turn !== undefined;
    const turn = this.openTurn(firstSoundMs);
    turn.resumptions++;
    this.#segmentMs = 0;
    const prefix = new Int16Array(this.#prefix.length);
    this.#prefix.shift(prefix);
    this.transcriber.send(new PcmChunk(prefix, { sampleRate }));
    if (isResumed) observer.turnResumed(turn);
    this.startSpeaking(turn, firstSoundMs);
    this.#wordless?.soundStarted();
  }

  speechStopped(endOfSpeechMs: number): void {
    this.#isSpeech = false;
    this.#wordless?.soundStopped();
    const transcribed = this.transcriber.commit();
    this.stopSpeaking(endOfSpeechMs);
    this.#endUnlessResumed(endOfSpeechMs, transcribed)
      .catch((error) => this.init.report(error, "ending a turn"));
  }

  audioStopped(endOfSpeechMs: number | undefined): void {
    if (endOfSpeechMs !== undefined) this.speechStopped(endOfSpeechMs);
  }

  override async commit(reason: TurnEndReason): Promise<void> {
    this.#audioEnded();
    await super.commit(reason);
  }

  override clear(): void {
    this.#audioEnded();
    super.clear();
  }

  override async close(): Promise<void> {
    this.#wordless?.soundStopped();
    this.#endpointing?.[Symbol.dispose]();
    await super.close();
  }

  protected recognised(event: SttEvent): void {
    if (event.type !== "transcript") return;
    const isAwaited = this.#isSpeech || this.transcriber.isCommitting;
    const hasWords = /\S/.test(event.text);
    // After a turn that ended in sound, words begin the next one.
    const turn = this.turnOfText ?? (hasWords && isAwaited ? this.#startInSound() : undefined);
    if (!turn) return;
    const before = turn.text;
    this.addText(turn, event);
    if (turn.text !== before) this.#wordless?.wordsCame({ interim: turn.hasInterimText });
  }

  protected limitExceeded(): void {
    this.#endInSound("limit", { isFinal: false });
  }

  protected cancelEnd(): void {
    this.#endpointing?.cancel();
  }

  /** The rest of the speech goes to the recogniser as another segment. */
  #splitSegment(): Promise<void> {
    this.#segmentMs = 0;
    return this.transcriber.commit();
  }

  #startInSound(): UserTurn {
    const turn = this.openTurn(this.init.clock.now());
    turn.resumptions++;
    this.startSpeaking(turn, turn.firstSoundMs);
    return turn;
  }

  /** Ends a turn with words while there is still sound, which goes on being transcribed. */
  #endInSound(reason: TurnEndReason, { isFinal }: { isFinal: boolean }): void {
    const { turn } = this;
    if (!turn || turn.text === "" && reason === "silence") return;
    this.stopSpeaking(turn.textChangedMs || this.init.clock.now());
    if (isFinal) return this.endTurn(turn, reason);
    this.#segmentMs = 0;
    super.commit(reason).catch((error) => this.init.report(error, "ending a turn"));
  }

  #audioEnded(): void {
    this.#isSpeech = false;
    this.#wordless?.soundStopped();
  }

  async #endUnlessResumed(endOfSpeechMs: number, transcribed: Promise<void>): Promise<void> {
    const speeches = this.#speeches;
    const { turn: paused } = this;
    const isOver = () => this.#speeches !== speeches || this.isClosed;
    if (paused) this.#endpointing?.paused(paused, () => this.turn !== paused || isOver());
    await transcribed;
    const { turn } = this;
    const isVoid = () => this.turn !== turn || isOver();
    if (!turn || isVoid()) return;
    // Its first words may have come after the sound.
    this.stopSpeaking(endOfSpeechMs);
    turn.transcribedMs = this.init.clock.now();
    if (turn.text === "") return this.endTurn(turn, "silence");
    this.init.observer.transcribed(turn);
    await this.#endpointing?.waitForEnd(turn, isVoid, () => this.endTurn(turn, "silence"));
  }
}
