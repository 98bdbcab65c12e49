/** What a realtime model hears: the participants, mixed, without the agent's echo. @module */
import type { ParticipantAudio } from "../../../edge/participant_audio.ts";
import type { Participant } from "../../../edge/types.ts";
import type { VadStream } from "../../contracts/vad.ts";
import type { PlaybackReference } from "../../echo/playback_reference.ts";
import type { PipelineContext } from "../../pipeline_context.ts";
import { PcmChunk } from "../../../audio/pcm_chunk.ts";
import { Resampler } from "../../../audio/resampler.ts";
import { typescriptKernel } from "../../../audio/typescript_kernel.ts";
import { EchoDetector } from "../../echo/echo_detector.ts";
import { energyVad } from "../../vad/energy_vad.ts";
import { VadStateMachine } from "../../vad/vad_state_machine.ts";
import { RowMixer } from "../../turns/row_mixer.ts";

/** What {@linkcode RealtimeInput} needs. */
export interface RealtimeInputInit {
  /** What the agent plays, which may come back out of a loudspeaker. */
  playback: PlaybackReference;
  /** Samples per second that the model takes. */
  sampleRate: number;
  /** Called with the next audio, a view, the loudest participant in it, and whether they may speak. */
  onAudio: (pcm: PcmChunk, loudest: Participant, isSpeech: boolean) => void;
}

/** Mixes the participants into one stream for a realtime model, without the agent's own echo. */
export class RealtimeInput implements Disposable {
  readonly #context: PipelineContext;
  readonly #init: RealtimeInputInit;
  readonly #echo: EchoDetector;
  readonly #vad: VadStream;
  readonly #state = new VadStateMachine();
  readonly #mixer = new RowMixer((audio) => this.#process(audio));
  readonly #resampler: Resampler;
  #converted = new Int16Array(0);
  #speaker: Participant | undefined;
  #lastSlotAt = 0;
  #lastSoundMs: number | undefined;
  #suppressedMs = 0;

  constructor(context: PipelineContext, init: RealtimeInputInit) {
    const { sampleRate } = context;
    this.#context = context;
    this.#init = init;
    this.#echo = new EchoDetector(init.playback);
    this.#vad = energyVad().open({ sampleRate });
    this.#resampler = new Resampler(typescriptKernel(), {
      inputRate: sampleRate,
      outputRate: init.sampleRate,
    });
  }

  /** The participant who spoke last. */
  get speaker(): Participant | undefined {
    return this.#speaker;
  }

  /** When the current speech began; `undefined` in silence. */
  get speakingSinceMs(): number | undefined {
    const { isSpeech, isRising, sinceFirstSoundMs } = this.#state;
    return isSpeech || isRising ? this.#lastSlotAt - sinceFirstSoundMs : undefined;
  }

  /** When the latest sound of speech was; `undefined` before there was any. */
  get lastSoundMs(): number | undefined {
    return this.#lastSoundMs;
  }

  /** How much audio was silenced because it was the agent's echo. */
  get suppressedMs(): number {
    return this.#suppressedMs;
  }

  processAudio(audio: ParticipantAudio): void {
    this.#mixer.push(audio);
  }

  /** Emits the row in progress: no audio comes from one of the participants for now. */
  flush(): void {
    this.#mixer.flush();
  }

  [Symbol.dispose](): void {
    this.#resampler[Symbol.dispose]();
    this.#vad[Symbol.dispose]();
  }

  #process({ pcm, participant: loudest, row, playedMs }: ParticipantAudio): void {
    const { playback, sampleRate, onAudio } = this.#init;
    playback.update(row, playedMs ?? this.#context.track.playedMs);
    const probability = this.#vad.process(pcm) as number;
    if (probability >= 0.5) this.#speaker = loudest;
    const isEcho = this.#echo.push(pcm, probability > 0.2, row);
    this.#updateState(isEcho ? 0 : probability, pcm.durationMs);
    if (isEcho) {
      // The model would take its own voice for an interruption.
      pcm.samples.fill(0);
      this.#suppressedMs += pcm.durationMs;
    }
    const room = this.#resampler.maxOutputFrames(pcm.frames);
    if (this.#converted.length < room) this.#converted = new Int16Array(room);
    const frames = this.#resampler.process(pcm, this.#converted);
    const { isSpeech, isRising } = this.#state;
    const chunk = new PcmChunk(this.#converted.subarray(0, frames), { sampleRate });
    onAudio(chunk, loudest, isSpeech || isRising);
  }

  /** Follows speech as well as the model does, which does not tell when it began. */
  #updateState(probability: number, slotMs: number): void {
    this.#lastSlotAt = this.#context.clock.now();
    const change = this.#state.push(probability, slotMs);
    if (!this.#state.isSpeech && change !== "stopped") return;
    this.#lastSoundMs = this.#lastSlotAt - this.#state.silenceMs;
  }
}
