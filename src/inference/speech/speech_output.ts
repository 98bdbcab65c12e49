import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { SpeechHandleInit, SpeechOutcome } from "./speech_handle.ts";
import type { LoggedMessage } from "../history/transcript_writer.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import { AgentSpeechEndedEvent, AgentSpeechStartedEvent } from "../contracts/events.ts";
import { EchoDetector } from "../echo/echo_detector.ts";
import { PlaybackReference } from "../echo/playback_reference.ts";
import { SpeechQueue } from "./speech_queue.ts";
import { SpeechHandle } from "./speech_handle.ts";

/** Something that is to be said, and where it is shown. */
export interface SpokenInit extends Omit<SpeechHandleInit, "onOver"> {
  message: LoggedMessage;
  /** It is over; called before anybody is told. */
  onOver?: (outcome: SpeechOutcome, speech: SpeechHandle) => void;
}

/**
 * The agent's own voice: what it says, one after another, with events when it begins and ends to be
 * heard, and the memory by which it is known again when it comes back out of a loudspeaker.
 */
export class SpeechOutput {
  readonly floor: SpeechQueue;
  readonly #context: PipelineContext;
  readonly #own = new PlaybackReference();

  constructor(context: PipelineContext) {
    const { clock, track, report } = context;
    this.#context = context;
    this.floor = new SpeechQueue({ track, clock, ownVoice: this.#own, report });
  }

  /** Tells this voice from the people whom one microphone, or all of them mixed, hears. */
  echoGuard(): EchoDetector {
    return new EchoDetector(this.#own);
  }

  /** Takes note of how much of it had been played when somebody was heard: for the guards. */
  notePlayed({ row, playedMs }: ParticipantAudio): void {
    this.#own.update(row, playedMs ?? this.#context.track.playedMs);
  }

  /** Says it after everything that was to be said before. */
  say({ message, onHeard, onOver, ...init }: SpokenInit): SpeechHandle {
    const { emit, report } = this.#context;
    const speech: SpeechHandle = new SpeechHandle({
      ...init,
      onHeard: () => {
        const { id: speechId, participant } = speech;
        emit(new AgentSpeechStartedEvent({ speechId, participant }));
        onHeard?.(speech);
      },
      onOver: (outcome) => {
        try {
          onOver?.(outcome, speech);
        } catch (error) {
          // What was heard is shown all the same.
          report(error, "remembering what was said");
        }
        const { text, interrupted } = outcome;
        message.update({ complete: true, interrupted, ...interrupted ? { text } : {} });
        if (speech.times.heard === 0) return;
        emit(new AgentSpeechEndedEvent({ speechId: speech.id, text, interrupted }));
      },
    });
    this.floor.add(speech);
    return speech;
  }
}
