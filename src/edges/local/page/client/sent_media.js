/**
 * What a page sends: a microphone, a camera and a screen, each of them a track or nothing.
 *
 * @module
 */
import { openDevice } from "./devices.js";

/**
 * What to send: `true` for the usual device, a device's id, a track of your own, or nothing.
 *
 * @typedef {boolean | string | MediaStreamTrack | null | undefined} Source
 */

/** The tracks that a page sends, and whether its microphone is muted. */
export class SentMedia {
  #tracks = { microphone: null, camera: null, screen: null };
  /** Tracks that were opened here. One that was given belongs to its giver, who stops it. */
  #opened = new Set();
  #muted = false;
  #sound;
  #hooks;
  /** Why nothing is sent any more. @type {Error | undefined} */
  #closed;

  /**
   * @param {import("./sound.js").Sound} sound
   * @param {object} hooks
   * @param {(kind: string, track: MediaStreamTrack | null) => Promise<void>} hooks.replaceTrack
   *   makes another track go out
   * @param {() => void} hooks.onChange something of `state` has changed
   */
  constructor(sound, hooks) {
    this.#sound = sound;
    this.#hooks = hooks;
  }

  /** What is sent, as booleans. */
  get state() {
    return {
      microphone: this.#tracks.microphone !== null,
      muted: this.#muted,
      camera: this.#tracks.camera !== null,
      screen: this.#tracks.screen !== null,
    };
  }

  /** What is sent, as tracks. */
  get tracks() {
    return { ...this.#tracks };
  }

  /** How loud the microphone is, 0 to 1. */
  get level() {
    return this.#muted || !this.#tracks.microphone ? 0 : this.#sound.level;
  }

  /** What goes out in a section of the connection. */
  trackFor(kind) {
    // Without a microphone silence is sent: by its packets the server sees that we live.
    return this.#tracks[kind] ?? (kind === "microphone" ? this.#sound.silence : null);
  }

  /** Opens what a call begins with. Nobody is told: nothing is sent yet. */
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
   * Sends something else.
   *
   * @param {"microphone" | "camera" | "screen"} kind
   * @param {Source} source
   * @throws {RinglineError}
   */
  async set(kind, source) {
    await this.#replace(kind, await this.#open(kind, source));
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.#muted = muted;
    this.#applyMute();
    this.#hooks.onChange();
  }

  /** Stops what was opened here. @param {Error} reason what whoever still wants to send is told */
  close(reason) {
    this.#closed = reason;
    for (const track of this.#opened) track.stop();
    this.#opened.clear();
  }

  async #open(kind, source) {
    if (source === null || source === undefined || source === false) return null;
    if (source instanceof MediaStreamTrack) return source;
    if (this.#closed) throw this.#closed;
    const track = await openDevice(kind, source);
    if (this.#closed) {
      // The call ended while the person was being asked: nobody else would close the device.
      track.stop();
      throw this.#closed;
    }
    this.#opened.add(track);
    // The person unplugged it, or ended the sharing in the browser's own bar.
    track.addEventListener("ended", () => {
      if (this.#tracks[kind] === track) void this.#replace(kind, null);
    });
    return track;
  }

  async #replace(kind, track) {
    const old = this.#tracks[kind];
    this.#assign(kind, track);
    await this.#hooks.replaceTrack(kind, this.trackFor(kind));
    if (old !== track && this.#opened.delete(old)) old.stop();
    this.#hooks.onChange();
  }

  #assign(kind, track) {
    this.#tracks[kind] = track;
    if (kind !== "microphone") return;
    // Before it goes out: whoever is muted is muted with every microphone.
    this.#applyMute();
    this.#sound.listenTo(track);
  }

  #applyMute() {
    if (this.#tracks.microphone) this.#tracks.microphone.enabled = !this.#muted;
  }
}
