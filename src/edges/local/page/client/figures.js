/**
 * How late, and how whole, what is heard arrives. The server takes its share of it into account:
 * an agent must know what of its words a person has heard.
 *
 * @module
 */

/**
 * Measured once a second. Durations in milliseconds; `undefined` where nothing is known yet.
 *
 * @typedef {object} Figures
 * @property {number} [roundTripMs] there and back on the media's way
 * @property {number} [signalMs] there and back over the signalling
 * @property {number} [jitterBufferMs] what is received waits this long before it is decoded
 * @property {number} [outputMs] from the decoder to the loudspeaker
 * @property {number} [concealed] share of the sound that had to be invented, 0 to 1
 */

/** Reads the figures of one peer connection out of its statistics. */
export class ConnectionFigures {
  #connection;
  /** The sound's counters when they were read before: they only ever grow. */
  #before = {};

  /** @param {RTCPeerConnection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /** What has changed since the last reading; what is not known is not there. */
  async read() {
    /** @type {Figures} */
    const figures = {};
    const entries = [...(await this.#connection.getStats()).values()];
    const transport = entries.find(({ type }) => type === "transport");
    const pair = entries.find(({ id }) => id === transport?.selectedCandidatePairId) ??
      entries.find(({ type, nominated }) => type === "candidate-pair" && nominated);
    if (pair?.currentRoundTripTime !== undefined) {
      figures.roundTripMs = pair.currentRoundTripTime * 1000;
    }
    const sound = entries.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
    if (sound) {
      const change = (name) => (sound[name] ?? 0) - (this.#before[name] ?? 0);
      const emitted = change("jitterBufferEmittedCount");
      const received = change("totalSamplesReceived");
      if (emitted > 0) figures.jitterBufferMs = change("jitterBufferDelay") / emitted * 1000;
      if (received > 0) figures.concealed = change("concealedSamples") / received;
      this.#before = sound;
    }
    return figures;
  }
}
