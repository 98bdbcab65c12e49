/** The audio that a new session with a realtime model has to hear. @module */
import type { PcmChunk } from "../../../audio/pcm_chunk.ts";
import type { Participant } from "../../../edge/types.ts";

/** How much is kept of what was said. */
const CAPACITY_MS = 30_000;
/** How much is kept from before: a service hears speech late. */
const LEAD_MS = 600;
/** How much silence is kept after speech, for the service to notice its end. */
const TRAIL_MS = 1500;

/**
 * Keeps what was said and not understood yet, so that a session that replaces a lost one can hear it:
 * what is said while there is no session, and a turn of which there is no transcript.
 */
export class KeptAudio {
  readonly #chunks: { readonly pcm: PcmChunk; readonly participant: Participant }[] = [];
  #ms = 0;
  #silenceMs = 0;
  #isNeeded = false;

  /** Keeps a copy, unless it is one of many that are silent. */
  add(pcm: PcmChunk, participant: Participant, { isSpeech }: { isSpeech: boolean }): void {
    this.#silenceMs = isSpeech ? 0 : this.#silenceMs + pcm.durationMs;
    if (this.#isNeeded && this.#silenceMs > TRAIL_MS) return;
    this.#chunks.push({ pcm: pcm.clone(), participant });
    this.#ms += pcm.durationMs;
    this.#trim();
  }

  /** What comes, and what was there just before, is needed from now on. */
  need(): void {
    this.#isNeeded = true;
  }

  /** What there is has been understood. */
  forget(): void {
    this.#isNeeded = false;
    this.#trim();
  }

  /** Whether a new session has to hear it. */
  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /** Sends it all, oldest first. */
  replay(send: (pcm: PcmChunk, participant: Participant) => void): void {
    for (const { pcm, participant } of this.#chunks) send(pcm, participant);
  }

  #trim(): void {
    const limitMs = this.#isNeeded ? CAPACITY_MS : LEAD_MS;
    while (this.#ms > limitMs) this.#ms -= this.#chunks.shift()!.pcm.durationMs;
  }
}
