// @ts-self-types="./client.d.ts"
/**
 * Ringline's client for browsers: joins a call that a LocalEdge serves. It has no dependencies and
 * needs no build step; the page beside it uses it, and yours can too.
 *
 * ```html
 * <button id="join">Join</button>
 * <script type="module">
 *   import { RinglineClient } from "http://127.0.0.1:8080/client.js";
 *
 *   const client = new RinglineClient({ link: "http://127.0.0.1:8080/call/default/kitchen#secret" });
 *   client.addEventListener("ended", (event) => console.log(event.detail.message));
 *   client.addEventListener("event", (event) => console.log(event.detail.data));
 *   // From a click, so that the browser plays audio.
 *   document.querySelector("#join").onclick = () => client.join({ name: "Ada" });
 * </script>
 * ```
 *
 * A page of another origin must be named in the edge's `origins`.
 *
 * Events are `CustomEvent`s on the client, with this `detail`:
 *
 * | event          | detail                                                                            |
 * | -------------- | --------------------------------------------------------------------------------- |
 * | `state`        | `{ state }`: `"idle"`, `"connecting"`, `"connected"`, `"reconnecting"`, `"ended"` |
 * | `participants` | `{ participants }`: all others, whenever anything about them changes              |
 * | `videos`       | `{ videos, paused }`: videos of others, `{ participantId, kind, stream }`         |
 * | `media`        | `{ microphone, muted, camera, screen, screenAudio }`: what is sent, as booleans   |
 * | `audioLevels`  | `{ levels }`: loudness by participant id, 0 to 1; silent ones are left out        |
 * | `event`        | `{ from, data }`: a custom event of an agent or of another page. `from` is the    |
 * |                | sender's participant id; what `data` says about it is only a claim                |
 * | `sent`         | `{ waiting }`: so many of this page's events and texts the server does not have   |
 * |                | yet; when it has more of them                                                     |
 * | `unsent`       | `{ code, message }`: the server did not forward an event or a text of this page,  |
 * |                | or the call ended before it had the latest ones                                   |
 * | `stats`        | {@link ConnectionStats}, once a second                                            |
 * | `blocked`      | the browser needs a click before it plays audio: call `play()` from one           |
 * | `ended`        | `{ code, message }`: the call is over for this page, and why                      |
 *
 * The other exports help to build your own page: links, names, and a microphone or camera test for a
 * lobby.
 *
 * @module
 */
import { RinglineError } from "./client/error.js";
import { EventLimit } from "./client/event_limit.js";
import { parseLink } from "./client/link.js";
import { checkName } from "./client/names.js";
import { Peer } from "./client/peer.js";
import { checkMuted, checkSource, SentMedia } from "./client/sent_media.js";
import { Signalling } from "./client/signalling.js";
import { Sound } from "./client/sound.js";

export { constraints, deviceError } from "./client/devices.js";
export { RinglineError } from "./client/error.js";
export { findCall, parseLink, startCall } from "./client/link.js";
export { cleanName } from "./client/names.js";
export { analyse, analyserLevel } from "./client/sound.js";

/** @typedef {import("./client/stats.js").ConnectionStats} ConnectionStats */
/** @typedef {import("./client/sent_media.js").Source} Source */

/**
 * Another participant of the call.
 *
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {"person" | "agent"} kind
 * @property {boolean} audible sends audio that is not muted
 * @property {boolean} camera sends a camera's video, or an agent's own
 * @property {boolean} screen shares a screen
 * @property {boolean} reconnecting
 */

/**
 * A client for one call: it joins once, and a new call needs a new client.
 *
 * It plays the call's audio unless `play` is `false`. Your page shows the videos:
 *
 * ```js ignore
 * client.addEventListener("videos", ({ detail }) => {
 *   for (const { participantId, kind, stream } of detail.videos) {
 *     const video = videoFor(participantId, kind); // an element of your page
 *     if (video.srcObject !== stream) video.srcObject = stream;
 *   }
 * });
 * ```
 *
 * After a cut network the client reconnects by itself, in the state `"reconnecting"`. Only `ended` is
 * final.
 */
export class RinglineClient extends EventTarget {
  /** @type {"idle" | "connecting" | "connected" | "reconnecting" | "ended"} */
  state = "idle";
  /** This page's participant id, once it is in the call. @type {string | undefined} */
  id;
  /**
   * What this page may do, once it is in the call: an invitation may allow less than a call's link.
   * @type {{ publish: boolean, subscribe: boolean, sendEvents: boolean } | undefined}
   */
  grants;
  /** All others, by participant id. @type {Map<string, Participant>} */
  participants = new Map();
  /**
   * Videos of others.
   * @type {{ participantId: string, kind: "camera" | "screen", stream: MediaStream }[]}
   */
  videos = [];
  /**
   * Videos of others that the server does not send now.
   * @type {{ participantId: string, kind: string }[]}
   */
  paused = [];
  /** The audio of all others, mixed. @type {MediaStream} */
  audio = new MediaStream();
  /** Plays `audio`. @type {HTMLAudioElement} */
  audioElement = new Audio();
  /** The latest measurements. @type {ConnectionStats} */
  stats = {};

  #link;
  #name = "";
  #playing;
  /** Settles the promise of `join`. */
  #joined;
  #iceServers = [];
  /** @type {Peer | undefined} */
  #peer;
  #limit = new EventLimit();
  #sound = new Sound();
  #sent = new SentMedia(this.#sound, {
    replaceTrack: async (kind, track) => await this.#peer?.replaceTrack(kind, track),
    onChange: () => this.#sendMedia(),
  });
  #signalling;

  /**
   * @param {object} options
   * @param {string | URL} [options.link] the call's link with its secret. Default: the page's own
   *   address
   * @param {boolean} [options.play] whether to play the audio. Default `true`
   * @param {RinglineClient} [options.continues] one that has ended with `server-gone`, of the same link:
   *   this one joins as the same participant, and sends what that one could not
   */
  constructor({ link = location.href, play = true, continues } = {}) {
    super();
    this.#link = parseLink(link);
    this.#signalling = new Signalling(this.#link, {
      hello: () => ({ name: this.#name }),
      keepPeer: () => this.#peer?.isConnected === true,
      beat: () => this.#beat(),
      receive: (message) => this.#receive(message),
      onSent: (waiting) => this.#emit("sent", { waiting }),
      onCut: () => this.#setState("reconnecting"),
      onEnd: (error) => this.#end(error),
    });
    if (continues) {
      if (continues.state !== "ended") {
        throw new TypeError("continues must be a client that has ended");
      }
      this.#signalling.continueFrom(continues.#signalling);
    }
    this.#playing = play;
    this.audioElement.autoplay = play;
    addEventListener("pagehide", this.#onPageHide);
  }

  /** The peer connection, for its statistics. @returns {RTCPeerConnection | undefined} */
  get connection() {
    return this.#peer?.connection;
  }

  /**
   * What the page sends now.
   *
   * @returns {{ microphone: boolean, muted: boolean, camera: boolean, screen: boolean,
   *   screenAudio: boolean }}
   */
  get media() {
    return this.#sent.state;
  }

  /**
   * The tracks that the page sends.
   *
   * @returns {Record<"microphone" | "camera" | "screen" | "screenAudio", MediaStreamTrack | null>}
   */
  get tracks() {
    return this.#sent.tracks;
  }

  /**
   * Joins the call. Call it from a click, or the browser may not play audio.
   *
   * @param {object} options
   * @param {string} options.name the name that others see, unless the link is an invitation with a
   *   name
   * @param {Source} [options.microphone] `true` (the default) for the default one, a device's id, your
   *   own track (sent unchanged, without echo cancellation or noise suppression), or `null` for none
   * @param {Source} [options.camera] the same; default none
   * @param {boolean} [options.muted] whether to start muted
   * @returns {Promise<void>} resolves when audio and video flow
   * @throws {RinglineError} the call cannot be joined; its `code` says why, its `message` is for
   *   people
   * @throws {TypeError | RangeError} `name` is not a string of 1 to 60 characters on one line, or
   *   another option is not what it should be
   * @example
   * ```js ignore
   * try {
   *   await client.join({ name: "Ada", camera: true });
   * } catch (error) {
   *   if (error.code !== "no-camera") throw error;
   * }
   * ```
   */
  async join({ name, microphone = true, camera = null, muted = false }) {
    if (this.state !== "idle") throw new TypeError("a RinglineClient joins once: create another");
    if (typeof RTCPeerConnection !== "function") throw new RinglineError("no-webrtc");
    if (!this.#link.callId || !this.#link.secret) throw new RinglineError("wrong-link");
    this.#name = checkName("name", name, 60);
    checkSource("microphone", microphone);
    checkSource("camera", camera);
    checkMuted(muted);
    this.#setState("connecting");
    this.#joined = Promise.withResolvers();
    // A page that only listens to "ended" need not await.
    this.#joined.promise.catch(() => {});
    try {
      this.#sound.open();
      await this.#sent.begin({ microphone, camera, muted });
      await this.#signalling.connect();
    } catch (error) {
      this.#end(error instanceof RinglineError ? error : new RinglineError("server-gone"));
      throw error;
    }
    await this.#joined.promise;
  }

  /**
   * Mutes or unmutes the microphone, which stays open.
   *
   * @param {boolean} muted
   * @throws {TypeError} `muted` is no boolean
   */
  setMuted(muted) {
    this.#sent.setMuted(muted);
  }

  /**
   * Changes or removes the microphone, without a new negotiation.
   *
   * @param {Source} source as in `join`
   * @throws {RinglineError} the device cannot be opened
   * @throws {TypeError} `source` is none
   */
  async setMicrophone(source) {
    await this.#sent.set("microphone", source);
  }

  /**
   * Changes or removes the camera.
   *
   * @param {Source} source as in `join`
   * @throws {RinglineError} the device cannot be opened
   * @throws {TypeError} `source` is none
   */
  async setCamera(source) {
    await this.#sent.set("camera", source);
  }

  /**
   * Shares the screen, with its sound where there is one, or stops. A track that ends is taken away, one
   * of your own too.
   *
   * @param {boolean | MediaStreamTrack | MediaStream | null} source `true` lets the person choose one;
   *   your own is a picture, or a stream of a picture and its sound
   * @throws {RinglineError} the person declines, or the browser cannot
   * @throws {TypeError} `source` is no screen
   */
  async setScreen(source) {
    await this.#sent.setScreen(source);
  }

  /**
   * Changes the name.
   *
   * @param {string} name 1 to 60 characters on one line
   * @throws {TypeError | RangeError} `name` is not that
   */
  rename(name) {
    this.#name = checkName("name", name, 60);
    this.#signalling.sendState("name", () => ({ name: this.#name }));
  }

  /**
   * Sends a custom event to all other participants.
   *
   * @param {unknown} data JSON of at most 5 KB
   * @throws {TypeError} `data` is not JSON
   * @throws {RangeError} `data` is larger
   * @throws {RinglineError} `too-many-messages`: more than 20 a second for a while
   */
  sendEvent(data) {
    this.#limit.check(data);
    this.#signalling.sendSurely({ type: "event", data });
  }

  /**
   * Writes to the agents, which reply as to speech. The agent's transcript shows it.
   *
   * @param {string} text with words in it, of at most 5 KB
   * @throws {TypeError} `text` is not a string, or is blank
   * @throws {RangeError} `text` is larger
   * @throws {RinglineError} `too-many-messages`: more than 20 a second for a while
   */
  sendText(text) {
    if (typeof text !== "string" || !/\S/.test(text)) {
      throw new TypeError("sendText expects a string with words in it");
    }
    this.#limit.check(text);
    this.#signalling.sendSurely({ type: "text", text });
  }

  /** Returns the loudness of the microphone, 0 to 1; for a meter, at each animation frame. */
  microphoneLevel() {
    return this.#sent.level;
  }

  /** Plays the audio; for a click after `blocked`. */
  async play() {
    await this.#sound.resume();
    await this.audioElement.play();
  }

  /** Leaves the call. */
  leave() {
    this.#signalling.send({ type: "leave" });
    this.#end(new RinglineError("left"));
  }

  /**
   * Breaks the signalling off without a close frame, as a failing network would; for tests. The client
   * reconnects by itself.
   */
  breakSignalling() {
    this.#signalling.drop(4900, "test");
  }

  #receive(message) {
    switch (message.type) {
      case "welcome":
        this.id = message.id;
        this.grants = message.grants;
        this.#iceServers = message.iceServers;
        this.participants = new Map(
          message.participants.map((participant) => [participant.id, participant]),
        );
        this.#sendMedia();
        this.#emit("participants", { participants: this.participants });
        if (message.keepPeer) this.#setState("connected");
        return;
      case "offer":
        return void this.#answer(message).catch((error) => {
          console.error("ringline: no answer to the server's offer", error);
          this.#end(new RinglineError("no-webrtc", undefined, { cause: error }));
        });
      case "candidate":
        if (message.offer === this.#peer?.offer) this.#peer.addCandidate(message.candidate);
        return;
      case "joined":
      case "updated":
        this.participants.set(message.participant.id, message.participant);
        return this.#emit("participants", { participants: this.participants });
      case "left":
        this.participants.delete(message.id);
        return this.#emit("participants", { participants: this.participants });
      case "videos": {
        const streams = this.#peer?.streams ?? [];
        this.videos = message.slots.flatMap((ref, index) =>
          ref && streams[index] ? [{ ...ref, stream: streams[index] }] : []
        );
        this.paused = message.paused;
        return this.#emit("videos", { videos: this.videos, paused: this.paused });
      }
      case "audioLevels":
        return this.#emit("audioLevels", { levels: message.levels });
      case "event":
        return this.#emit("event", { from: message.from, data: message.data });
      case "unsent":
        return this.#emit("unsent", { code: message.code, message: message.message });
      case "rejected":
        return this.#end(this.#rejection(message));
      case "goodbye":
        return this.#end(new RinglineError(message.code));
    }
  }

  /** Returns the error for a rejection by the server, with what only the page knows. */
  #rejection({ code, message }) {
    // A participant who was in the call has no old link: the call itself is gone.
    if (code === "wrong-link" && this.state === "reconnecting") {
      return new RinglineError("call-lost");
    }
    if (code === "media-failed" && this.#peer?.lacksNetwork) return new RinglineError("no-network");
    return new RinglineError(code, message);
  }

  /** Answers an offer on a new connection: the server sends another offer when one has failed. */
  async #answer(message) {
    this.#peer?.close();
    this.#peer = new Peer(message, this.#iceServers, {
      send: (answer) => this.#signalling.send(answer),
      trackFor: (kind) => this.#sent.trackFor(kind),
      onAudio: (track) => this.#setAudio(track),
      onState: (state) => this.#onPeerState(state),
    });
    await this.#peer.answer(message.sdp);
  }

  #onPeerState(state) {
    if (state === "connected") {
      // While the signalling is cut, the server's next welcome sets the state.
      if (this.#signalling.isOpen) this.#setState("connected");
      this.#joined.resolve();
    } else if (state === "failed") {
      if (this.state === "connected") this.#setState("reconnecting");
      this.#signalling.send({ type: "repair" });
    } else if (state === "no-network") {
      if (this.state === "connecting") return this.#end(new RinglineError("no-network"));
      // A participant who was in the call stays in it until the network comes back.
      if (this.state === "connected") this.#setState("reconnecting");
    }
  }

  #setAudio(track) {
    for (const old of this.audio.getTracks()) this.audio.removeTrack(old);
    this.audio.addTrack(track);
    if (!this.#playing) return;
    this.audioElement.srcObject = this.audio;
    this.audioElement.play().catch((error) => {
      if (error.name === "NotAllowedError") this.#emit("blocked", {});
    });
  }

  #sendMedia() {
    this.#signalling.sendState("media", () => this.media);
    this.#emit("media", this.media);
  }

  /** Measures, and returns what a ping reports to the server. */
  async #beat() {
    const { stats } = this;
    if (this.#peer?.isConnected) {
      Object.assign(stats, await this.#peer.measure());
      stats.outputMs = this.#sound.outputMs ?? stats.outputMs;
    }
    stats.signalMs = this.#signalling.roundTripMs;
    this.#emit("stats", stats);
    const { roundTripMs, jitterBufferMs, outputMs } = stats;
    return { roundTripMs, jitterBufferMs, outputMs };
  }

  #onPageHide = () => {
    this.#signalling.send({ type: "leave" });
    this.#signalling.drop(1000);
  };

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#emit("state", { state });
  }

  #end(error) {
    if (this.state === "ended") return;
    removeEventListener("pagehide", this.#onPageHide);
    this.#setState("ended");
    this.#signalling.close();
    this.#peer?.close();
    this.#sent.close(error);
    this.#sound.close();
    this.audioElement.srcObject = null;
    this.participants.clear();
    this.videos = [];
    this.#joined?.reject(error);
    const { code, message } = error;
    if (code !== "left" && this.#signalling.unsent > 0) this.#emit("unsent", { code, message });
    this.#emit("ended", { code: error.code, message: error.message });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
