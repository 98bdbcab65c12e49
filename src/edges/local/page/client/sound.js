/**
 * What WebAudio does for a call: it makes silence, and it tells how loud something is.
 *
 * @module
 */

/** The audio context of a call. Nothing of it is there before `open`. */
export class Sound {
  /** @type {AudioContext | undefined} */
  #context;
  #analyser;
  /** A track of nothing. @type {MediaStreamTrack | undefined} */
  silence;

  open() {
    // The least latency makes the browser's whole output faster, the media element's too.
    const context = new AudioContext({ latencyHint: 0 });
    this.#context = context;
    const destination = context.createMediaStreamDestination();
    const source = new ConstantSourceNode(context, { offset: 0 });
    source.connect(destination);
    source.start();
    this.silence = destination.stream.getAudioTracks()[0];
    context.resume().catch(() => {});
  }

  /** From the decoder to the loudspeaker. @returns {number | undefined} */
  get outputMs() {
    const latency = this.#context?.outputLatency;
    return latency === undefined ? undefined : latency * 1000;
  }

  /** Wakes it up, which browsers allow from a click. */
  async resume() {
    await this.#context?.resume();
  }

  /** Hears this track from now on, and no other. @param {MediaStreamTrack | null} track */
  listenTo(track) {
    this.#analyser?.disconnect();
    this.#analyser = track && this.#context ? analyse(this.#context, track) : undefined;
  }

  /** How loud the track that is listened to is, 0 to 1. */
  get level() {
    return this.#analyser ? analyserLevel(this.#analyser) : 0;
  }

  close() {
    this.silence?.stop();
    this.#analyser?.disconnect();
    this.#context?.close().catch(() => {});
  }
}

/**
 * An analyser that hears a track, for a level meter.
 *
 * @param {AudioContext} context
 * @param {MediaStreamTrack} track
 * @returns {AnalyserNode}
 */
export function analyse(context, track) {
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  return analyser;
}

/**
 * The peak of what an analyser hears, 0 to 1.
 *
 * @param {AnalyserNode} analyser
 * @returns {number}
 */
export function analyserLevel(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  return samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
}
