/**
 * One tile for each participant, and one for each shared screen.
 *
 * @module
 */
import { create, setText } from "./dom.js";

/** The tiles of a call. */
export class Tiles {
  #list;
  /** By participant id, with `" screen"` behind it for a screen. */
  #tiles = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /**
   * Shows exactly these tiles.
   *
   * @param {{ key: string, name: string, kind: string, screen?: boolean, audible: boolean,
   *   note?: string, stream?: MediaStream, own?: boolean }[]} wanted
   */
  show(wanted) {
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, tile] of this.#tiles) {
      if (keys.has(key)) continue;
      tile.item.remove();
      this.#tiles.delete(key);
    }
    for (const [index, one] of wanted.entries()) {
      let tile = this.#tiles.get(one.key);
      if (!tile) this.#tiles.set(one.key, tile = createTile(one));
      update(tile, one);
      if (this.#list.children[index] !== tile.item) {
        this.#list.insertBefore(tile.item, this.#list.children[index] ?? null);
      }
    }
  }

  /** Sets how loud a participant is, 0 to 1. */
  setLevel(key, level) {
    // People perceive loudness by its logarithm: 0.01 is a third of the way, 0.1 two thirds.
    const shown = level <= 0.001 ? 0 : Math.min(1, 1 + Math.log10(level) / 3);
    this.#tiles.get(key)?.item.style.setProperty("--level", shown.toFixed(2));
  }

  /** The keys of all tiles. */
  keys() {
    return this.#tiles.keys();
  }
}

function createTile({ screen, own, key }) {
  const tile = {
    video: document.createElement("video"),
    avatar: create("span", "avatar"),
    who: create("span", "who"),
    kind: create("span", "kind"),
    note: create("span", "note"),
    meter: create("span", "meter", create("span")),
  };
  Object.assign(tile.video, { muted: true, autoplay: true, playsInline: true });
  tile.avatar.setAttribute("aria-hidden", "true");
  tile.meter.setAttribute("aria-hidden", "true");
  const caption = create("div", "caption", tile.who, screen ? null : tile.meter);
  tile.item = create("li", "tile", tile.avatar, tile.video, tile.note, tile.kind, caption);
  tile.item.dataset.participant = key;
  tile.item.classList.toggle("screen", Boolean(screen));
  tile.video.classList.toggle("mirrored", Boolean(own && !screen));
  tile.item.style.setProperty("--hue", hue(key));
  return tile;
}

function update(tile, { name, kind, screen, note, stream }) {
  setText(tile.who, screen ? `${name}: screen` : name);
  setText(tile.avatar, [...name][0]?.toUpperCase() ?? "?");
  setText(tile.kind, kind === "agent" ? "agent" : "");
  tile.kind.hidden = kind !== "agent";
  setText(tile.note, note ?? "");
  tile.note.hidden = !note;
  tile.video.hidden = !stream;
  tile.avatar.hidden = Boolean(stream);
  tile.video.setAttribute("aria-label", screen ? `Screen of ${name}` : `Video of ${name}`);
  if (tile.video.srcObject !== (stream ?? null)) tile.video.srcObject = stream ?? null;
}

function hue(key) {
  let sum = 0;
  for (const character of key) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return sum;
}
