/** Notices a recogniser that detects turns and says nothing of what is said. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { SttEvent } from "../contracts/stt.ts";
import type { Report } from "../../events/user_code.ts";
import { neuralVad } from "../vad/neural_vad.ts";
import { SpeakerVad } from "../vad/speaker_vad.ts";
import { VadStateMachine } from "../vad/vad_state_machine.ts";

/** Speech that lasts so long is no cough, of which a recogniser rightly says nothing. */
const SPEECH_MS = 700;

/** Options for a {@linkcode SilentRecogniser}. */
export interface SilentRecogniserInit {
  sampleRate: number;
  clock: Clock;
  /** How long after speech it may say nothing. */
  timeoutMs: number;
  /** Called when it has said nothing for so long. */
  onSilent: () => void;
  /** Called where speech cannot be told from noise: then it notices nothing. */
  report: Report;
}

/**
 * Listens to the audio that a recogniser gets: where speech is over, and nothing comes of it in time,
 * the recogniser hangs. What it calls speech itself may be short.
 */
export class SilentRecogniser implements Disposable {
  readonly #init: SilentRecogniserInit;
  readonly #vad: SpeakerVad;
  readonly #state = new VadStateMachine();
  /** How much speech there was since it has said anything. */
  #speechMs = 0;
  #isInTurn = false;
  #limit: Disposable | undefined;

  constructor(init: SilentRecogniserInit) {
    this.#init = init;
    // Not by loudness: of noise a recogniser rightly says nothing.
    this.#vad = new SpeakerVad({ ...init, vad: neuralVad() });
  }

  /** Takes the audio that it gets. */
  audioSent(pcm: PcmChunk): void {
    const probability = this.#vad.process(pcm) as number | undefined;
    const change = this.#state.push(probability ?? 0, pcm.durationMs);
    if (this.#state.isSpeech) this.#speechMs += pcm.durationMs;
    if (change === "started") this.#limit?.[Symbol.dispose]();
    else if (change === "stopped") this.#expectWords();
  }

  /** Takes what it says. */
  heard({ type }: SttEvent): void {
    this.#limit?.[Symbol.dispose]();
    this.#isInTurn = type !== "turn-ended" && (this.#isInTurn || type === "speech-started");
    this.#speechMs = 0;
    if (this.#isInTurn && !this.#state.isSpeech) this.#expectWords();
  }

  /** Another one hears from now on: of what was said until now it may say nothing. */
  reset(): void {
    this.#limit?.[Symbol.dispose]();
    this.#speechMs = 0;
    this.#isInTurn = false;
  }

  [Symbol.dispose](): void {
    this.reset();
    this.#vad[Symbol.dispose]();
  }

  #expectWords(): void {
    if (!this.#isInTurn && this.#speechMs < SPEECH_MS) return;
    const { clock, timeoutMs, onSilent } = this.#init;
    this.#limit?.[Symbol.dispose]();
    this.#limit = clock.schedule(onSilent, timeoutMs);
  }
}
