/**
 * A simulated call as a picture: in text, or as SVG.
 *
 * @module
 */
import type { CloseReason, ConnectionState } from "../../edge/types.ts";
import type { Interval, Intervals } from "./intervals.ts";
import type { CallScript } from "./script.ts";

/** The data of a timeline: a `CallRecord` has it. */
export interface PicturedCall {
  readonly script: CallScript;
  readonly durationMs: number;
  readonly state: ConnectionState;
  readonly reason: CloseReason | undefined;
  readonly droppedSlots: number;
  readonly spoken: ReadonlyMap<string, Intervals>;
  readonly heard: ReadonlyMap<string, Intervals>;
  readonly said: Intervals;
  readonly heardBy: ReadonlyMap<string, Intervals>;
}

interface Lane {
  readonly name: string;
  readonly kind: "spoken" | "heard" | "said" | "heardBy";
  readonly intervals: readonly Interval[];
}

function lanesOf(record: PicturedCall): Lane[] {
  const lanes: Lane[] = [];
  for (const person of record.script.people) {
    const id = person.id ?? person.userId;
    const spoken = record.spoken.get(id)?.list ?? [];
    const heard = record.heard.get(id)?.list ?? [];
    lanes.push({ name: `${id} speaks`, kind: "spoken", intervals: spoken });
    lanes.push({ name: `  heard by agent`, kind: "heard", intervals: heard });
  }
  lanes.push({ name: "agent speaks", kind: "said", intervals: record.said.list });
  for (const [id, { list }] of record.heardBy) {
    lanes.push({ name: `  heard by ${id}`, kind: "heardBy", intervals: list });
  }
  return lanes;
}

function headline(record: PicturedCall): string {
  const { script, durationMs, state, reason, droppedSlots } = record;
  const end = reason ? `${state}: ${reason}` : state;
  return `seed ${script.seed}, ${
    (durationMs / 1000).toFixed(1)
  } s, ${end}, ${droppedSlots} slots dropped`;
}

/** Returns the call as text: a line for each lane, a character for each equal part of the call. */
export function writeTimeline(record: PicturedCall, columns: number): string {
  const lanes = lanesOf(record);
  const width = Math.max(...lanes.map((lane) => lane.name.length));
  const stepMs = Math.max(1, record.durationMs / columns);
  const lines = lanes.map(({ name, kind, intervals }) => {
    const sign = kind === "spoken" ? "=" : kind === "said" ? "#" : "-";
    let line = "";
    for (let column = 0; column < columns; column++) {
      const [from, until] = [column * stepMs, (column + 1) * stepMs];
      const covered = intervals.reduce((ms, one) => {
        return ms + Math.max(0, Math.min(until, one.untilMs) - Math.max(from, one.fromMs));
      }, 0);
      line += covered > 0.9 * stepMs ? sign : covered > 0 ? "." : " ";
    }
    return `${name.padEnd(width)} |${line}|`;
  });
  const scale = `${"".padEnd(width)} 0${(record.durationMs / 1000).toFixed(1).padStart(columns)} s`;
  return [headline(record), ...lines, scale, ""].join("\n");
}

const COLOURS = { spoken: "#3b6ea5", heard: "#8fb4d8", said: "#b5651d", heardBy: "#e0a96d" };

/** Returns the call as SVG. */
export function drawTimeline(record: PicturedCall): string {
  const lanes = lanesOf(record);
  const [left, width, height] = [160, 800, 18];
  const x = (ms: number) => (left + width * ms / Math.max(1, record.durationMs)).toFixed(1);
  const rows = lanes.map(({ name, kind, intervals }, index) => {
    const y = 30 + index * height;
    const bars = intervals.map(({ fromMs, untilMs }) => {
      const length = Math.max(0.5, Number(x(untilMs)) - Number(x(fromMs))).toFixed(1);
      return `<rect x="${x(fromMs)}" y="${y}" width="${length}" height="${height - 6}" ` +
        `fill="${COLOURS[kind]}"/>`;
    });
    const label = `<text x="4" y="${y + height - 8}">${escape(name.trim())}</text>`;
    return label + bars.join("");
  });
  const bottom = 30 + lanes.length * height;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 20}" ` +
    `height="${bottom + 20}" font-family="sans-serif" font-size="11">` +
    `<text x="4" y="16">${escape(headline(record))}</text>${rows.join("")}` +
    `<line x1="${left}" y1="${bottom}" x2="${left + width}" y2="${bottom}" stroke="#888"/>` +
    `<text x="${left}" y="${bottom + 14}">0 s</text>` +
    `<text x="${left + width}" y="${bottom + 14}" text-anchor="end">` +
    `${(record.durationMs / 1000).toFixed(1)} s</text></svg>\n`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
