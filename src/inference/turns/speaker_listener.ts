import { SLOT_MS } from "../../audio/grid.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import type { Clock } from "../../events/clock.ts";
import type { Participant } from "../../edge/types.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import type { STT } from "../contracts/stt.ts";
import type { TurnDetector } from "../contracts/turn_detector.ts";
import type { VAD, VadStream } from "../contracts/vad.ts";
import type { EchoDetector } from "../echo/echo_detector.ts";
import type { TurnEndReason, UserTurnObserver } from "./user_turn_observer.ts";
import { energyVad } from "../vad/energy_vad.ts";
import { SpeakerVad } from "../vad/speaker_vad.ts";
import { VadStateMachine, type VadStateMachineOptions } from "../vad/vad_state_machine.ts";
import { Endpointing } from "./endpointing.ts";
import { SpeechSegment } from "./speech_segment.ts";
import { UserTurn } from "./user_turn.ts";

/** Options for the detection of speech, and for its way to the recogniser. */
export interface VadOptions extends VadStateMachineOptions {
  /** How much audio before the first sound the recogniser gets. Default 300. */
  prefixPaddingMs?: number;
  /** The longest segment of speech: longer ones are split, within one turn. 1000 to 60,000; default 30,000. */
  maxSegmentMs?: number;
  /** How long the recogniser may take after the last sound; `Infinity` sets no limit. Default 10,000. */
  sttTimeoutMs?: number;
}

/** Options for {@linkcode SpeakerListener}. */
export interface SpeakerListenerInit {
  sampleRate: number;
  vad: VAD;
  stt: STT;
  turnDetector: TurnDetector;
  vadOptions: VadOptions;
  clock: Clock;
  /** Returns the conversation so far, for the turn detector. */
  messages: () => readonly ChatMessage[];
  observer: Required<UserTurnObserver>;
  report: (error: unknown, context: string) => void;
}

/** Follows one speaker: finds where their turns begin and end, and sends speech to the recogniser. */
export class SpeakerListener {
  readonly #init: SpeakerListenerInit;
  readonly #echo: EchoDetector;
  readonly #vad: SpeakerVad;
  /** Detects any sound, without delay: a word begins before the VAD is sure of it. */
  readonly #soundVad: VadStream;
  readonly #state: VadStateMachine;
  readonly #prefix: SampleFifo;
  readonly #silenceDurationMs: number;
  readonly #maxSegmentMs: number;
  readonly #endpointing: Endpointing;
  #participant: Participant;
  #turn: UserTurn | undefined;
  #segment: SpeechSegment | undefined;
  #segmentMs = 0;
  #lastSlotAt = 0;
  #stallTimer: Disposable | undefined;
  #isReleased = false;
  #isClosed = false;

  constructor(participant: Participant, echo: EchoDetector, init: SpeakerListenerInit) {
    const { vadOptions, sampleRate } = init;
    this.#init = init;
    this.#participant = participant;
    this.#echo = echo;
    this.#vad = new SpeakerVad(init);
    this.#soundVad = energyVad().open({ sampleRate });
    this.#state = new VadStateMachine(vadOptions);
    this.#silenceDurationMs = vadOptions.silenceDurationMs ?? 200;
    this.#maxSegmentMs = vadOptions.maxSegmentMs ?? 30_000;
    this.#endpointing = new Endpointing({
      ...init,
      isRising: () => this.#state.isRising && init.clock.now() - this.#lastSlotAt < 3 * SLOT_MS,
    });
    // The speech that the VAD needs to be sure has passed by then, and must reach the recogniser.
    const lengthMs = (vadOptions.prefixPaddingMs ?? 300) + 2 * (vadOptions.minSpeechMs ?? 150);
    this.#prefix = new SampleFifo(Math.round(sampleRate * lengthMs / 1000), {
      whenFull: "drop-oldest",
    });
  }

  /** The turn in progress. */
  get turn(): UserTurn | undefined {
    return this.#turn;
  }

  /** Takes the next 20 ms; they are a view, valid until the result settles. */
  processAudio(pcm: PcmChunk, participant: Participant, row: number): void | Promise<void> {
    this.#participant = participant;
    const probability = this.#vad.process(pcm);
    if (!(probability instanceof Promise)) return this.#process(pcm, probability, row);
    return probability.then((later) => this.#process(pcm, later, row));
  }

  /** No audio comes for now: the participant is muted, or their track is gone. Their turn pauses. */
  audioStopped(): void {
    if (!this.#state.isSpeech) return;
    this.#state.reset();
    this.#pause(this.#lastSlotAt);
  }

  /** The participant left: resolves when their turn is over, which waits for its text only. */
  async left(): Promise<void> {
    this.audioStopped();
    const turn = this.#turn;
    this.#release();
    if (!turn) return;
    await Promise.all(turn.segments.map(({ done }) => done));
    this.#endpointing.cancel();
    if (this.#turn === turn && !this.#isClosed) this.#end(turn, "left");
  }

  /** Stops immediately, without telling the observer. */
  close(): void {
    this.#isClosed = true;
    this.#endpointing[Symbol.dispose]();
    for (const segment of this.#turn?.segments ?? []) segment.abort();
    this.#turn = this.#segment = undefined;
    this.#release();
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
    const isEcho = this.#echo.push(pcm, isSound || probability > 0.2, row);
    if (this.#segment) {
      this.#segment.push(pcm);
      this.#segmentMs += SLOT_MS;
      if (this.#segmentMs >= this.#maxSegmentMs) this.#splitSegment();
    } else this.#prefix.push(pcm.samples);
    const change = isEcho
      ? this.#state.push(0, SLOT_MS)
      : this.#state.push(probability, SLOT_MS, isSound);
    if (change === "started") this.#start();
    else if (change === "stopped") this.#pause(this.#lastSlotAt - this.#state.silenceMs);
  }

  /** Speech began: a turn starts, or the one in progress resumes. */
  #start(): void {
    const firstSoundMs = this.#lastSlotAt - this.#state.sinceFirstSoundMs;
    this.#endpointing.cancel();
    const turn = this.#turn ??= new UserTurn(this.#participant, firstSoundMs);
    turn.resumedMs = firstSoundMs;
    turn.resumptions++;
    this.#startSegment(turn);
    const prefix = new Int16Array(this.#prefix.length);
    this.#prefix.shift(prefix);
    this.#segment!.push(new PcmChunk(prefix, { sampleRate: this.#init.sampleRate }));
    this.#watchForStall();
    this.#init.observer.speechStarted(turn);
  }

  #startSegment(turn: UserTurn): void {
    const { stt, clock, vadOptions, report, observer } = this.#init;
    this.#segmentMs = 0;
    let { text } = turn;
    this.#segment = new SpeechSegment({
      stt,
      speakerId: this.#participant.id,
      clock,
      limitMs: vadOptions.sttTimeoutMs ?? 10_000,
      onText: () => {
        if (this.#turn !== turn) return;
        if (turn.text !== text) turn.textChangedMs = clock.now();
        text = turn.text;
        observer.textChanged(turn);
      },
      report,
    });
    turn.segments.push(this.#segment);
  }

  /** Ends a segment that is as long as any recogniser takes; the next one follows without a gap. */
  #splitSegment(): void {
    this.#segment!.end();
    this.#startSegment(this.#turn!);
  }

  #pause(endOfSpeechMs: number): void {
    const turn = this.#turn;
    this.#segment?.end();
    this.#segment = undefined;
    this.#stallTimer?.[Symbol.dispose]();
    this.#stallTimer = undefined;
    if (!turn) return;
    turn.endOfSpeechMs = endOfSpeechMs;
    this.#init.observer.speechStopped(turn);
    this.#endUnlessResumed(turn, turn.resumptions)
      .catch((error) => this.#init.report(error, "ending a turn"));
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

  async #endUnlessResumed(turn: UserTurn, resumptions: number): Promise<void> {
    const isVoid = () => this.#turn !== turn || turn.resumptions !== resumptions || this.#isClosed;
    await Promise.all(turn.segments.map(({ done }) => done));
    if (isVoid()) return;
    turn.transcribedMs = this.#init.clock.now();
    if (turn.text === "") return this.#end(turn, "silence");
    this.#init.observer.transcribed(turn);
    await this.#endpointing.waitForEnd(turn, isVoid, () => this.#end(turn, "silence"));
  }

  #end(turn: UserTurn, reason: TurnEndReason): void {
    this.#turn = undefined;
    turn.endedMs = this.#init.clock.now();
    this.#init.observer.turnEnded(turn, reason);
  }
}
