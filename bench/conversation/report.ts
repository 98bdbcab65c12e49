/**
 * The report of a conversation: what was measured, against the targets, and where a reply's time goes.
 *
 * @module
 */
import type { Machine } from "../lib/machine.ts";
import { median, percentile, rounded } from "../lib/stats.ts";
import { formatTable } from "../lib/table.ts";
import { isMet, type Target } from "../lib/target.ts";
import type { ReplyParts } from "./agent.ts";
import type { ReplyResults } from "./replies.ts";
import type { BargeInResults } from "./barge_in.ts";
import type { TurnFigures } from "./turns.ts";

/** Everything that a run measured; a part that was not asked for is `undefined`. */
export interface ConversationResults {
  machine: Machine & { chromium: string };
  seconds: number;
  bargeIn?: BargeInResults;
  replies?: ReplyResults;
  turns?: TurnFigures[];
}

const PARTS: readonly [name: string, key: keyof ReplyParts][] = [
  ["turn: silence that ends it", "endOfTurnDelayMs"],
  ["STT beyond that", "transcriptionDelayMs"],
  ["LLM: first sentence", "llmMs"],
  ["TTS: first sound", "ttfbMs"],
  ["playout: until it is heard", "playoutMs"],
  ["not explained by these", "overheadMs"],
  ["voice to voice, as the agent knows it", "voiceToVoiceMs"],
];

/** Each figure that has a target, whether or not it was met. */
export function targets({ bargeIn, replies }: ConversationResults): Target[] {
  const list: Target[] = [];
  const add = (name: string, limit: number, measured: number) =>
    list.push({ name, unit: "ms", limit, measured });
  if (bargeIn) {
    add("barge-in: decision to silence in the browser, p95", 80, p95(bargeIn.fromDecisionMs));
    add("barge-in: first sound to silence, p95", 350, p95(bargeIn.fromFirstSoundMs));
  }
  if (replies) add("our own part of voice to voice, p95", 20, p95(replies.overheadMs));
  return list;
}

/** What never happened counts as the slowest. */
function p95(values: number[]): number {
  return percentile(values.map((value) => Number.isNaN(value) ? Infinity : value), 0.95);
}

function show(value: number): string {
  return value === Infinity ? "never" : String(rounded(value) ?? "-");
}

function row(name: string, values: number[]): string[] {
  return [name, show(median(values)), show(p95(values)), String(values.length)];
}

/** Tables of text. */
export function formatReport(results: ConversationResults): string {
  const { machine, bargeIn, replies, turns, seconds } = results;
  const rows: string[][] = [];
  if (bargeIn) {
    rows.push(
      row("barge-in: first sound to silence", bargeIn.fromFirstSoundMs),
      row("barge-in: decision to silence", bargeIn.fromDecisionMs),
    );
  }
  if (replies) {
    rows.push(
      row("last sound to the reply, in the browser", replies.inBrowserMs),
      row("there and back, a live track", replies.transportMs),
      row("our own part", replies.overheadMs),
      row("in the browser, beyond what the agent knows", replies.beyondAgentMs),
      ...PARTS.map(([name, key]) => row(`- ${name}`, replies.parts.map((one) => one[key]))),
    );
  }
  const lines = [
    `${machine.os}, ${machine.cores} cores, ${machine.cpu}, Deno ${machine.deno}, ` +
    `${machine.chromium}, ${machine.date}, load ${machine.load.toFixed(1)} before, ` +
    `${seconds.toFixed(0)} s`,
    "",
    formatTable(
      ["target", "limit", "measured", "unit", ""],
      targets(results).map((target) => {
        const { name, limit, measured, unit } = target;
        return [name, show(limit), show(measured), unit, isMet(target) ? "met" : "MISSED"];
      }),
    ),
    "",
    formatTable(["what", "p50 ms", "p95 ms", "n"], rows),
  ];
  if (bargeIn) {
    const { confirmed, fromFirstSoundMs, noises, stopped, falseInterruptions } = bargeIn;
    lines.push(
      "",
      `${confirmed} of ${fromFirstSoundMs.length} interruptions were taken as meant; of ${noises} short ` +
        `noises ${stopped} stopped the agent, ${falseInterruptions} of them for a moment only`,
    );
  }
  if (replies) {
    lines.push(
      "",
      "our own part: what the browser measured, less the script's silence, model and voice, less the " +
        "way there and back. That way is a live track's, whose pacer waits a little: so the " +
        "remainder can be negative.",
    );
  }
  if (replies && replies.lost > 0) lines.push("", `${replies.lost} questions were not answered`);
  if (turns) lines.push("", turnTable(turns));
  return lines.join("\n");
}

/** What each way to end turns did, at the listener's ear. */
function turnTable(turns: readonly TurnFigures[]): string {
  const both = (values: number[]) => `${show(median(values))}, ${show(p95(values))}`;
  const table = formatTable(
    ["turns end by", "plain: p50, p95 ms", "with a tool", "cut", "unanswered"],
    turns.map(({ kind, plainMs, toolMs, cut, lost, turns }) => [
      kind,
      both(plainMs),
      both(toolMs),
      `${cut} of ${turns}`,
      String(lost),
    ]),
  );
  return `${table}\n\nfrom the last word to the reply's first sound, in the browser; the recogniser's times ` +
    "are assumed, and that it waits for the rest of a turn";
}

/** One JSON document with every measurement. */
export function jsonReport(results: ConversationResults): string {
  const list = targets(results).map((target) => ({ ...target, met: isMet(target) }));
  return JSON.stringify({ ...results, targets: list }, null, 2);
}
