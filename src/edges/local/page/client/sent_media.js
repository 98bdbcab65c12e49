/**
 * The media that a page sends: a microphone, a camera, a screen and its sound, each of them a track or
 * nothing.
 *
 * @module
 */
import { openDevice, openScreen } from "./devices.js";

/**
 * What to send: `true` for the default device, a device's id, your own track, or nothing.
 *
 * @typedef {boolean | string | MediaStreamTrack | null | undefined} Source
 */

/** What a track of each kind has to be. */
const KINDS = { microphone: "audio", camera: "video", screen: "video", screenAudio: "audio" };

/**
 * Throws a TypeError unless a microphone or a camera can come of this.
 *
 * @param {"microphone" | "camera"} kind
 * @param {unknown} source
 */
export function checkSource(kind, source) {
  const isTrack = source instanceof MediaStreamTrack;
  if (isTrack && source.kind === KINDS[kind]) return;
  if (["boolean", "string", "undefined"].includes(typeof source) || source === null) return;
  const got = isTrack ? `a track of ${source.kind}` : describe(source);
  throw new TypeError(
    `${kind}: expected true, a device's id, a track of ${KINDS[kind]}, or null, got ${got}`,
  );
}

/** Throws a TypeError unless this is a boolean. @param {unknown} muted */
export function checkMuted(muted) {
  if (typeof muted !== "boolean") {
    throw new TypeError(`muted: expected a boolean, got ${describe(muted)}`);
  }
}

/** Throws a TypeError unless a shared screen can come of this. @param {unknown} source */
function checkScreen(source) {
  if (source === null || source === undefined || typeof source === "boolean") return;
  if (source instanceof MediaStream) return;
  const isTrack = source instanceof MediaStreamTrack;
  if (isTrack && source.kind === "video") return;
  const got = isTrack ? `a track of ${source.kind}` : describe(source);
  throw new TypeError(`screen: expected true, a track of video, a stream, or null, got ${got}`);
}

/** @param {unknown} value */
function describe(value) {
  return typeof value === "object" ? `${value?.constructor?.name ?? value}` : `${typeof value}`;
}

/** The tracks that a page sends, and whether its microphone is muted. */
export class SentMedia {
  #tracks = { microphone: null, camera: null, screen: null, screenAudio: null };
  /** Tracks that this class opened. The page stops a track of its own. */
  #opened = new Set();
  #muted = false;
  /** One for each kind: a track that is sent again is not listened to twice. */
  #onEnded = Object.fromEntries(
    Object.keys(KINDS).map((kind) => [
      kind,
      ({ target }) => {
        if (this.#tracks[kind] === target) void this.#replace(kind, null);
      },
    ]),
  );
  #sound;
  #hooks;
  /** Why the page sends nothing any more. @type {Error | undefined} */
  #closed;

  /**
   * @param {import("./sound.js").Sound} sound
   * @param {object} hooks
   * @param {(kind: string, track: MediaStreamTrack | null) => Promise<void>} hooks.replaceTrack
   *   sends another track
   * @param {() => void} hooks.onChange something of `state` has changed
   */
  constructor(sound, hooks) {
    this.#sound = sound;
    this.#hooks = hooks;
  }

  /** The media that the page sends, as booleans. */
  get state() {
    return {
      microphone: this.#tracks.microphone !== null,
      muted: this.#muted,
      camera: this.#tracks.camera !== null,
      screen: this.#tracks.screen !== null,
      screenAudio: this.#tracks.screenAudio !== null,
    };
  }

  /** The media that the page sends, as tracks. */
  get tracks() {
    return { ...this.#tracks };
  }

  /** The loudness of the microphone, 0 to 1. */
  get level() {
    return this.#muted || !this.#tracks.microphone ? 0 : this.#sound.level;
  }

  /** Returns the track to send of a kind. */
  trackFor(kind) {
    // Without a microphone the page sends silence: its packets show the server that the browser lives.
    return this.#tracks[kind] ?? (kind === "microphone" ? this.#sound.silence : null);
  }

  /** Opens the devices for the start of a call, before anything is sent. */
  async begin({ microphone, camera, muted }) {
    this.#muted = muted;
    const [voice, picture] = await Promise.all([
      this.#open("microphone", microphone),
      this.#open("camera", camera),
    ]);
    this.#assign("microphone", voice);
    this.#assign("camera", picture);
  }

  /**
   * Sends another source.
   *
   * @param {"microphone" | "camera"} kind
   * @param {Source} source
   * @throws {RinglineError}
   * @throws {TypeError} no such thing can be sent
   */
  async set(kind, source) {
    checkSource(kind, source);
    await this.#replace(kind, await this.#open(kind, source));
  }

  /**
   * Sends another screen, with its sound if it has one.
   *
   * @param {boolean | MediaStreamTrack | MediaStream | null | undefined} source
   * @throws {RinglineError}
   * @throws {TypeError} no such thing can be shared
   */
  async setScreen(source) {
    checkScreen(source);
    const { screen = null, screenAudio = null } = await this.#openScreen(source);
    await this.#replace("screenAudio", screenAudio);
    await this.#replace("screen", screen);
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    checkMuted(muted);
    this.#muted = muted;
    this.#applyMute();
    this.#hooks.onChange();
  }

  /** Stops the tracks that this class opened. @param {Error} reason what later calls reject with */
  close(reason) {
    this.#closed = reason;
    for (const [kind, track] of Object.entries(this.#tracks)) {
      track?.removeEventListener("ended", this.#onEnded[kind]);
    }
    for (const track of this.#opened) track.stop();
    this.#opened.clear();
  }

  async #open(kind, source) {
    if (source === null || source === undefined || source === false) return null;
    if (source instanceof MediaStreamTrack) return source;
    if (this.#closed) throw this.#closed;
    const track = await openDevice(kind, source);
    this.#own({ [kind]: track });
    return track;
  }

  async #openScreen(source) {
    if (!source) return {};
    if (source instanceof MediaStreamTrack) return { screen: source };
    if (source instanceof MediaStream) return partsOf(source);
    if (this.#closed) throw this.#closed;
    const parts = partsOf(await openScreen());
    this.#own(parts);
    return parts;
  }

  /** Takes charge of tracks that this class opened. @param {Record<string, MediaStreamTrack>} tracks */
  #own(tracks) {
    if (this.#closed) {
      // The call ended while the browser asked for permission: close the devices here.
      for (const track of Object.values(tracks)) track?.stop();
      throw this.#closed;
    }
    for (const track of Object.values(tracks)) if (track) this.#opened.add(track);
  }

  async #replace(kind, track) {
    const old = this.#tracks[kind];
    if (old !== track) old?.removeEventListener("ended", this.#onEnded[kind]);
    this.#assign(kind, track);
    await this.#hooks.replaceTrack(kind, this.trackFor(kind));
    if (old !== track && this.#opened.delete(old)) old.stop();
    this.#hooks.onChange();
  }

  #assign(kind, given) {
    // What has ended would stand still for the others.
    const track = given?.readyState === "ended" ? null : given;
    this.#tracks[kind] = track;
    // The person unplugged the device, or ended the sharing in the browser's own bar: of a page's own
    // track too, whose end its page may not see.
    track?.addEventListener("ended", this.#onEnded[kind]);
    if (kind !== "microphone") return;
    // Before the track is sent: mute applies to every microphone.
    this.#applyMute();
    this.#sound.listenTo(track);
  }

  #applyMute() {
    if (this.#tracks.microphone) this.#tracks.microphone.enabled = !this.#muted;
  }
}

/** Returns a shared screen's picture and sound. @param {MediaStream} stream */
function partsOf(stream) {
  const [screen = null] = stream.getVideoTracks();
  const [screenAudio = null] = stream.getAudioTracks();
  return { screen, screenAudio };
}
