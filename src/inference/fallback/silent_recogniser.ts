/** Notices a recogniser that detects turns and says nothing of what is said. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Clock } from "../../events/clock.ts";
import type { SttEvent } from "../contracts/stt.ts";
import { energyVad } from "../vad/energy_vad.ts";
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
}

/**
 * Listens to the audio that a recogniser gets: where speech is over, and nothing comes of it in time,
 * the recogniser hangs. What it calls speech itself may be short.
 */
export class SilentRecogniser implements Disposable {
  readonly #init: SilentRecogniserInit;
  readonly #vad;
  readonly #state = new VadStateMachine();
  /** How much speech there was since it has said anything. */
  #speechMs = 0;
  #isInTurn = false;
  #limit: Disposable | undefined;

  constructor(init: SilentRecogniserInit) {
    this.#init = init;
    this.#vad = energyVad().open({ sampleRate: init.sampleRate });
  }

  /** Takes the audio that it gets. */
  audioSent(pcm: PcmChunk): void {
    const change = this.#state.push(this.#vad.process(pcm) as number, pcm.durationMs);
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
  [Symbol.dispose](): void {
    this.#limit?.[Symbol.dispose]();
    this.#speechMs = 0;
    this.#isInTurn = false;
  }

  #expectWords(): void {
    if (!this.#isInTurn && this.#speechMs < SPEECH_MS) return;
    const { clock, timeoutMs, onSilent } = this.#init;
    this.#limit?.[Symbol.dispose]();
    this.#limit = clock.schedule(onSilent, timeoutMs);
  }
}
