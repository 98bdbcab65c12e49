import type { ParticipantAudio } from "../../../edge/participant_audio.ts";
import type { Participant } from "../../../edge/types.ts";
import type { VadStream } from "../../contracts/vad.ts";
import type { SpeechOutput } from "../../speech/speech_output.ts";
import type { PipelineContext } from "../../pipeline_context.ts";
import { PcmChunk } from "../../../audio/pcm_chunk.ts";
import { Resampler } from "../../../audio/resampler.ts";
import { typescriptKernel } from "../../../audio/typescript_kernel.ts";
import type { EchoDetector } from "../../echo/echo_detector.ts";
import { energyVad } from "../../vad/energy_vad.ts";
import { VadStateMachine } from "../../vad/vad_state_machine.ts";
import { RowMixer } from "../../turns/row_mixer.ts";

/** What a {@linkcode RealtimeInput} works with, and tells. */
export interface RealtimeInputInit {
  voice: SpeechOutput;
  /** Samples a second that the model wants to hear. */
  sampleRate: number;
  /** What is to be heard next, a view, and who was the loudest in it. */
  onAudio: (pcm: PcmChunk, loudest: Participant) => void;
}

/** One stream of everybody for a model that hears by itself, without the agent's own voice. */
export class RealtimeInput implements Disposable {
  readonly #context: PipelineContext;
  readonly #init: RealtimeInputInit;
  readonly #guard: EchoDetector;
  readonly #vad: VadStream;
  readonly #gate = new VadStateMachine();
  readonly #mixer = new RowMixer((mixed) => this.#hear(mixed));
  readonly #resampler: Resampler;
  #converted = new Int16Array(0);
  #speaker: Participant | undefined;
  #heardAtMs = 0;
  #lastSoundMs: number | undefined;
  #heldBackMs = 0;

  constructor(context: PipelineContext, init: RealtimeInputInit) {
    const { sampleRate } = context;
    this.#context = context;
    this.#init = init;
    this.#guard = init.voice.echoGuard();
    this.#vad = energyVad().open({ sampleRate });
    this.#resampler = new Resampler(typescriptKernel(), {
      inputRate: sampleRate,
      outputRate: init.sampleRate,
    });
  }

  /** Who spoke last. */
  get speaker(): Participant | undefined {
    return this.#speaker;
  }

  /** When what is being said began; `undefined` while nothing is. */
  get speakingSinceMs(): number | undefined {
    const { isOpen, isRising, sinceFirstMs } = this.#gate;
    return isOpen || isRising ? this.#heardAtMs - sinceFirstMs : undefined;
  }

  /** The last sound of what was said last; `undefined` before anything was. */
  get lastSoundMs(): number | undefined {
    return this.#lastSoundMs;
  }

  /** How much was silenced because it was the agent's own voice. */
  get heldBackMs(): number {
    return this.#heldBackMs;
  }

  hear(audio: ParticipantAudio): void {
    this.#mixer.push(audio);
  }

  /** Gives what is there: somebody who was waited for is not heard for now. */
  flush(): void {
    this.#mixer.flush();
  }

  [Symbol.dispose](): void {
    this.#resampler[Symbol.dispose]();
    this.#vad[Symbol.dispose]();
  }

  #hear(mixed: ParticipantAudio): void {
    const { pcm, participant: loudest, row } = mixed;
    const { voice, sampleRate, onAudio } = this.#init;
    voice.notePlayed(mixed);
    const probability = this.#vad.process(pcm) as number;
    if (probability >= 0.5) this.#speaker = loudest;
    const isOwnVoice = this.#guard.push(pcm, probability > 0.2, row);
    this.#follow(isOwnVoice ? 0 : probability, pcm.durationMs);
    if (isOwnVoice) {
      // The model would take its own voice for somebody who interrupts it.
      pcm.samples.fill(0);
      this.#heldBackMs += pcm.durationMs;
    }
    const room = this.#resampler.maxOutputFrames(pcm.frames);
    if (this.#converted.length < room) this.#converted = new Int16Array(room);
    const made = this.#resampler.process(pcm, this.#converted);
    onAudio(new PcmChunk(this.#converted.subarray(0, made), { sampleRate }), loudest);
  }

  /** The model says that somebody speaks, but not since when. */
  #follow(probability: number, slotMs: number): void {
    const gate = this.#gate;
    this.#heardAtMs = this.#context.clock.now();
    const change = gate.push(probability, slotMs);
    if (gate.isOpen || change === "closed") this.#lastSoundMs = this.#heardAtMs - gate.silenceMs;
  }
}
