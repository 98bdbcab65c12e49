/** What a realtime model hears of the participants, and what it understood. @module */
import type { ParticipantAudio } from "../../../edge/participant_audio.ts";
import type { Participant } from "../../../edge/types.ts";
import type { RealtimeEvent, RealtimeLLM, RealtimeSession } from "../../contracts/realtime_llm.ts";
import type { PlaybackReference } from "../../echo/playback_reference.ts";
import type { PipelineContext } from "../../pipeline_context.ts";
import type { TranscriptWriter } from "../../history/transcript_writer.ts";
import type { TurnTimes } from "../../reply/reply_latency.ts";
import { SLOT_MS } from "../../../audio/grid.ts";
import { PcmChunk } from "../../../audio/pcm_chunk.ts";
import { attempt, UserHook } from "../../../events/user_code.ts";
import { SpeechStartedEvent, SpeechStoppedEvent, TurnEndedEvent } from "../../contracts/events.ts";
import { type ChatHistory, userMessage } from "../../history/chat_history.ts";
import { KeptAudio } from "./kept_audio.ts";
import { RealtimeInput } from "./realtime_input.ts";
import { TrailingSilence } from "./trailing_silence.ts";

/** What {@linkcode RealtimeListener} needs. */
export interface RealtimeListenerInit {
  llm: RealtimeLLM;
  context: PipelineContext;
  /** What the agent plays, which may come back out of a loudspeaker. */
  playback: PlaybackReference;
  transcript: TranscriptWriter;
  history: ChatHistory;
  /** Returns the session; `undefined` while there is none. */
  session: () => RealtimeSession | undefined;
  /** Returns whether the agent says, or does, what people cannot interrupt: the model hears them after it. */
  isHeld: () => boolean;
}

/**
 * Sends the participants' audio to a realtime model, and tells the application and the conversation
 * what the model understood. What a lost session did not understand is kept for the next one.
 */
export class RealtimeListener implements Disposable {
  readonly #init: RealtimeListenerInit;
  readonly #input: RealtimeInput;
  readonly #kept = new KeptAudio();
  /** What the model is to hear later. */
  #held: KeptAudio | undefined;
  readonly #silence: TrailingSilence;
  readonly #sendAudio: UserHook<PcmChunk, Participant>;
  #loudest: Participant | undefined;
  #isSpeech = false;

  constructor(init: RealtimeListenerInit) {
    const { llm, context, playback, session } = init;
    const { clock, report } = context;
    this.#init = init;
    this.#sendAudio = new UserHook<PcmChunk, Participant>(
      (pcm, loudest) => session()?.sendAudio(pcm, loudest),
      { clock, report, context: `${llm.name}, sendAudio` },
    );
    this.#input = new RealtimeInput(context, {
      playback,
      sampleRate: llm.inputRate,
      onAudio: (pcm, loudest, isSpeech) => {
        // A turn that has begun is heard to its end.
        const isHeld = init.isHeld() && (this.#held || !this.#isSpeech);
        if (isHeld) return this.#hold(pcm, loudest, isSpeech);
        this.endHold();
        this.#silence.audioSent(isSpeech);
        this.#send(pcm, loudest, isSpeech);
      },
    });
    this.#silence = new TrailingSilence({
      clock,
      send: () => this.#sendSilence(),
      commit: () => this.#commitTurn(),
    });
  }

  /** The participant who spoke last. */
  get speaker(): Participant | undefined {
    return this.#input.speaker;
  }

  /** Whether the model hears a person speak. */
  get isSpeech(): boolean {
    return this.#isSpeech;
  }

  /** How much audio was silenced because it was the agent's echo. */
  get suppressedMs(): number {
    return this.#input.suppressedMs;
  }

  /** Since when a participant speaks, by our own VAD; `undefined` while none does. */
  get speakingSinceMs(): number | undefined {
    return this.#input.speakingSinceMs;
  }

  /** When the current speech began, by our own VAD: the model's event comes later. */
  get speechStartedMs(): number {
    return this.#input.speakingSinceMs ?? this.#init.context.clock.now();
  }

  processAudio(audio: ParticipantAudio): void {
    this.#input.processAudio(audio);
  }

  /** No audio comes from one of the participants for now. */
  flush(): void {
    this.#input.flush();
  }

  /** The model hears a person speak. */
  speechStarted(): void {
    this.#isSpeech = true;
    this.#kept.need();
    this.#silence.speechStarted();
    const { speaker: participant } = this;
    if (!participant) return;
    const atMs = this.speechStartedMs;
    this.#init.context.emit(new SpeechStartedEvent({ participant, atMs }));
  }

  /** The model hears that they have stopped. Returns the times of the turn, if the speaker is known. */
  speechStopped(): TurnTimes | undefined {
    this.#isSpeech = false;
    this.#silence.speechStopped();
    const { speaker: participant } = this;
    if (!participant) return undefined;
    const { clock, emit } = this.#init.context;
    const endedMs = clock.now();
    const endOfSpeechMs = this.#input.lastSoundMs ?? endedMs;
    emit(new SpeechStoppedEvent({ participant, atMs: endOfSpeechMs }));
    return { participant, endOfSpeechMs, endedMs };
  }

  /** The model understood more of a turn. */
  transcribed(
    { id, text, final, error }: Extract<RealtimeEvent, { type: "user-transcript" }>,
  ): void {
    const { llm, context, transcript, history } = this.#init;
    const { speaker: participant } = this;
    const interrupted = error !== undefined;
    if (interrupted) context.report(error, `${llm.name}: transcribing`);
    if (final) this.#kept.forget();
    if (!participant) return;
    transcript.writeTurn(id, { participant, text, final, interrupted });
    if (!final || !/\S/.test(text)) return;
    history.append(userMessage(text, participant));
    context.toolLedger.personSpoke();
    context.emit(new TurnEndedEvent({ participant, text, reason: "silence" }));
  }

  /** The model has replied to what was said. */
  replied(): void {
    if (!this.#isSpeech) this.#kept.forget();
  }

  /** The session was lost. */
  lost(): void {
    this.#isSpeech = false;
    this.#silence.speechStopped();
    if (this.#input.speakingSinceMs !== undefined) this.#kept.need();
  }

  /** There is a session: it hears what the one before did not understand. Returns whether it does. */
  connected(): boolean {
    if (!this.#kept.isNeeded) return false;
    this.#kept.replay((pcm, participant) => void this.#sendAudio.run(pcm, participant));
    return true;
  }

  /** The model may be interrupted again, and hears what was said meanwhile, unless that is forgotten. */
  endHold({ discards = false } = {}): void {
    const held = this.#held;
    this.#held = undefined;
    if (!held?.isNeeded || discards) return;
    held.replay((pcm, participant) => {
      this.#silence.audioSent(true);
      this.#send(pcm, participant, true);
    });
  }

  /** Ends what goes on by itself. */
  stop(): void {
    this.#silence[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.stop();
    this.#input[Symbol.dispose]();
  }

  #send(pcm: PcmChunk, loudest: Participant, isSpeech: boolean): void {
    this.#loudest = loudest;
    this.#kept.add(pcm, loudest, { isSpeech });
    if (this.#init.session()) void this.#sendAudio.run(pcm, loudest);
    else if (isSpeech) this.#kept.need();
  }

  /** A model that hears a person stops: it hears silence meanwhile. */
  #hold(pcm: PcmChunk, loudest: Participant, isSpeech: boolean): void {
    this.#held ??= new KeptAudio();
    this.#held.add(pcm, loudest, { isSpeech });
    if (isSpeech) this.#held.need();
    pcm.samples.fill(0);
    this.#silence.audioSent(false);
    this.#send(pcm, loudest, false);
  }

  #sendSilence(): void {
    const { inputRate: sampleRate } = this.#init.llm;
    const pcm = new PcmChunk(new Int16Array(sampleRate * SLOT_MS / 1000), { sampleRate });
    if (this.#loudest) this.#send(pcm, this.#loudest, false);
  }

  /** Ends a turn whose end the model does not notice. */
  #commitTurn(): void {
    if (!this.#isSpeech) return;
    this.#isSpeech = false;
    const { llm, context, session } = this.#init;
    attempt(
      () => session()?.commitTurn?.(),
      (error) => context.report(error, `ending a turn of ${llm.name}`),
    );
  }
}
