/** Keeps an agent that writes to its track itself from hearing its own voice. @module */
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { ParticipantAudio } from "../../edge/participant_audio.ts";
import type { Participant } from "../../edge/types.ts";
import { checkMethods, checkOptions } from "../../events/checks.ts";
import { meanSquare } from "../../audio/level.ts";
import { assertPcmChunk, PcmChunk } from "../../audio/pcm_chunk.ts";
import { EchoDetector } from "./echo_detector.ts";
import { PlaybackReference } from "./playback_reference.ts";

/** The longest piece that is written: what the track holds and the detector remembers stay in step. */
const PIECE_MS = 1000;
/** Mean square from which on there may be a voice: -55 dB of full scale. */
const SOUND = 60 ** 2;

/**
 * Knows the agent's own voice again when it comes back out of a participant's loudspeaker: for a
 * processor that writes to `agent.audio` itself. An agent with models has one already.
 *
 * It knows an echo of up to 1.2 s by its waveform. A person who is louder than the echo is heard.
 *
 * @example
 * ```ts
 * import { TrackEchoDetector, type Processor } from "@ringline/edge";
 *
 * let echo: TrackEchoDetector;
 * const listener: Processor = {
 *   name: "listener",
 *   start: ({ audio }) => void (echo = new TrackEchoDetector(audio)),
 *   processAudio(audio) {
 *     if (echo.isEcho(audio)) return;
 *     // A person speaks. What the agent says goes to echo.write().
 *   },
 *   participantLeft: (participant) => echo.participantLeft(participant),
 * };
 * ```
 */
export class TrackEchoDetector {
  readonly #track: OutboundAudioTrack;
  readonly #playback = new PlaybackReference();
  readonly #detectors = new Map<string, EchoDetector>();
  /** Resolves after the latest write. */
  #written: Promise<void> = Promise.resolve();

  /**
   * Creates a detector for what is played through this track.
   *
   * @throws {TypeError} `track` is not an agent's track
   */
  constructor(track: OutboundAudioTrack) {
    checkMethods(track, "track", "an agent's audio track", ["write", "flush"]);
    this.#track = track;
  }

  /**
   * Writes to the track, as its own `write` does, and remembers what it says. Writes go one after the
   * other: what a flush of the track overtakes is not written. `pcm` must stay as it is until then.
   *
   * @throws what the track's `write` throws
   */
  write(
    pcm: PcmChunk,
    options: { final?: boolean; signal?: AbortSignal } = {},
  ): Promise<void> {
    const { epoch } = this.#track;
    const known = { final: true, signal: true };
    try {
      checkOptions(options, "the options of write", known, "an object like { final: true }");
    } catch (error) {
      return Promise.reject(error);
    }
    const written = this.#written.then(() => this.#write(pcm, epoch, options));
    // As with the track's own write, a program need not await it.
    this.#written = written.catch(() => {});
    return written;
  }

  /** Returns whether these 20 ms of a participant are the agent's own voice. Takes all, in order. */
  isEcho({ participant, pcm, row, playedMs }: ParticipantAudio): boolean {
    this.#playback.update(row, playedMs ?? this.#track.playedMs);
    let detector = this.#detectors.get(participant.id);
    if (!detector) {
      this.#detectors.set(participant.id, detector = new EchoDetector(this.#playback));
    }
    return detector.push(pcm, meanSquare(pcm.samples) > SOUND, row);
  }

  /** Forgets a participant. */
  participantLeft({ id }: Participant): void {
    this.#detectors.delete(id);
  }

  async #write(
    pcm: PcmChunk,
    epoch: number,
    { final = false, signal }: { final?: boolean; signal?: AbortSignal },
  ): Promise<void> {
    const track = this.#track;
    assertPcmChunk(pcm, "pcm");
    const { samples, channels, sampleRate, frames } = pcm;
    const pieceFrames = Math.ceil(sampleRate * PIECE_MS / 1000);
    for (let from = 0; from < Math.max(frames, 1); from += pieceFrames) {
      if (track.epoch !== epoch) return;
      const part = samples.subarray(from * channels, (from + pieceFrames) * channels);
      const piece = new PcmChunk(part, { sampleRate, channels });
      this.#playback.write(piece.toMono(), track.playedMs + track.bufferedMs);
      const isLast = from + pieceFrames >= frames;
      await track.write(piece, { final: final && isLast, ...signal && { signal } });
    }
  }
}
