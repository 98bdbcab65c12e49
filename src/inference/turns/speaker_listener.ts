/** How one participant is heard: without the echo, as speech or not. @module */
import { SLOT_MS } from "../../audio/grid.ts";
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Participant } from "../../edge/types.ts";
import type { VAD, VadStream } from "../contracts/vad.ts";
import type { EchoDetector } from "../echo/echo_detector.ts";
import type { UserTurn } from "./user_turn.ts";
import { energyVad } from "../vad/energy_vad.ts";
import { SpeakerVad } from "../vad/speaker_vad.ts";
import { VadStateMachine } from "../vad/vad_state_machine.ts";
import { NearSpeaker } from "./near_speaker.ts";
import { PauseTurns } from "./pause_turns.ts";
import { RecogniserTurns } from "./recogniser_turns.ts";
import type { SpeakerTurns, SpeakerTurnsInit } from "./speaker_turns.ts";

/** What {@linkcode SpeakerListener} needs. */
export interface SpeakerListenerInit extends SpeakerTurnsInit {
  /** The participant's id; empty for the mix of all. */
  speakerId: string;
  vad: VAD;
  echo: EchoDetector;
  /** Whether speech far below the participant's usual level is none while the agent is heard. */
  nearSpeakerOnly: boolean;
  /** Returns whether the agent is heard, or was a moment ago. */
  isAgentHeard: (row: number) => boolean;
}

/** Listens to one speaker: tells speech from silence, and from the agent's own echo. */
export class SpeakerListener {
  readonly #init: SpeakerListenerInit;
  readonly #vad: SpeakerVad;
  /** Detects any sound, without delay: a word begins before the VAD is sure of it. */
  readonly #soundVad: VadStream;
  readonly #state: VadStateMachine;
  readonly #silenceDurationMs: number;
  readonly #turns: SpeakerTurns;
  readonly #nearSpeaker: NearSpeaker | undefined;
  #lastSlotAt = 0;
  #stallTimer: Disposable | undefined;
  #isReleased = false;

  constructor(participant: Participant, init: SpeakerListenerInit) {
    const { vadOptions, sampleRate, turnOwner } = init;
    this.#init = init;
    this.#vad = new SpeakerVad(init);
    this.#soundVad = energyVad().open({ sampleRate });
    this.#state = new VadStateMachine(vadOptions);
    if (init.nearSpeakerOnly) this.#nearSpeaker = new NearSpeaker();
    this.#silenceDurationMs = vadOptions.silenceDurationMs ?? 200;
    const isRising = () =>
      this.#state.isRising && init.clock.now() - this.#lastSlotAt < 3 * SLOT_MS;
    this.#turns = turnOwner === "stt"
      ? new RecogniserTurns(participant, init, init)
      : new PauseTurns(participant, init, { ...init, isRising });
  }

  /** The turns that are not over. */
  get turns(): readonly UserTurn[] {
    return this.#turns.turns;
  }

  /** Whether nothing is in progress that another listener could not continue. */
  get isIdle(): boolean {
    const { isSpeech, isRising } = this.#state;
    return !isSpeech && !isRising && this.turns.length === 0;
  }

  /** Takes the next 20 ms; they are a view, valid until the result settles. */
  processAudio(pcm: PcmChunk, participant: Participant, row: number): void | Promise<void> {
    this.#turns.participant = participant;
    const probability = this.#vad.process(pcm);
    if (!(probability instanceof Promise)) return this.#process(pcm, probability, row);
    return probability.then((later) => this.#process(pcm, later, row));
  }

  /** No audio comes for now: the participant is muted, or their track is gone. */
  audioStopped(): void {
    const endOfSpeechMs = this.#reset();
    this.#turns.audioStopped(endOfSpeechMs);
  }

  /** Ends the turn in progress; resolves when its text is known. */
  async commitTurn(): Promise<void> {
    // A word that is too short to be certain of, such as "yes", is one if it is committed.
    if (this.#state.isRising) this.#start();
    this.#reset();
    await this.#turns.commit("committed");
  }

  /** Forgets the turn in progress. */
  clearTurn(): void {
    this.#reset();
    this.#turns.clear();
  }

  /** The participant left: resolves when their turn is over, which waits for its text only. */
  async left(): Promise<void> {
    const endOfSpeechMs = this.#reset();
    this.#release();
    await this.#turns.left(endOfSpeechMs);
  }

  /** Stops immediately, without telling the observer. */
  async close(): Promise<void> {
    this.#release();
    await this.#turns.close();
  }

  /** Lets the next sound begin another speech; returns when this one ended, if there was one. */
  #reset(): number | undefined {
    const { isSpeech } = this.#state;
    this.#state.reset();
    this.#stallTimer?.[Symbol.dispose]();
    this.#stallTimer = undefined;
    return isSpeech ? this.#lastSlotAt : undefined;
  }

  #release(): void {
    this.#isReleased = true;
    this.#stallTimer?.[Symbol.dispose]();
    this.#stallTimer = undefined;
    this.#vad[Symbol.dispose]();
    this.#soundVad[Symbol.dispose]();
  }

  #process(pcm: PcmChunk, vadProbability: number | undefined, row: number): void {
    // A VAD that returns later may do so after the participant has left.
    if (this.#isReleased) return;
    this.#lastSlotAt = this.#init.clock.now();
    const loudness = this.#soundVad.process(pcm) as number;
    const isSound = loudness >= 0.5;
    const probability = vadProbability ?? loudness;
    const isEcho = this.#init.echo.push(pcm, isSound || probability > 0.2, row);
    const isFar = !isEcho && this.#isFar(pcm, probability, row);
    this.#turns.processAudio(pcm, isEcho || isFar);
    const change = isEcho || isFar
      ? this.#state.push(0, SLOT_MS)
      : this.#state.push(probability, SLOT_MS, isSound);
    if (change === "started") this.#start();
    else if (change === "stopped") {
      this.#stallTimer?.[Symbol.dispose]();
      this.#turns.speechStopped(this.#lastSlotAt - this.#state.silenceMs);
    }
  }

  /** Whether another person speaks from farther away while the agent does. */
  #isFar(pcm: PcmChunk, probability: number, row: number): boolean {
    if (!this.#nearSpeaker) return false;
    const isAgentHeard = this.#init.isAgentHeard(row);
    const isSpeech = this.#state.isSpeech && probability >= 0.5;
    return this.#nearSpeaker.push(pcm, isSpeech) && isAgentHeard;
  }

  #start(): void {
    this.#watchForStall();
    this.#turns.speechStarted(this.#lastSlotAt - this.#state.sinceFirstSoundMs);
  }

  /** A stream that stops in mid-word is a pause too, which only the clock can tell. */
  #watchForStall(): void {
    const { clock } = this.#init;
    const limitMs = this.#silenceDurationMs + 200;
    const check = (): void => {
      const quietMs = clock.now() - this.#lastSlotAt;
      if (quietMs >= limitMs) this.audioStopped();
      else this.#stallTimer = clock.schedule(check, limitMs - quietMs);
    };
    this.#stallTimer?.[Symbol.dispose]();
    this.#stallTimer = clock.schedule(check, limitMs);
  }
}
