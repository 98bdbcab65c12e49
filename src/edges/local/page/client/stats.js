/**
 * Delay and loss of the received audio. The server uses the delay: an agent must know how much of its
 * speech a person has heard.
 *
 * @module
 */

/**
 * Measured once a second. Durations are in milliseconds, and `undefined` until known.
 *
 * @typedef {object} ConnectionStats
 * @property {number} [roundTripMs] round trip of the media
 * @property {number} [signalMs] round trip of the signalling
 * @property {number} [jitterBufferMs] wait in the jitter buffer
 * @property {number} [outputMs] from the decoder to the loudspeaker
 * @property {number} [concealed] share of the audio that the decoder had to conceal, 0 to 1
 * @property {number} [nackCount] lost packets of the audio that were asked for again (Firefox: never)
 */

/** Reads the statistics of one peer connection. */
export class StatsReader {
  #connection;
  /** The audio counters of the last reading: they only grow. */
  #before = {};

  /** @param {RTCPeerConnection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /** Returns the statistics since the last reading, without those that are unknown. */
  async read() {
    /** @type {ConnectionStats} */
    const stats = {};
    const entries = [...(await this.#connection.getStats()).values()];
    const transport = entries.find(({ type }) => type === "transport");
    const pair = entries.find(({ id }) => id === transport?.selectedCandidatePairId) ??
      entries.find(({ type, nominated }) => type === "candidate-pair" && nominated);
    if (pair?.currentRoundTripTime !== undefined) {
      stats.roundTripMs = pair.currentRoundTripTime * 1000;
    }
    const sound = entries.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
    if (sound) {
      const change = (name) => (sound[name] ?? 0) - (this.#before[name] ?? 0);
      const emitted = change("jitterBufferEmittedCount");
      const received = change("totalSamplesReceived");
      if (emitted > 0) stats.jitterBufferMs = change("jitterBufferDelay") / emitted * 1000;
      if (sound.nackCount !== undefined) stats.nackCount = change("nackCount");
      if (received > 0) stats.concealed = change("concealedSamples") / received;
      this.#before = sound;
    }
    return stats;
  }
}
