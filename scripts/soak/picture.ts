/**
 * Draws a soak: what both processes held, over time.
 *
 * @module
 */
import type { Sample } from "./sample.ts";

const WIDTH = 860;
const [LEFT, RIGHT] = [64, 120];
const PANEL = 96;
const GAP = 34;
const TOP = 46;

interface Line {
  name: string;
  colour: string;
  value(sample: Sample): number;
}

const AGENT = "#1f6feb";
const MEDIA = "#d1570b";
const OTHER = "#2f8f4e";

const PANELS: { title: string; lines: Line[] }[] = [
  {
    title: "resident memory, MB",
    lines: [
      { name: "media process", colour: MEDIA, value: ({ media }) => media.rssMb },
      { name: "agent", colour: AGENT, value: ({ agent }) => agent.rssMb },
    ],
  },
  {
    title: "the agent's heap and its buffers of samples (rings), MB",
    lines: [
      { name: "heap", colour: AGENT, value: ({ agent }) => agent.heapMb },
      { name: "buffers", colour: OTHER, value: ({ agent }) => agent.buffersMb },
    ],
  },
  {
    title: "file descriptors",
    lines: [
      { name: "media process", colour: MEDIA, value: ({ media }) => media.files },
      { name: "agent", colour: AGENT, value: ({ agent }) => agent.files },
    ],
  },
  {
    title: "threads",
    lines: [
      { name: "media process", colour: MEDIA, value: ({ media }) => media.threads },
      { name: "agent", colour: AGENT, value: ({ agent }) => agent.threads },
    ],
  },
  {
    title: "people in the call, and what the agent's process has open",
    lines: [
      { name: "people", colour: OTHER, value: ({ people }) => people },
      { name: "handles", colour: AGENT, value: ({ agent }) => agent.handles },
    ],
  },
];

/** Draws it. Dashed lines are where the media process was replaced. */
export function drawSoak(samples: Sample[]): string {
  const endS = Math.max(1, samples.at(-1)?.atS ?? 1);
  const x = (atS: number) => LEFT + (WIDTH - LEFT - RIGHT) * atS / endS;
  const height = TOP + PANELS.length * (PANEL + GAP) + 16;
  const out: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="15">A soak of ${(endS / 60).toFixed(1)} minutes</text>`,
    `<text x="${LEFT}" y="36" fill="#777">dashed: the media process is replaced</text>`,
  ];
  const replaced = samples.filter((sample, index) =>
    index > 0 && sample.round !== samples[index - 1]!.round
  );
  for (const [index, { title, lines }] of PANELS.entries()) {
    const top = TOP + index * (PANEL + GAP) + 18;
    const most = niceTop(
      Math.max(...lines.flatMap(({ value }) => samples.map(value)).filter(Number.isFinite), 1),
    );
    const y = (value: number) => top + PANEL * (1 - value / most);
    out.push(`<text x="${LEFT}" y="${top - 6}" font-weight="bold">${title}</text>`);
    for (const share of [0, 0.5, 1]) {
      const at = y(most * share);
      out.push(
        `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
        `<text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${most * share}</text>`,
      );
    }
    for (const { atS } of replaced) {
      out.push(
        `<path d="M${round(x(atS))} ${top}v${PANEL}" stroke="#999" stroke-dasharray="3 3"/>`,
      );
    }
    for (const [nth, { name, colour, value }] of lines.entries()) {
      // A new process begins a new line.
      const parts = [...Map.groupBy(samples, ({ round }) => round).values()].map((part) =>
        part.map((sample) => `${round(x(sample.atS))} ${round(y(value(sample)))}`).join("L")
      );
      out.push(
        `<path d="M${parts.join("M")}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
        `<text x="${WIDTH - RIGHT + 8}" y="${top + 14 + nth * 16}" fill="${colour}">${name}</text>`,
      );
    }
  }
  out.push(
    `<text x="${LEFT}" y="${height - 8}" fill="#777">0</text>`,
    `<text x="${WIDTH - RIGHT}" y="${height - 8}" fill="#777" text-anchor="end">` +
      `${Math.round(endS)} s</text>`,
    "</svg>",
  );
  return out.join("\n") + "\n";
}

/** A round number above `value`, whose half is round too. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((top) => top >= value)!;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
