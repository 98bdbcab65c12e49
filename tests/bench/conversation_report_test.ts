/** The report of the conversation benchmark. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type ConversationResults,
  formatReport,
  targets,
} from "../../bench/conversation/report.ts";
import { isMet } from "../../bench/lib/target.ts";

const machine = {
  os: "linux x86_64",
  cores: 2,
  cpu: "A CPU",
  deno: "2.9.6",
  date: "2026-11-23",
  load: 0,
  chromium: "156",
};

function results(fromDecisionMs: number[]): ConversationResults {
  const fromFirstSoundMs = fromDecisionMs.map((ms) => ms + 200);
  return {
    machine,
    seconds: 1,
    bargeIn: {
      fromFirstSoundMs,
      fromDecisionMs,
      confirmed: fromDecisionMs.length,
      noises: 10,
      stopped: 3,
      falseInterruptions: 3,
    },
  };
}

Deno.test("the conversation report judges interruptions by their p95", () => {
  const list = targets(results(Array(40).fill(60)));
  assertEquals(list.map((one) => [one.limit, one.measured, isMet(one)]), [
    [80, 60, true],
    [350, 260, true],
  ]);
});

Deno.test("the conversation report counts an agent that never fell silent as the slowest, and says so", () => {
  const some = results([...Array(8).fill(60), NaN]);
  assertEquals(targets(some).map(isMet), [false, false]);
  assertStringIncludes(formatReport(some), "never");
});

Deno.test("the conversation report judges our own part of a reply, and takes no reply for none", () => {
  const replies = {
    inBrowserMs: [],
    overheadMs: [],
    transportMs: [100],
    parts: [],
    beyondAgentMs: [],
    lost: 3,
  };
  const none: ConversationResults = { machine, seconds: 1, replies };
  assertEquals(targets(none).map(isMet), [false]);
  assertStringIncludes(formatReport(none), "3 questions were not answered");
  const own = { ...replies, overheadMs: [...Array(19).fill(5), 30], lost: 0 };
  assertEquals(targets({ ...none, replies: own }).map(({ measured }) => measured < 20), [true]);
});

Deno.test("the conversation report shows each way to end turns, with what it cut", () => {
  const times = { plainMs: [900, 1000], toolMs: [1200], lost: 0, turns: 4 };
  const report = formatReport({
    machine,
    seconds: 1,
    turns: [{ kind: "silence", ...times, cut: 1 }, { kind: "smart-turn", ...times, cut: 0 }],
  });
  assertStringIncludes(report, "1 of 4");
  assertStringIncludes(report, "smart-turn");
});
