/** The agent's track, with what is said on it and the sounds under it. @module */
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { TranscriptMessage } from "../history/transcript_writer.ts";
import { AgentSpeechEndedEvent, AgentSpeechStartedEvent } from "../contracts/events.ts";
import { PlaybackReference } from "../echo/playback_reference.ts";
import { BackgroundTrack } from "./background_track.ts";
import { SpeechHandle, type SpeechHandleInit, type SpeechOutcome } from "./speech_handle.ts";
import { SpeechQueue, type SpeechQueueInit } from "./speech_queue.ts";

/** Options for something that the agent says. */
export interface PlayOptions extends Omit<SpeechHandleInit, "onEnded"> {
  /** The message that shows it. */
  message: TranscriptMessage;
  /** Called when it has ended, before the event and the change of the message. */
  onEnded?: (outcome: SpeechOutcome, speech: SpeechHandle) => void;
}

/**
 * The agent's voice in the call: plays one speech after another, with events when each is heard and
 * when it ends, and keeps what was played, by which an echo is detected.
 */
export class SpeechOutput {
  readonly queue: SpeechQueue;
  /** The track as the voice sees it: without the sounds under it. */
  readonly track: OutboundAudioTrack;
  readonly playback = new PlaybackReference();
  readonly #context: PipelineContext;
  readonly #background: BackgroundTrack | undefined;
  /** How many speeches have not ended. */
  #speeches = 0;

  constructor(
    context: PipelineContext,
    options: Pick<SpeechQueueInit, "onKept" | "onFewer"> = {},
  ) {
    const { clock, report, untilHeard, background } = context;
    const { playback } = this;
    this.#context = context;
    if (background) {
      this.#background = new BackgroundTrack({
        ...background,
        track: context.track,
        clock,
        playback,
        isHeard: () => context.countPeople?.() !== 0,
        isThinking: () => this.queue.isThinking,
      });
    }
    const track = this.track = this.#background ?? context.track;
    this.queue = new SpeechQueue({
      track,
      clock,
      // With sounds under it the voice is a part of what the track itself records.
      playback: this.#background ? { write: () => {} } : playback,
      report,
      untilHeard,
      ...options,
    });
  }

  /** Ends the sounds under the voice. */
  endBackground(): void {
    this.#background?.close();
  }

  /** Interrupts everything, for good. */
  async close(): Promise<void> {
    this.endBackground();
    await this.queue.close();
  }

  /** Plays it after everything that was added before. */
  play({ message, onPlaybackStarted, onEnded, ...init }: PlayOptions): SpeechHandle {
    const { emit, report, speechesChanged } = this.#context;
    const speech: SpeechHandle = new SpeechHandle({
      ...init,
      onPlaybackStarted: () => {
        const { id: speechId, participant } = speech;
        emit(new AgentSpeechStartedEvent({ speechId, participant }));
        onPlaybackStarted?.(speech);
      },
      onEnded: (outcome) => {
        try {
          onEnded?.(outcome, speech);
        } catch (error) {
          // What was played is shown all the same.
          report(error, "remembering what was said");
        }
        const { text, interrupted } = outcome;
        message.update({ complete: true, interrupted, ...interrupted ? { text } : {} });
        speechesChanged?.(--this.#speeches);
        if (speech.times.playbackStartedMs === 0) return;
        emit(new AgentSpeechEndedEvent({ speechId: speech.id, text, interrupted }));
      },
    });
    speechesChanged?.(++this.#speeches);
    this.queue.add(speech);
    return speech;
  }
}
