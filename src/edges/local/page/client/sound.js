/**
 * WebAudio for a call: a silent track, and loudness.
 *
 * @module
 */

/** The audio context of a call, which `open` creates. */
export class Sound {
  /** @type {AudioContext | undefined} */
  #context;
  #analyser;
  /** A silent track. @type {MediaStreamTrack | undefined} */
  silence;

  open() {
    // The lowest latency makes all of the browser's output faster, the media element's too.
    const context = new AudioContext({ latencyHint: 0 });
    this.#context = context;
    const destination = context.createMediaStreamDestination();
    const source = new ConstantSourceNode(context, { offset: 0 });
    source.connect(destination);
    source.start();
    this.silence = destination.stream.getAudioTracks()[0];
    context.resume().catch(() => {});
  }

  /** Milliseconds from the decoder to the loudspeaker. @returns {number | undefined} */
  get outputMs() {
    const latency = this.#context?.outputLatency;
    return latency === undefined ? undefined : latency * 1000;
  }

  /** Resumes it, which browsers allow from a click. */
  async resume() {
    await this.#context?.resume();
  }

  /** Measures this track from now on, and no other. @param {MediaStreamTrack | null} track */
  listenTo(track) {
    this.#analyser?.disconnect();
    this.#analyser = track && this.#context ? analyse(this.#context, track) : undefined;
  }

  /** The loudness of the measured track, 0 to 1. */
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
 * Returns an analyser of a track, for a level meter.
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
 * Returns the current peak of an analyser, 0 to 1.
 *
 * @param {AnalyserNode} analyser
 * @returns {number}
 */
export function analyserLevel(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  return samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
}
