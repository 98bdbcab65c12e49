/**
 * One tile for each participant, and one for each shared screen.
 *
 * @module
 */
import { create, setText } from "./dom.js";

/** The columns of the grid, which each number of tiles in a row divides. */
const TRACKS = 12;
/** The most tiles in a row. */
const MAX_COLUMNS = 4;

/** The tiles of a call. */
export class Tiles {
  #list;
  /** By participant id, with `" screen"` behind it for a screen. */
  #tiles = new Map();

  /**
   * @param {HTMLElement} list
   * @param {{ signal: AbortSignal }} options
   */
  constructor(list, { signal }) {
    this.#list = list;
    const observer = new ResizeObserver(() => this.#arrange());
    observer.observe(list);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /**
   * Shows exactly these tiles.
   *
   * @param {{ key: string, name: string, kind: string, screen?: boolean, audible: boolean,
   *   note?: string, stream?: MediaStream, own?: boolean, contained?: boolean }[]} wanted
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
    this.#arrange();
  }

  /** Spreads the tiles over rows of equal length, the last of which fills its width too. */
  #arrange() {
    const tiles = [...this.#list.children];
    const { fontSize } = getComputedStyle(document.documentElement);
    const least = parseFloat(getComputedStyle(this.#list).getPropertyValue("--least")) *
      parseFloat(fontSize);
    const fitting = Math.max(1, Math.min(MAX_COLUMNS, Math.floor(this.#list.clientWidth / least)));
    const rows = Math.ceil(tiles.length / fitting);
    const columns = Math.ceil(tiles.length / rows);
    const last = tiles.length - columns * (rows - 1);
    for (const [index, tile] of tiles.entries()) {
      const inRow = index < tiles.length - last ? columns : last;
      tile.style.setProperty("--span", String(TRACKS / inRow));
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

function createTile({ screen, own, contained, key }) {
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
  const meter = screen || contained ? null : tile.meter;
  const caption = create("div", "caption", tile.who, tile.kind, tile.note, meter);
  const picture = create("div", "picture", tile.avatar, tile.video);
  tile.item = create("li", "tile", picture, caption);
  tile.item.dataset.participant = key;
  tile.item.classList.toggle("screen", Boolean(screen));
  tile.item.classList.toggle("contained", Boolean(contained));
  tile.video.classList.toggle("mirrored", Boolean(own && !screen && !contained));
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
