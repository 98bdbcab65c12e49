/** Turns that end at pauses: a turn detector decides at which, or the application. @module */
import { SLOT_MS } from "../../audio/grid.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import type { Participant } from "../../edge/types.ts";
import type { SttEvent } from "../contracts/stt.ts";
import { Endpointing } from "./endpointing.ts";
import { RecentAudio } from "./recent_audio.ts";
import { SpeakerTurns, type SpeakerTurnsInit } from "./speaker_turns.ts";
import type { UserTurn } from "./user_turn.ts";

/** Options for {@linkcode PauseTurns}. */
export interface PauseTurnsOptions {
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
  #segmentMs = 0;

  constructor(
    participant: Participant,
    init: SpeakerTurnsInit,
    { speakerId, isRising }: PauseTurnsOptions,
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
  }

  processAudio(pcm: PcmChunk): void {
    this.#recent?.push(pcm);
    if (!this.isSpeaking) return this.#prefix.push(pcm.samples);
    this.transcriber.send(pcm);
    this.#segmentMs += SLOT_MS;
    if (this.#segmentMs < this.#maxSegmentMs) return;
    // It is as long as any recogniser takes; the next one follows without a gap.
    void this.transcriber.commit();
    this.#segmentMs = 0;
  }

  speechStarted(firstSoundMs: number): void {
    const { observer, sampleRate } = this.init;
    this.cancelEnd();
    const isResumed = this.turn !== undefined;
    const turn = this.openTurn(firstSoundMs);
    turn.resumptions++;
    this.#segmentMs = 0;
    const prefix = new Int16Array(this.#prefix.length);
    this.#prefix.shift(prefix);
    this.transcriber.send(new PcmChunk(prefix, { sampleRate }));
    if (isResumed) observer.turnResumed(turn);
    this.startSpeaking(turn, firstSoundMs);
  }

  speechStopped(endOfSpeechMs: number): void {
    const { turn } = this;
    const transcribed = this.transcriber.commit();
    this.stopSpeaking(endOfSpeechMs);
    if (!turn) return;
    this.#endUnlessResumed(turn, transcribed)
      .catch((error) => this.init.report(error, "ending a turn"));
  }

  audioStopped(endOfSpeechMs: number | undefined): void {
    if (endOfSpeechMs !== undefined) this.speechStopped(endOfSpeechMs);
  }

  override async close(): Promise<void> {
    this.#endpointing?.[Symbol.dispose]();
    await super.close();
  }

  protected recognised(event: SttEvent): void {
    if (event.type === "transcript" && this.turnOfText) this.addText(this.turnOfText, event);
  }

  protected cancelEnd(): void {
    this.#endpointing?.cancel();
  }

  async #endUnlessResumed(turn: UserTurn, transcribed: Promise<void>): Promise<void> {
    const { resumptions } = turn;
    const isVoid = () => this.turn !== turn || turn.resumptions !== resumptions || this.isClosed;
    await transcribed;
    if (isVoid()) return;
    turn.transcribedMs = this.init.clock.now();
    if (turn.text === "") return this.endTurn(turn, "silence");
    this.init.observer.transcribed(turn);
    await this.#endpointing?.waitForEnd(turn, isVoid, () => this.endTurn(turn, "silence"));
  }
}
