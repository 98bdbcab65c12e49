/**
 * Ringline's client for browsers: joins a call that a LocalEdge serves. One file, no dependencies;
 * the page beside it is built on it, and yours can be too.
 *
 * ```html
 * <script type="module">
 *   import { RinglineClient } from "http://127.0.0.1:8080/client.js";
 *
 *   const client = new RinglineClient({ link: "http://127.0.0.1:8080/call/default/kitchen#secret" });
 *   client.addEventListener("ended", (event) => console.log(event.detail.message));
 *   client.addEventListener("event", (event) => console.log(event.detail.data));
 *   button.onclick = () => client.join({ name: "Ada" });   // from a click, so that sound may play
 * </script>
 * ```
 *
 * A page of another origin must be named in the edge's `origins`.
 *
 * Events are `CustomEvent`s on the client; what `detail` carries:
 *
 * | event       | detail                                                                            |
 * | ----------- | --------------------------------------------------------------------------------- |
 * | `state`     | `{ state }`: `"idle"`, `"connecting"`, `"connected"`, `"reconnecting"`, `"ended"` |
 * | `members`   | `{ members }`: everybody else, whenever anything about them changes               |
 * | `videos`    | `{ videos, paused }`: pictures of others, `{ member, kind, stream }`              |
 * | `media`     | `{ microphone, muted, camera, screen }`: what is sent, as booleans                |
 * | `levels`    | `{ levels }`: participant id to loudness, 0 to 1; who is not named is silent      |
 * | `event`     | `{ from, data }`: a custom event of an agent or of another page. `from` is who    |
 * |             | sent it, by participant id; what `data` says of that is only a claim              |
 * | `unsent`    | `{ code, message }`: the server did not pass an event of this page on             |
 * | `stats`     | see {@link Figures}; once a second                                                |
 * | `blocked`   | the browser wants a click before it plays sound: call `play()` from one           |
 * | `ended`     | `{ code, message }`: the call is over for this page, and why                      |
 *
 * @module
 */

/** The protocol that this file speaks. */
const VERSION = 1;
/** Milliseconds between signs of life. */
const PING_MS = 1000;
/** Milliseconds without an answer after which the connection counts as cut. */
const SILENCE_MS = 4000;
/** Milliseconds before each attempt to come back. */
const RETRY_MS = [0, 250, 500, 1000, 1000, 1500, 2000];
/** Milliseconds that one attempt may take. */
const CONNECT_MS = 5000;
/**
 * Milliseconds for which a server on the person's own machine is tried again. There is no network
 * that could be cut in between: where nobody listens, the program that did has gone.
 */
const LOCAL_RETRY_MS = 1500;
/** Milliseconds between messages that tell how something is now: only the last one counts. */
const STATE_MS = 50;
/** Events that may be sent a second, and how many at once; the server takes twice as much. */
const EVENTS = { perSecond: 20, burst: 80 };
/** The most bytes of a custom event, as JSON in UTF-8. */
const EVENT_BYTES = 5120;
/** Characters that a name or an id may not have, since they make a line lie. */
const UNFIT = /[\p{Cc}\u2028-\u202E\u2066-\u2069]/u;

/** What to tell a person, by code. The server's own refusals bring their sentence with them. */
const MESSAGES = {
  "insecure-context":
    "The browser gives a microphone only to pages with a secure connection. Open this call over https, or on the computer that serves it.",
  "no-webrtc": "This browser cannot make calls: it has no WebRTC, or it was switched off.",
  "microphone-refused": "The browser was not allowed to use the microphone.",
  "no-microphone": "No microphone was found.",
  "microphone-failed": "The microphone could not be opened. Another program may be using it.",
  "camera-refused": "The browser was not allowed to use the camera.",
  "no-camera": "No camera was found.",
  "camera-failed": "The camera could not be opened. Another program may be using it.",
  "screen-failed": "The screen could not be shared.",
  "wrong-link": "This link is old or incomplete. Ask for a new one.",
  "server-gone": "The server cannot be reached. The program that runs the call may have ended.",
  "agent-left": "The agent has left, and the call is over.",
  "call-ended": "The call has ended.",
  "call-lost": "The call broke down at the other end.",
  "server-closing": "The program that runs this call has ended.",
  "too-many-messages": "There were too many messages. Send fewer.",
  "no-agent": "No agent came to answer this call.",
  "replaced": "You are in this call somewhere else now.",
  "left": "You can join again for as long as it goes on.",
};

/** A failure with a code for programs and a sentence for people. */
export class RinglineError extends Error {
  /**
   * @param {string} code one of the keys of the sentences above, or a refusal of the server's
   * @param {string} [message]
   * @param {ErrorOptions} [options]
   */
  constructor(code, message, options) {
    super(message ?? MESSAGES[code] ?? code, options);
    this.name = "RinglineError";
    this.code = code;
  }
}

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

/**
 * @typedef {object} Member
 * @property {string} id
 * @property {string} name
 * @property {"person" | "agent"} kind
 * @property {boolean} audible sends sound and has not muted it
 * @property {boolean} camera sends a camera's picture, or an agent's own
 * @property {boolean} screen shares a screen
 * @property {boolean} reconnecting
 */

/**
 * Splits a link to a call, or to a start page, into its parts.
 *
 * @param {string | URL} link
 * @returns {{ origin: string, secret: string, callType?: string, callId?: string }}
 */
export function parseLink(link) {
  const url = new URL(link);
  const [, type, id] = /^\/call\/([^/]+)\/([^/]+)$/.exec(url.pathname) ?? [];
  return {
    origin: url.origin,
    secret: url.hash.slice(1),
    ...(type && id ? { callType: decodeURIComponent(type), callId: decodeURIComponent(id) } : {}),
  };
}

/**
 * Asks a server that serves them for a new call.
 *
 * @param {string | URL} link the start page's address, its secret included
 * @returns {Promise<string>} the link to the call
 */
export async function startCall(link) {
  const { origin, secret } = parseLink(link);
  const socket = await openSocket(origin, CONNECT_MS);
  try {
    socket.send(JSON.stringify({ type: "start", version: VERSION, secret }));
    const answer = await nextMessage(socket);
    if (answer.type !== "started") throw new RinglineError(answer.code, answer.message);
    const path = [answer.callType, answer.callId].map(encodeURIComponent).join("/");
    return `${origin}/call/${path}#${answer.secret}`;
  } finally {
    socket.close(1000);
  }
}

/** A person's part in one call. */
export class RinglineClient extends EventTarget {
  /** @type {"idle" | "connecting" | "connected" | "reconnecting" | "ended"} */
  state = "idle";
  /** This page's participant id. @type {string | undefined} */
  id;
  /** Everybody else. @type {Map<string, Member>} */
  members = new Map();
  /** Pictures of others. @type {{ member: string, kind: "camera" | "screen", stream: MediaStream }[]} */
  videos = [];
  /** Pictures that found no place among those. @type {{ member: string, kind: string }[]} */
  paused = [];
  /** What all others say, mixed. @type {MediaStream} */
  audio = new MediaStream();
  /** Plays `audio`. @type {HTMLAudioElement} */
  audioElement = new Audio();
  /** @type {Figures} */
  figures = {};

  #link;
  #name = "";
  #user;
  #socket;
  #connection;
  #resume;
  #graceMs = 6000;
  #iceServers = [];
  #offer = 0;
  #remoteCandidates = [];
  #senders = {};
  #sections = [];
  #mids;
  #tracks = { microphone: null, camera: null, screen: null };
  #ownTracks = new Set();
  #muted = false;
  #context;
  #analyser;
  #silence;
  /** Messages that wait because one of their kind was sent a moment ago, by type. */
  #waiting = new Map();
  #eventTokens = EVENTS.burst;
  #eventsAt = 0;
  #pings = 0;
  #pingedAt = new Map();
  #heardAt = 0;
  #timer;
  #before = {};
  #joined;
  #playing;

  /**
   * @param {object} options
   * @param {string | URL} [options.link] the call's link with its secret; the page's own address
   *   unless given
   * @param {boolean} [options.play] whether to play what is heard; default `true`
   */
  constructor({ link = location.href, play = true } = {}) {
    super();
    this.#link = parseLink(link);
    this.#playing = play;
    this.audioElement.autoplay = play;
    addEventListener("pagehide", this.#onPageHide);
  }

  /** The peer connection, for its statistics. @returns {RTCPeerConnection | undefined} */
  get connection() {
    return this.#connection;
  }

  /** What is sent right now. */
  get media() {
    return {
      microphone: this.#tracks.microphone !== null,
      muted: this.#muted,
      camera: this.#tracks.camera !== null,
      screen: this.#tracks.screen !== null,
    };
  }

  /** The tracks that are sent. @returns {{ microphone, camera, screen }} */
  get tracks() {
    return { ...this.#tracks };
  }

  /**
   * Joins the call. Call it from a click, or the browser may not play sound.
   *
   * @param {object} options
   * @param {string} options.name what others call this person
   * @param {string} [options.user] who this person is to agents: give the same text on each of his
   *   devices. Nobody checks it. Everybody is somebody else unless given
   * @param {boolean | string | MediaStreamTrack | null} [options.microphone] `true` (the default)
   *   for the usual one, a device's id, a track of your own (sent as it is, without echo
   *   cancellation or noise suppression), or `null` for none
   * @param {boolean | string | MediaStreamTrack | null} [options.camera] the same; default none
   * @param {boolean} [options.muted] whether to start muted
   * @returns {Promise<void>} resolves when sound and picture flow
   * @throws {RinglineError}
   * @throws {TypeError | RangeError} the name is no text of 1 to 60 characters on one line, or the
   *   user none of up to 100
   */
  async join({ name, user, microphone = true, camera = null, muted = false }) {
    if (this.state !== "idle") throw new TypeError("a RinglineClient joins once");
    if (typeof RTCPeerConnection !== "function") throw new RinglineError("no-webrtc");
    if (!this.#link.callId || !this.#link.secret) throw new RinglineError("wrong-link");
    this.#name = checkLine("name", name, 60);
    this.#user = user === undefined ? undefined : checkLine("user", user, 100);
    this.#muted = muted;
    this.#setState("connecting");
    try {
      this.#openContext();
      const [track, picture] = await Promise.all([
        this.#open("microphone", microphone),
        this.#open("camera", camera),
      ]);
      this.#tracks.microphone = track;
      this.#tracks.camera = picture;
      this.#applyMute();
      this.#listenTo(track);
      this.#joined = Promise.withResolvers();
      // Whoever only listens to "ended" need not await.
      this.#joined.promise.catch(() => {});
      await this.#connect();
    } catch (error) {
      this.#end(error instanceof RinglineError ? error : new RinglineError("server-gone"));
      throw error;
    }
    await this.#joined.promise;
  }

  /** Goes silent, or speaks again. The microphone stays open. @param {boolean} muted */
  setMuted(muted) {
    this.#muted = muted;
    this.#applyMute();
    this.#tellMedia();
  }

  /**
   * Changes or removes the microphone, without a new negotiation.
   *
   * @param {boolean | string | MediaStreamTrack | null} source as in `join`
   */
  async setMicrophone(source) {
    await this.#replace("microphone", await this.#open("microphone", source));
    this.#applyMute();
    this.#listenTo(this.#tracks.microphone);
  }

  /** Changes or removes the camera. @param {boolean | string | MediaStreamTrack | null} source */
  async setCamera(source) {
    await this.#replace("camera", await this.#open("camera", source));
  }

  /**
   * Shares the screen, or stops.
   *
   * @param {boolean | MediaStreamTrack | null} source `true` asks the person which
   */
  async setScreen(source) {
    await this.#replace("screen", await this.#open("screen", source));
  }

  /**
   * Changes the name.
   *
   * @param {string} name 1 to 60 characters on one line
   * @throws {TypeError | RangeError} it is not
   */
  rename(name) {
    this.#name = checkLine("name", name, 60);
    this.#tell("name", () => ({ name: this.#name }));
  }

  /**
   * Sends a custom event to agents and others.
   *
   * @param {unknown} data JSON of at most 5 KB
   * @throws {TypeError} it is not JSON
   * @throws {RangeError} it is larger
   * @throws {RinglineError} `too-many-messages`: more than 20 a second for a while
   */
  sendEvent(data) {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError(`an event must be JSON, got ${typeof data}`);
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > EVENT_BYTES) {
      throw new RangeError(`an event has at most ${EVENT_BYTES} bytes, this one has ${bytes}`);
    }
    const now = performance.now();
    const more = (now - this.#eventsAt) / 1000 * EVENTS.perSecond;
    const tokens = Math.min(EVENTS.burst, this.#eventTokens + more);
    if (tokens < 1) throw new RinglineError("too-many-messages");
    this.#eventTokens = tokens - 1;
    this.#eventsAt = now;
    this.#send({ type: "event", data });
  }

  /** How loud the microphone is, 0 to 1. */
  microphoneLevel() {
    if (!this.#analyser || this.#muted || !this.#tracks.microphone) return 0;
    return analyserLevel(this.#analyser);
  }

  /** Plays what is heard; for a click after `blocked`. */
  async play() {
    await this.#context?.resume();
    await this.audioElement.play();
  }

  /** Leaves the call. */
  leave() {
    this.#send({ type: "leave" });
    this.#end(new RinglineError("left"));
  }

  /**
   * Breaks the signalling off without a word, as a failing network would; for tests. The client
   * comes back by itself.
   */
  breakSignalling() {
    this.#socket?.close(4900, "test");
  }

  // Signalling

  async #connect() {
    const socket = await openSocket(this.#link.origin, CONNECT_MS);
    if (this.state === "ended") return socket.close(1000);
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heardAt = performance.now();
      this.#receive(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (socket !== this.#socket || this.state === "ended") return;
      // A refusal or a goodbye whose message was lost still has its code.
      if (code >= 4001 && code <= 4003) this.#end(new RinglineError(reason));
      else this.#comeBack();
    };
    this.#send({
      type: "hello",
      version: VERSION,
      callType: this.#link.callType,
      callId: this.#link.callId,
      secret: this.#link.secret,
      name: this.#name,
      user: this.#user,
      ...(this.#resume
        ? { resume: this.#resume, keepPeer: this.#connection?.connectionState === "connected" }
        : {}),
    });
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#beat(), PING_MS);
  }

  async #comeBack() {
    clearInterval(this.#timer);
    this.#socket = undefined;
    this.#setState("reconnecting");
    const patience = isThisMachine(this.#link.origin) ? LOCAL_RETRY_MS : this.#graceMs + 2000;
    const until = performance.now() + patience;
    for (let attempt = 0; performance.now() < until; attempt++) {
      await delay(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      if (this.state !== "reconnecting") return;
      try {
        return await this.#connect();
      } catch {
        // The next attempt may do better.
      }
    }
    this.#end(new RinglineError("server-gone"));
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Tells how something is now: at once, and then at most every {@link STATE_MS}. */
  #tell(type, state) {
    if (this.#waiting.has(type)) return void this.#waiting.set(type, state);
    this.#send({ type, ...state() });
    this.#waiting.set(type, undefined);
    setTimeout(() => {
      const last = this.#waiting.get(type);
      this.#waiting.delete(type);
      if (last) this.#tell(type, last);
    }, STATE_MS);
  }

  #receive(message) {
    switch (message.type) {
      case "welcome": {
        this.id = message.id;
        this.#resume = message.resume;
        this.#graceMs = message.graceMs;
        this.#iceServers = message.iceServers;
        this.members = new Map(message.members.map((member) => [member.id, member]));
        this.#tellMedia();
        this.#emit("members", { members: this.members });
        if (message.keepPeer) this.#setState("connected");
        return;
      }
      case "offer":
        return void this.#answer(message).catch((error) => {
          console.error("ringline: no answer to the server's offer", error);
          this.#end(new RinglineError("no-webrtc", undefined, { cause: error }));
        });
      case "candidate":
        if (message.offer !== this.#offer) return;
        if (this.#remoteCandidates) this.#remoteCandidates.push(message.candidate);
        else this.#connection?.addIceCandidate(message.candidate).catch(() => {});
        return;
      case "joined":
      case "updated":
        this.members.set(message.member.id, message.member);
        return this.#emit("members", { members: this.members });
      case "left":
        this.members.delete(message.id);
        return this.#emit("members", { members: this.members });
      case "videos": {
        this.videos = message.sections.flatMap((ref, index) =>
          ref && this.#sections[index] ? [{ ...ref, stream: this.#sections[index] }] : []
        );
        this.paused = message.paused;
        return this.#emit("videos", { videos: this.videos, paused: this.paused });
      }
      case "levels":
        return this.#emit("levels", { levels: message.levels });
      case "event":
        return this.#emit("event", { from: message.from, data: message.data });
      case "unsent":
        return this.#emit("unsent", { code: message.code, message: message.message });
      case "pong": {
        const at = this.#pingedAt.get(message.id);
        this.#pingedAt.clear();
        if (at !== undefined) this.figures.signalMs = performance.now() - at;
        return;
      }
      case "refused":
        // Who was in the call a moment ago has no old link: the call itself is gone.
        return this.#end(
          message.code === "wrong-link" && this.state === "reconnecting"
            ? new RinglineError("call-lost")
            : new RinglineError(message.code, message.message),
        );
      case "goodbye":
        return this.#end(new RinglineError(message.code));
    }
  }

  // Media

  /** Answers an offer on a connection of its own: the server offers anew when one has failed. */
  async #answer({ offer, sdp, mids }) {
    this.#connection?.close();
    this.#offer = offer;
    this.#mids = mids;
    this.#remoteCandidates = [];
    this.#sections = [];
    this.#before = {};
    let waiting = [];
    const connection = new RTCPeerConnection({
      iceServers: this.#iceServers,
      bundlePolicy: "max-bundle",
    });
    this.#connection = connection;
    const current = () => connection === this.#connection && this.state !== "ended";
    connection.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate || !current()) return;
      // It must not overtake the answer.
      if (waiting) waiting.push(candidate);
      else this.#send({ type: "candidate", offer, candidate: candidate.toJSON() });
    };
    connection.onconnectionstatechange = () => {
      if (!current()) return;
      if (connection.connectionState === "connected") {
        this.#setState("connected");
        this.#joined.resolve();
      } else if (connection.connectionState === "failed") {
        if (this.state === "connected") this.#setState("reconnecting");
        this.#send({ type: "repair" });
      }
    };
    connection.ontrack = ({ track, transceiver }) => this.#take(track, transceiver.mid);

    await connection.setRemoteDescription({ type: "offer", sdp });
    const section = (mid) => connection.getTransceivers().find((each) => each.mid === mid);
    const sections = {
      microphone: section(mids.audio),
      camera: section(mids.camera),
      screen: section(mids.screen),
    };
    sections.microphone.direction = "sendrecv";
    // Both are there from the start, so that a camera or a screen needs no new negotiation.
    sections.camera.direction = "sendonly";
    sections.screen.direction = "sendonly";
    this.#senders = {};
    for (const [kind, { sender }] of Object.entries(sections)) {
      this.#senders[kind] = sender;
      await sender.replaceTrack(this.#tracks[kind] ?? this.#standIn(kind));
    }
    const answer = await connection.createAnswer();
    await connection.setLocalDescription(answer);
    if (!current()) return;
    this.#send({ type: "answer", offer, sdp: answer.sdp });
    for (const candidate of waiting) {
      this.#send({ type: "candidate", offer, candidate: candidate.toJSON() });
    }
    waiting = undefined;
    const candidates = this.#remoteCandidates;
    this.#remoteCandidates = undefined;
    for (const candidate of candidates) connection.addIceCandidate(candidate).catch(() => {});
  }

  #take(track, mid) {
    if (mid === this.#mids.audio) {
      for (const old of this.audio.getTracks()) this.audio.removeTrack(old);
      this.audio.addTrack(track);
      if (!this.#playing) return;
      this.audioElement.srcObject = this.audio;
      this.audioElement.play().catch((error) => {
        if (error.name === "NotAllowedError") this.#emit("blocked", {});
      });
    } else {
      const index = this.#mids.videos.indexOf(mid);
      if (index >= 0) this.#sections[index] = new MediaStream([track]);
    }
  }

  /** Opens what a caller named and returns its track. */
  async #open(kind, source) {
    if (source === null || source === undefined || source === false) return null;
    if (source instanceof MediaStreamTrack) return source;
    const devices = navigator.mediaDevices;
    if (!devices) throw new RinglineError("insecure-context");
    try {
      const stream = kind === "screen"
        ? await devices.getDisplayMedia({ video: { frameRate: 15 }, audio: false })
        : await devices.getUserMedia(constraints(kind, source));
      const [track] = stream.getTracks();
      this.#ownTracks.add(track);
      // The person unplugged it, or ended the sharing in the browser's own bar.
      track.addEventListener("ended", () => {
        if (this.#tracks[kind] === track) void this.#replace(kind, null);
      });
      return track;
    } catch (error) {
      throw deviceError(kind, error);
    }
  }

  async #replace(kind, track) {
    const old = this.#tracks[kind];
    this.#tracks[kind] = track;
    await this.#senders[kind]?.replaceTrack(track ?? this.#standIn(kind));
    if (old !== track) this.#release(old);
    this.#tellMedia();
  }

  /** Stops a track that was opened here; one that was given belongs to its giver. */
  #release(track) {
    if (track && this.#ownTracks.delete(track)) track.stop();
  }

  /** Without a microphone silence is sent: by its packets the server sees that we live. */
  #standIn(kind) {
    return kind === "microphone" ? this.#silence : null;
  }

  #openContext() {
    // The least latency makes the browser's whole output faster, the media element's too.
    const context = new AudioContext({ latencyHint: 0 });
    this.#context = context;
    const destination = context.createMediaStreamDestination();
    const source = new ConstantSourceNode(context, { offset: 0 });
    source.connect(destination);
    source.start();
    this.#silence = destination.stream.getAudioTracks()[0];
    context.resume().catch(() => {});
  }

  #listenTo(track) {
    this.#analyser?.disconnect();
    this.#analyser = track && analyse(this.#context, track);
  }

  #applyMute() {
    if (this.#tracks.microphone) this.#tracks.microphone.enabled = !this.#muted;
  }

  #tellMedia() {
    this.#tell("media", () => this.media);
    this.#emit("media", this.media);
  }

  // Signs of life

  async #beat() {
    if (performance.now() - this.#heardAt > SILENCE_MS) {
      // A dead network never says that it is; the socket would wait for minutes.
      const socket = this.#socket;
      this.#comeBack();
      return socket?.close(4900, "silent");
    }
    const figures = await this.#measure();
    const id = ++this.#pings;
    this.#pingedAt.set(id, performance.now());
    const { roundTripMs, jitterBufferMs, outputMs } = figures;
    this.#send({ type: "ping", id, roundTripMs, jitterBufferMs, outputMs });
    this.#emit("stats", figures);
  }

  async #measure() {
    const { figures } = this;
    if (this.#connection?.connectionState !== "connected") return figures;
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
    const output = this.#context?.outputLatency;
    if (output !== undefined) figures.outputMs = output * 1000;
    return figures;
  }

  #onPageHide = () => {
    this.#send({ type: "leave" });
    this.#socket?.close(1000);
  };

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#emit("state", { state });
  }

  #end(error) {
    if (this.state === "ended") return;
    removeEventListener("pagehide", this.#onPageHide);
    clearInterval(this.#timer);
    this.#setState("ended");
    this.#socket?.close(1000);
    this.#connection?.close();
    for (const track of this.#ownTracks) track.stop();
    this.#ownTracks.clear();
    this.#silence?.stop();
    this.#analyser?.disconnect();
    this.#context?.close().catch(() => {});
    this.audioElement.srcObject = null;
    this.members.clear();
    this.videos = [];
    this.#joined?.reject(error);
    this.#emit("ended", { code: error.code, message: error.message });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * An analyser that hears a track, for a level meter.
 *
 * @param {AudioContext} context
 * @param {MediaStreamTrack} track
 */
export function analyse(context, track) {
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  return analyser;
}

/** The peak of what an analyser hears, 0 to 1. @param {AnalyserNode} analyser */
export function analyserLevel(analyser) {
  const samples = new Float32Array(analyser.fftSize);
  analyser.getFloatTimeDomainData(samples);
  return samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
}

/**
 * Opens a microphone or a camera as a call would.
 *
 * @param {"microphone" | "camera"} kind
 * @param {true | string} source
 * @returns {MediaStreamConstraints}
 */
export function constraints(kind, source) {
  const device = typeof source === "string" && source ? { deviceId: { exact: source } } : {};
  if (kind === "camera") {
    return { video: { ...device, width: { ideal: 640 }, height: { ideal: 360 }, frameRate: 20 } };
  }
  // Without echo cancellation a loudspeaker makes the agent interrupt itself.
  const processing = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  return { audio: { ...device, ...processing, channelCount: 1 } };
}

/** What went wrong with a device. @returns {RinglineError} */
export function deviceError(kind, error) {
  const name = error instanceof DOMException ? error.name : "";
  const options = { cause: error };
  if (kind === "screen") return new RinglineError("screen-failed", undefined, options);
  if (name === "NotAllowedError" || name === "SecurityError") {
    return new RinglineError(`${kind}-refused`, undefined, options);
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") {
    return new RinglineError(`no-${kind}`, undefined, options);
  }
  return new RinglineError(`${kind}-failed`, undefined, options);
}

/** Whether an address is the machine's own: nothing but the server itself can be missing there. */
function isThisMachine(origin) {
  const { hostname } = new URL(origin);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** A text that is fit to be shown on one line. */
function checkLine(what, text, size) {
  if (typeof text !== "string") throw new TypeError(`${what} must be a text, got ${typeof text}`);
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.length > size || UNFIT.test(trimmed)) {
    throw new RangeError(
      `${what} must have 1 to ${size} characters, none of them for control or direction`,
    );
  }
  return trimmed;
}

/** Makes a name of what somebody typed or pasted, or nothing. @param {string} text */
export function cleanName(text) {
  return text.replaceAll(new RegExp(UNFIT, "gu"), " ").trim().slice(0, 60).trim();
}

function openSocket(origin, limitMs) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${origin.replace(/^http/, "ws")}/signal`);
    // A network that swallows packets would say nothing for minutes.
    const timer = setTimeout(() => socket.close(), limitMs);
    socket.onopen = () => {
      clearTimeout(timer);
      resolve(socket);
    };
    socket.onclose = () => {
      clearTimeout(timer);
      reject(new RinglineError("server-gone"));
    };
  });
}

function nextMessage(socket) {
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(JSON.parse(data));
    socket.onclose = () => reject(new RinglineError("server-gone"));
  });
}

function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
