import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { SampleFifo } from "../../audio/sample_fifo.ts";
import type { Clock } from "../../events/clock.ts";
import type { Participant } from "../../edge/types.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import type { STT } from "../contracts/stt.ts";
import type { TurnDetector } from "../contracts/turn_detector.ts";
import type { VAD, VadStream } from "../contracts/vad.ts";
import { promised } from "../../events/user_code.ts";
import { limitTime, waitFor } from "../../events/waiting.ts";
import type { EchoDetector } from "../echo/echo_detector.ts";
import { SpeakerVad } from "./speaker_vad.ts";
import { energyVad } from "./energy_vad.ts";
import { VadStateMachine, type VadStateMachineOptions } from "./vad_state_machine.ts";
import { SpeechSegment } from "./speech_segment.ts";
import { Turn } from "./user_turn.ts";
import { SLOT_MS } from "../../audio/grid.ts";

/** How turns are taken. */
export interface VadOptions extends VadStateMachineOptions {
  /** What is given to the recogniser from before the first sound. Default 300. */
  prefixPaddingMs?: number;
  /** A stretch of speech longer than this is cut, its turn goes on. From 1000 to 60,000; default 30,000. */
  maxSegmentMs?: number;
  /** How long the recogniser may take after the last sound; `Infinity` sets no limit. Default 10,000. */
  sttTimeoutMs?: number;
}

/** What a {@linkcode SpeakerListener} needs, and tells. */
export interface SpeakerListenerOptions {
  participant: Participant;
  sampleRate: number;
  vad: VAD;
  stt: STT;
  turnDetector: TurnDetector;
  vadOptions: VadOptions;
  clock: Clock;
  echoGuard: EchoDetector;
  messages: () => readonly ChatMessage[];
  /** He began to speak, or goes on after a pause. */
  onSpeech: (turn: Turn) => void;
  /** More of what he says was understood. */
  onText: (turn: Turn) => void;
  /** He paused. */
  onPause: (turn: Turn) => void;
  /** He paused, and all that he said is known; the turn may go on. */
  onUnderstood: (turn: Turn) => void;
  /** The turn is over. Its text is empty when it was only noise. */
  onEnd: (turn: Turn, reason: "silence" | "left") => void;
  report: (error: unknown, context: string) => void;
}

/** A detector that takes longer than this to decide is not waited for. */
const DETECTOR_LIMIT_MS = 5000;
/** Nobody waits longer than this for somebody to go on, whatever a detector says. */
const MOST_SILENCE_MS = 30_000;
/** The silence that ends a turn when the detector does not say. */
const USUAL_SILENCE_MS = 600;

/** Listens to one speaker: speech, pauses, text, turns. */
export class SpeakerListener {
  readonly #options: SpeakerListenerOptions;
  readonly #vad: SpeakerVad;
  /** Hears any sound, and at once: a word begins before it is known to be one. */
  readonly #ear: VadStream;
  readonly #gate: VadStateMachine;
  readonly #preRoll: SampleFifo;
  readonly #silenceDurationMs: number;
  readonly #maxSegmentMs: number;
  readonly #closing = new AbortController();
  #participant: Participant;
  #turn: Turn | undefined;
  #stretch: SpeechSegment | undefined;
  #stretchMs = 0;
  #endTimer: Disposable | undefined;
  #lastSlotAt = 0;
  #watch: Disposable | undefined;
  #isReleased = false;

  constructor(options: SpeakerListenerOptions) {
    const { vadOptions, sampleRate } = options;
    this.#options = options;
    this.#participant = options.participant;
    this.#vad = new SpeakerVad(options);
    this.#ear = energyVad().open({ sampleRate });
    this.#gate = new VadStateMachine(vadOptions);
    this.#silenceDurationMs = vadOptions.silenceDurationMs ?? 200;
    this.#maxSegmentMs = vadOptions.maxSegmentMs ?? 30_000;
    // What opens the gate has passed when it opens: that too must reach the recogniser.
    const lengthMs = (vadOptions.prefixPaddingMs ?? 300) + 2 * (vadOptions.minSpeechMs ?? 150);
    this.#preRoll = new SampleFifo(Math.round(sampleRate * lengthMs / 1000), {
      whenFull: "drop-oldest",
    });
  }

  /** The turn that is under way. */
  get turn(): Turn | undefined {
    return this.#turn;
  }

  /** Takes the next 20 ms; they are a view, valid until the result settles. */
  hear(pcm: PcmChunk, participant: Participant, row: number): void | Promise<void> {
    this.#participant = participant;
    const answer = this.#vad.process(pcm);
    if (!(answer instanceof Promise)) return this.#take(pcm, answer, row);
    return answer.then((later) => this.#take(pcm, later, row));
  }

  /** No audio comes for now: he is muted, or his track is gone. An open turn pauses. */
  stopped(): void {
    if (!this.#gate.isOpen) return;
    this.#gate.close();
    this.#pause(this.#lastSlotAt);
  }

  /** He is gone: an open turn ends as soon as its text is known, which the result waits for. */
  async left(): Promise<void> {
    this.stopped();
    const turn = this.#turn;
    this.#release();
    if (!turn) return;
    await Promise.all(turn.stretches.map((one) => one.done));
    this.#endTimer?.[Symbol.dispose]();
    if (this.#turn === turn && !this.#closing.signal.aborted) this.#end(turn, "left");
  }

  /** Stops at once; nothing is told any more. */
  close(): void {
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
    this.#endTimer?.[Symbol.dispose]();
    for (const stretch of this.#turn?.stretches ?? []) stretch.abort();
    this.#turn = this.#stretch = undefined;
    this.#release();
  }

  #release(): void {
    this.#isReleased = true;
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    this.#vad[Symbol.dispose]();
    this.#ear[Symbol.dispose]();
  }

  #take(pcm: PcmChunk, answer: number | undefined, row: number): void {
    // What the detector was asked before he left may come after its end.
    if (this.#isReleased) return;
    const { clock, echoGuard } = this.#options;
    this.#lastSlotAt = clock.now();
    const loudness = this.#ear.process(pcm) as number;
    const isSound = loudness >= 0.5;
    const probability = answer ?? loudness;
    const isOwnVoice = echoGuard.push(pcm, isSound || probability > 0.2, row);
    if (this.#stretch) {
      this.#stretch.push(pcm);
      this.#stretchMs += SLOT_MS;
      if (this.#stretchMs >= this.#maxSegmentMs) this.#cut();
    } else this.#preRoll.push(pcm.samples);
    const change = isOwnVoice
      ? this.#gate.push(0, SLOT_MS)
      : this.#gate.push(probability, SLOT_MS, isSound);
    if (change === "opened") this.#speak();
    else if (change === "closed") this.#pause(this.#lastSlotAt - this.#gate.silenceMs);
  }

  #speak(): void {
    const soundMs = this.#lastSlotAt - this.#gate.sinceFirstMs;
    this.#endTimer?.[Symbol.dispose]();
    const turn = this.#turn ??= new Turn(this.#participant, soundMs);
    turn.resumedMs = soundMs;
    turn.isSpeaking = true;
    turn.pauses++;
    this.#begin(turn);
    const before = new Int16Array(this.#preRoll.length);
    this.#preRoll.shift(before);
    this.#stretch!.push(new PcmChunk(before, { sampleRate: this.#options.sampleRate }));
    this.#watchStream();
    this.#options.onSpeech(turn);
  }

  #begin(turn: Turn): void {
    const { stt, clock, vadOptions, report, onText } = this.#options;
    this.#stretchMs = 0;
    let { text } = turn;
    this.#stretch = new SpeechSegment({
      stt,
      speakerId: this.#participant.id,
      clock,
      limitMs: vadOptions.sttTimeoutMs ?? 10_000,
      onText: () => {
        if (this.#turn !== turn) return;
        if (turn.text !== text) turn.understoodMs = clock.now();
        text = turn.text;
        onText(turn);
      },
      report,
    });
    turn.stretches.push(this.#stretch);
  }

  /** The stretch is long enough for any recogniser; what follows is the next one. */
  #cut(): void {
    this.#stretch!.end();
    this.#begin(this.#turn!);
  }

  #pause(endOfSpeechMs: number): void {
    const turn = this.#turn;
    this.#stretch?.end();
    this.#stretch = undefined;
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    if (!turn) return;
    turn.isSpeaking = false;
    turn.endOfSpeechMs = endOfSpeechMs;
    this.#options.onPause(turn);
    this.#conclude(turn, turn.pauses);
  }

  /** A stream that stops in mid-word is a pause too; that is the clock's to say. */
  #watchStream(): void {
    const { clock } = this.#options;
    const limitMs = this.#silenceDurationMs + 200;
    const look = (): void => {
      const quietMs = clock.now() - this.#lastSlotAt;
      if (quietMs >= limitMs) this.stopped();
      else this.#watch = clock.schedule(look, limitMs - quietMs);
    };
    this.#watch?.[Symbol.dispose]();
    this.#watch = clock.schedule(look, limitMs);
  }

  async #conclude(turn: Turn, pause: number): Promise<void> {
    const { clock, onUnderstood } = this.#options;
    const { signal } = this.#closing;
    const isVoid = () => this.#turn !== turn || turn.pauses !== pause || signal.aborted;
    await Promise.all(turn.stretches.map((one) => one.done));
    if (isVoid()) return;
    turn.transcribedMs = clock.now();
    if (turn.text === "") return this.#end(turn, "silence");
    onUnderstood(turn);
    const silenceMs = await this.#endpointingDelayMs(turn, isVoid);
    if (isVoid()) return;
    turn.silentMs = turn.endOfSpeechMs + silenceMs;
    const end = (): void => {
      // He may be going on at this moment: that shows within the length of a word.
      const isRising = this.#gate.isRising && clock.now() - this.#lastSlotAt < 3 * SLOT_MS;
      if (isRising) this.#endTimer = clock.schedule(end, SLOT_MS);
      else this.#end(turn, "silence");
    };
    if (turn.silentMs <= clock.now()) end();
    else this.#endTimer = clock.schedule(end, turn.silentMs - clock.now());
  }

  /** What the detector says, where it says something in time that can be waited for. */
  async #endpointingDelayMs(turn: Turn, isVoid: () => boolean): Promise<number> {
    const { clock, turnDetector, messages, report } = this.#options;
    const what = `the decision of ${turnDetector.name}`;
    using limit = limitTime(what, {
      timeoutMs: DETECTOR_LIMIT_MS,
      signals: [this.#closing.signal],
      clock,
    });
    const { signal } = limit;
    try {
      const { participant, text } = turn;
      const paused = { participant, text, messages: messages() };
      const asked = promised(() => turnDetector.endpointingDelayMs(paused, { signal }));
      const silenceMs = await waitFor(asked, what, { signal, clock });
      if (typeof silenceMs === "number" && silenceMs >= 0 && silenceMs <= MOST_SILENCE_MS) {
        return silenceMs;
      }
      const got = typeof silenceMs === "string" ? JSON.stringify(silenceMs) : String(silenceMs);
      throw new RangeError(
        `endpointingDelayMs must give 0 to ${MOST_SILENCE_MS} milliseconds, got ${got}`,
      );
    } catch (error) {
      const context = `${turnDetector.name}, which is taken for ${USUAL_SILENCE_MS} ms`;
      if (!isVoid()) report(error, context);
      return USUAL_SILENCE_MS;
    }
  }

  #end(turn: Turn, reason: "silence" | "left"): void {
    this.#turn = undefined;
    turn.endedMs = this.#options.clock.now();
    this.#options.onEnd(turn, reason);
  }
}
