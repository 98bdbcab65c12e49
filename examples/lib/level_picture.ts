/** A small picture that draws loudness over time, for an agent's own tile. */
import { LatestVideoTrack } from "@ringline/edge";

const WIDTH = 320, HEIGHT = 180, BAR = 8;
const BACKGROUND = [24, 28, 36], HEARD = [94, 200, 160], SAID = [240, 176, 80];

export class LevelPicture {
  readonly track = new LatestVideoTrack();
  readonly #bars: { level: number; said: boolean }[] = [];

  /** Shows one more moment; `level` is between 0 and 1. */
  draw(level: number, said: boolean): void {
    this.#bars.push({ level: Math.min(1, level), said });
    if (this.#bars.length > WIDTH / BAR) this.#bars.shift();
    // A viewer may still be reading the frame before, so each has bytes of its own.
    const data = new Uint8Array(WIDTH * HEIGHT * 4).fill(255);
    for (let at = 0; at < data.length; at += 4) data.set(BACKGROUND, at);
    this.#bars.forEach((bar, index) => {
      const half = Math.max(1, Math.round(bar.level * (HEIGHT / 2 - 10)));
      for (let y = HEIGHT / 2 - half; y < HEIGHT / 2 + half; y++) {
        for (let x = index * BAR + 1; x < (index + 1) * BAR - 1; x++) {
          data.set(bar.said ? SAID : HEARD, (y * WIDTH + x) * 4);
        }
      }
    });
    this.track.push({
      format: "RGBA",
      width: WIDTH,
      height: HEIGHT,
      data,
      timestampMs: performance.now(),
    });
  }

  [Symbol.dispose](): void {
    this.track.close();
  }
}
