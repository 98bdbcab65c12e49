/** The way of a speech's audio to its track, until the listener has heard it. @module */
import type { Clock } from "../../events/clock.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { PlaybackReference } from "../echo/playback_reference.ts";
import type { SpeechHandle } from "./speech_handle.ts";
import { ClosedError } from "../../edge/errors.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { attempt, type Report } from "../../events/user_code.ts";
import { sleep } from "../../events/waiting.ts";
import { untilAborted } from "../../events/until_aborted.ts";

/** Options for a {@linkcode SpeechPlayer}. */
export interface SpeechPlayerInit {
  /** The agent's track: of a speech that has none of its own. */
  track: OutboundAudioTrack;
  clock: Clock;
  /** Waits until there is a person to hear it; returns `undefined` where there is one already. */
  untilHeard?: (signal: AbortSignal) => Promise<unknown> | undefined;
  /** Called with what is written to the agent's track. */
  playback: Pick<PlaybackReference, "write">;
  /** Waits until a speech that was suspended is the one that is played. */
  resumed: (speech: SpeechHandle) => Promise<void>;
  /** The speeches that wait in silence meanwhile. */
  suspended: () => readonly SpeechHandle[];
  /** Called when a speech could not begin in time: drops it, which aborts its signal. */
  onStale: (speech: SpeechHandle) => void;
  /** Called when a speech has ended, unless it was interrupted; `all` says whether it was heard whole. */
  onEnded: (speech: SpeechHandle, all: boolean) => void;
  report: Report;
}

/** How often to check whether the listener has heard something. */
export const POLL_MS = 10;
/** The longest delay that a listener can have: the end of a speech is not waited for longer. */
const MAX_DELAY_MS = 2000;

/** Writes the audio of speeches, each to its track, and waits until the listener has heard it. */
export class SpeechPlayer {
  readonly #options: SpeechPlayerInit;
  #playbackTimer: Disposable | undefined;

  constructor(options: SpeechPlayerInit) {
    this.#options = options;
  }

  /** Plays a speech. Never rejects: a failure is reported, and ends the speech. */
  async play(speech: SpeechHandle): Promise<void> {
    const { clock, report, resumed, onEnded } = this.#options;
    const { signal } = speech;
    try {
      const audio = untilAborted(() => speech.audio(), "the speech", signal, clock);
      for await (const pcm of audio) await this.#write(speech, pcm);
      await resumed(speech);
      speech.spoken.isComplete = true;
      await this.#drain(speech);
      signal.throwIfAborted();
    } catch (error) {
      // What has interrupted it ends it.
      if (signal.aborted) return;
      // The one participant who was to hear it has left.
      if (speech.track && error instanceof ClosedError) {
        this.#try(() => speech.interrupt());
        return onEnded(speech, false);
      }
      report(error, "speaking");
      speech.failure = { error };
      this.#try(() => speech.stop());
      await resumed(speech).catch(() => {});
      await this.#drain(speech).catch(() => {});
      if (signal.aborted) return;
      onEnded(speech, false);
      return;
    }
    onEnded(speech, true);
  }

  /** Waits no longer for the listener to hear the beginning of the latest speech. */
  stopWatching(): void {
    this.#playbackTimer?.[Symbol.dispose]();
  }

  #trackOf(speech: SpeechHandle): OutboundAudioTrack {
    return speech.track ?? this.#options.track;
  }

  async #write(speech: SpeechHandle, pcm: PcmChunk): Promise<void> {
    const { clock, playback, resumed, suspended, untilHeard, onStale } = this.#options;
    const track = this.#trackOf(speech);
    if (pcm.frames === 0) return;
    await resumed(speech);
    speech.signal.throwIfAborted();
    if (speech.startMs === undefined) {
      await untilHeard?.(speech.signal);
      if (speech.staleAtMs <= clock.now()) {
        onStale(speech);
        speech.signal.throwIfAborted();
      }
      speech.times.firstAudioMs = clock.now();
      speech.startMs = track.playedMs + track.bufferedMs;
      this.#watchForPlayback(speech);
    }
    // The positions of an echo are those of the agent's own track.
    if (!speech.track) playback.write(pcm.channels === 1 ? pcm : pcm.toMono(), speech.endMs);
    for (const other of suspended()) {
      if (other.track === speech.track) other.addInterlude(speech.endMs, pcm.durationMs);
    }
    speech.spoken.audioMs += pcm.durationMs;
    await track.write(pcm, { signal: speech.signal });
    speech.writtenMs = clock.now();
  }

  /** Waits until the listener has heard all that was written of a speech. */
  async #drain(speech: SpeechHandle): Promise<void> {
    if (speech.startMs === undefined) return;
    const { clock } = this.#options;
    const track = this.#trackOf(speech);
    const { signal } = speech;
    const nothing = new PcmChunk(new Int16Array(0), { sampleRate: 48_000 });
    await track.write(nothing, { final: true, signal });
    await track.drain({ signal });
    const giveUpAt = clock.now() + MAX_DELAY_MS;
    // The fraction of a sample that resampling may withhold is not waited for.
    const endMs = Math.min(track.playedMs, speech.endMs) - 1;
    while (track.heardMs < endMs && clock.now() < giveUpAt) {
      await sleep(POLL_MS, { clock, signal });
    }
    // One that was closed meanwhile has not played it, and rejects.
    if (speech.track) await track.write(nothing, { signal });
  }

  #watchForPlayback(speech: SpeechHandle): void {
    const { clock } = this.#options;
    const track = this.#trackOf(speech);
    const poll = (): void => {
      if (speech.isEnded || speech.signal.aborted) return;
      if (track.heardMs > speech.startMs!) this.#try(() => speech.playbackStarted(clock.now()));
      else this.#playbackTimer = clock.schedule(poll, POLL_MS);
    };
    this.#playbackTimer = clock.schedule(poll, POLL_MS);
  }

  /** Calls the callbacks of a speech: where they fail, it is played all the same. */
  #try(act: () => void): void {
    attempt(act, (error) => this.#options.report(error, "speaking"));
  }
}
