/**
 * The media connection: a peer connection that answers one offer. When it has failed, the server sends
 * another offer, and another peer connection replaces it.
 *
 * @module
 */
import { JitterDepth } from "./jitter_depth.js";
import { withAudioNack } from "./repair.js";
import { StatsReader } from "./stats.js";

/**
 * Milliseconds for which a browser searches for a network. Firefox fails immediately without one,
 * Chromium searches forever; neither uses the loopback.
 */
const SEARCH_MS = 3000;
/**
 * Milliseconds after that until a browser that failed without a network needs another connection. The
 * server allows six a minute, and the network may be down for longer.
 */
const AGAIN_MS = 12_000;

/**
 * @typedef {object} PeerHooks
 * @property {(message: object) => void} send sends a message to the server
 * @property {(kind: string) => MediaStreamTrack | null} trackFor returns the track to send
 * @property {(track: MediaStreamTrack) => void} onAudio receives the audio of all others, mixed
 * @property {(state: RTCPeerConnectionState | "no-network") => void} onState `"failed"`: another
 *   connection is needed. `"no-network"`: the browser has found no network for a while; once there is
 *   one, this connection connects or fails
 */

/** A peer connection that answers one offer of the server. */
export class Peer {
  /** The number of the offer. @type {number} */
  offer;
  /** @type {RTCPeerConnection} */
  connection;
  /** Videos of others, by slot. @type {MediaStream[]} */
  streams = [];
  #mids;
  #hooks;
  #stats;
  #depth = new JitterDepth();
  /** What was set last of it. */
  #depthMs = 0;
  #senders = {};
  #closed = false;
  /** Whether the browser has found a candidate of its own. */
  #found = false;
  /** Runs while the browser may still find a network, whatever the connection's state is. */
  #patience;
  #patient = true;
  #failed = false;
  /** Candidates of the page that wait for the answer, which they must not overtake. */
  #own = [];
  /** Candidates of the server that wait for the page's own description. */
  #remote = [];

  /**
   * @param {{ offer: number, mids: { audio: string, camera: string, screen: string,
   *   screenAudio?: string, videos: string[] } }} message the server's offer
   * @param {RTCIceServer[]} iceServers
   * @param {PeerHooks} hooks
   */
  constructor({ offer, mids }, iceServers, hooks) {
    this.offer = offer;
    this.#mids = mids;
    this.#hooks = hooks;
    const connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.connection = connection;
    this.#stats = new StatsReader(connection);
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate || this.#closed) return;
      this.#found = true;
      if (this.#own) this.#own.push(candidate);
      else this.#sendCandidate(candidate);
    };
    connection.onconnectionstatechange = () => {
      const { connectionState } = connection;
      if (this.#closed) return;
      // Without a network the next connection would fail just as fast.
      if (connectionState !== "failed") hooks.onState(connectionState);
      else if (this.#found || !this.#patient) this.#fail();
    };
    connection.ontrack = ({ track, transceiver }) => this.#take(track, transceiver.mid);
  }

  /** Whether media flows. */
  get isConnected() {
    return this.connection.connectionState === "connected";
  }

  /** Whether the browser has found no candidate and is not connected. */
  get lacksNetwork() {
    return !this.#found && !this.isConnected;
  }

  /** Answers the offer. @param {string} sdp the server's */
  async answer(sdp) {
    try {
      await this.#answer(sdp);
    } catch (error) {
      // Closed in the meantime: the next offer, or the end of the call, has replaced this answer.
      if (!this.#closed) throw error;
    }
  }

  async #answer(sdp) {
    const { connection } = this;
    await connection.setRemoteDescription({ type: "offer", sdp });
    const section = (mid) => connection.getTransceivers().find((each) => each.mid === mid);
    const sections = {
      microphone: section(this.#mids.audio),
      camera: section(this.#mids.camera),
      screen: section(this.#mids.screen),
      screenAudio: section(this.#mids.screenAudio),
    };
    sections.microphone.direction = "sendrecv";
    // Negotiated from the start, so that a camera or a screen needs no new negotiation.
    sections.camera.direction = "sendonly";
    sections.screen.direction = "sendonly";
    // An older server has none.
    if (sections.screenAudio) sections.screenAudio.direction = "sendonly";
    for (const [kind, section] of Object.entries(sections)) {
      if (!section) continue;
      const { sender } = section;
      this.#senders[kind] = sender;
      await sender.replaceTrack(this.#hooks.trackFor(kind));
    }
    const answer = await connection.createAnswer();
    await connection.setLocalDescription(answer);
    if (this.#closed) return;
    this.#patience = setTimeout(() => this.#endSearch(), SEARCH_MS);
    this.#hooks.send({ type: "answer", offer: this.offer, sdp: withAudioNack(answer.sdp, sdp) });
    for (const candidate of this.#own) this.#sendCandidate(candidate);
    this.#own = undefined;
    const remote = this.#remote;
    this.#remote = undefined;
    for (const candidate of remote) this.addCandidate(candidate);
  }

  /** Adds a candidate of the server. @param {RTCIceCandidateInit} candidate */
  addCandidate(candidate) {
    if (this.#remote) this.#remote.push(candidate);
    // The others remain when one fails.
    else this.connection.addIceCandidate(candidate).catch(() => {});
  }

  /** Sends another track, or none, without a new negotiation. */
  async replaceTrack(kind, track) {
    if (this.#closed) return;
    try {
      await this.#senders[kind]?.replaceTrack(track);
    } catch (error) {
      // Closed in the meantime: its successor asks for the track itself.
      if (!this.#closed) throw error;
    }
  }

  /** Returns the current measurements. @returns {Promise<import("./stats.js").ConnectionStats>} */
  async measure() {
    const stats = await this.#stats.read();
    const targetMs = this.#depth.update(stats);
    const heard = this.connection.getTransceivers().find(({ mid }) => mid === this.#mids.audio);
    const now = heard?.receiver.jitterBufferTarget;
    // Nothing is set where the buffer may do as it likes, where a browser cannot do it, and where the
    // page has set a depth of its own.
    if (now === undefined || (now ?? 0) !== this.#depthMs || targetMs === this.#depthMs) {
      return stats;
    }
    heard.receiver.jitterBufferTarget = targetMs || null;
    this.#depthMs = targetMs;
    return stats;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#patience);
    this.connection.close();
  }

  #endSearch() {
    if (!this.lacksNetwork) return this.#endPatience();
    this.#patience = setTimeout(() => this.#endPatience(), AGAIN_MS);
    this.#hooks.onState("no-network");
  }

  #endPatience() {
    this.#patient = false;
    if (this.connection.connectionState === "failed") this.#fail();
  }

  /** Reports once that another connection is needed. */
  #fail() {
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    this.#hooks.onState("failed");
  }

  #sendCandidate(candidate) {
    this.#hooks.send({ type: "candidate", offer: this.offer, candidate: candidate.toJSON() });
  }

  #take(track, mid) {
    if (mid === this.#mids.audio) return this.#hooks.onAudio(track);
    const index = this.#mids.videos.indexOf(mid);
    if (index >= 0) this.streams[index] = new MediaStream([track]);
  }
}
