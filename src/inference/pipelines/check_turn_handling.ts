import type { TurnHandlingOptions } from "./cascaded_pipeline.ts";
import { shown } from "../../events/checks.ts";
import { checkDuration } from "../../events/waiting.ts";

/** The longest that a time of hearing can sensibly be: half of it fills a memory already. */
const MOST_HEARING_MS = 60_000;

/** Throws a TypeError or a RangeError for options of talking that make no sense. */
export function checkTurnHandling(talk: TurnHandlingOptions = {}): void {
  checkObject("talk", talk);
  const { hearing = {}, bargeIn = {}, answers, historyLimit } = talk;
  checkObject("talk.hearing", hearing);
  checkObject("talk.bargeIn", bargeIn);
  const { threshold, minSpeechMs, pauseMs, preRollMs, maxStretchMs, sttTimeoutMs } = hearing;
  checkRange("talk.hearing.threshold", threshold, 0, 1);
  for (const [name, ms] of Object.entries({ minSpeechMs, pauseMs, preRollMs })) {
    checkRange(`talk.hearing.${name}`, ms, 0, MOST_HEARING_MS);
  }
  checkRange("talk.hearing.maxStretchMs", maxStretchMs, 1000, MOST_HEARING_MS);
  checkLimit("talk.hearing.sttTimeoutMs", sttTimeoutMs);
  checkLimit("talk.bargeIn.confirmMs", bargeIn.confirmMs);
  checkLimit("talk.bargeIn.patienceMs", bargeIn.patienceMs);
  checkLimit("talk.llmTimeoutMs", talk.llmTimeoutMs);
  checkLimit("talk.ttsTimeoutMs", talk.ttsTimeoutMs);
  checkBoolean("talk.mixed", talk.mixed);
  checkBoolean("talk.eagerTurns", talk.eagerTurns);
  if (answers !== undefined && typeof answers !== "function") {
    throw new TypeError(`talk.answers must be a function, got ${shown(answers)}`);
  }
  if (historyLimit !== undefined && !(Number.isInteger(historyLimit) && historyLimit >= 1)) {
    throw new RangeError(`talk.historyLimit must be an integer >= 1, got ${shown(historyLimit)}`);
  }
}

function checkObject(name: string, value: unknown): void {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`${name} must be an object, got ${shown(value)}`);
}

function checkBoolean(name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(`${name} must be a boolean, got ${shown(value)}`);
}

function checkRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (typeof value === "number" && value >= least && value <= most)) return;
  throw new RangeError(`${name} must be a number from ${least} to ${most}, got ${shown(value)}`);
}

function checkLimit(name: string, value: number | undefined): void {
  if (value !== undefined) checkDuration(name, value);
}
