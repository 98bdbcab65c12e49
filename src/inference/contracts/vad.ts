/** The contract of voice activity detection. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Component } from "./component.ts";

/** Voice activity detection: tells speech from everything else. */
export interface VAD extends Component {
  /**
   * Opens a stream for one speaker, without waiting; streams share nothing. `start` loads what it
   * needs. While it throws, or returns something else, loudness decides, and it is called again a
   * second later.
   */
  open(options: { readonly sampleRate: number }): VadStream;
}

/** Voice activity detection for one speaker. */
export interface VadStream extends Disposable {
  /**
   * Takes the next 20 ms, a view that is valid until this returns or its promise settles, and
   * returns the probability of speech in it, 0 to 1. Detectors that work on other lengths collect
   * samples themselves and return the latest probability meanwhile.
   *
   * Where it throws or returns something else, loudness decides about these 20 ms. One that takes
   * more than two seconds is not called again until it is done.
   */
  process(pcm: PcmChunk): number | Promise<number>;
}
