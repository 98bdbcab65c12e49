import type { Participant } from "../../../edge/types.ts";
import type { VadStream } from "../../vad.ts";
import type { AgentVoice } from "../agent_voice.ts";
import type { FlowContext, HeardSpeech } from "../flow.ts";
import { PcmChunk } from "../../../audio/pcm_chunk.ts";
import { Resampler } from "../../../audio/resampler.ts";
import { typescriptKernel } from "../../../audio/typescript_kernel.ts";
import type { EchoGuard } from "../../hearing/echo_guard.ts";
import { energyVad } from "../../hearing/energy_vad.ts";
import { RowMixer } from "../../hearing/row_mixer.ts";

/** What a {@linkcode RealtimeEar} works with, and tells. */
export interface RealtimeEarInit {
  voice: AgentVoice;
  /** Samples a second that the model wants to hear. */
  sampleRate: number;
  /** What is to be heard next, a view, and who was the loudest in it. */
  onAudio: (pcm: PcmChunk, loudest: Participant) => void;
}

/** One stream of everybody for a model that hears by itself, without the agent's own voice. */
export class RealtimeEar implements Disposable {
  readonly #context: FlowContext;
  readonly #init: RealtimeEarInit;
  readonly #guard: EchoGuard;
  readonly #vad: VadStream;
  readonly #mixer = new RowMixer((mixed) => this.#hear(mixed));
  readonly #resampler: Resampler;
  #converted = new Int16Array(0);
  #speaker: Participant | undefined;
  #heldBackMs = 0;

  constructor(context: FlowContext, init: RealtimeEarInit) {
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

  /** How much was silenced because it was the agent's own voice. */
  get heldBackMs(): number {
    return this.#heldBackMs;
  }

  hear(audio: HeardSpeech): void {
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

  #hear(mixed: HeardSpeech): void {
    const { pcm, participant: loudest, row } = mixed;
    const { voice, sampleRate, onAudio } = this.#init;
    voice.notePlayed(mixed);
    const probability = this.#vad.process(pcm) as number;
    if (probability >= 0.5) this.#speaker = loudest;
    if (this.#guard.push(pcm, probability > 0.2, row)) {
      // The model would take its own voice for somebody who interrupts it.
      pcm.samples.fill(0);
      this.#heldBackMs += pcm.durationMs;
    }
    const room = this.#resampler.maxOutputFrames(pcm.frames);
    if (this.#converted.length < room) this.#converted = new Int16Array(room);
    const made = this.#resampler.process(pcm, this.#converted);
    onAudio(new PcmChunk(this.#converted.subarray(0, made), { sampleRate }), loudest);
  }
}
