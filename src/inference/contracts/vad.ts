import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { Component } from "./component.ts";

/** Voice activity detection: tells speech from everything else. */
export interface VAD extends Component {
  /**
   * Begins to listen to one speaker, at once; nothing is shared between two. What it needs is loaded
   * by `start`. While it throws, or gives something else, loudness decides, and it is asked again a
   * second later.
   */
  open(options: { readonly sampleRate: number }): VadStream;
}

/** Listens to one speaker. */
export interface VadStream extends Disposable {
  /**
   * Takes the next 20 ms, a view that is valid until this returns or its promise settles, and gives
   * the probability of speech in it, 0 to 1. Detectors that work on other lengths collect by
   * themselves and give the latest probability meanwhile.
   *
   * Where it throws or gives something else, loudness decides about these 20 ms. One that takes more
   * than two seconds is not asked again until it is done.
   */
  process(pcm: PcmChunk): number | Promise<number>;
}
