/** The checks of `turnHandling`. @module */
import type { TurnHandlingOptions } from "./turn_handling_options.ts";
import type { UserTurnLimitOptions } from "../turns/user_turn_limit.ts";
import type { EndpointingOptions } from "../turns/turn_owner.ts";
import type { InterruptionOptions } from "../turns/interruption_handler.ts";
import type { VadOptions } from "../turns/vad_options.ts";
import { checkObject, checkOptions, shown } from "../../events/checks.ts";
import { checkDuration } from "../../events/waiting.ts";

/** The longest duration of the VAD options: audio is buffered for that long. */
const MAX_VAD_MS = 60_000;

/** The longest silence that ends a turn. */
const MAX_ENDPOINTING_MS = 30_000;
/** The owners of turns that have a name. */
const OWNERS = ["stt", "vad", "realtime", "manual"];

const OPTIONS = {
  turnDetection: true,
  endpointing: true,
  userTurnLimit: true,
  vad: true,
  mixSpeakers: true,
  interruption: true,
  preemptiveGeneration: true,
  shouldReply: true,
  onUserTurnCompleted: true,
  historyLimit: true,
  onHistoryFull: true,
  llmTimeoutMs: true,
  ttsTimeoutMs: true,
} as const satisfies Record<keyof TurnHandlingOptions, true>;
const ENDPOINTING = { minDelayMs: true, maxDelayMs: true } as const satisfies Record<
  keyof EndpointingOptions,
  true
>;
const VAD = {
  threshold: true,
  minSpeechMs: true,
  silenceDurationMs: true,
  prefixPaddingMs: true,
  maxSegmentMs: true,
  sttTimeoutMs: true,
} as const satisfies Record<keyof VadOptions, true>;
const TURN_LIMIT = {
  maxDurationMs: true,
  maxWords: true,
  onExceeded: true,
} as const satisfies Record<
  keyof UserTurnLimitOptions,
  true
>;
const INTERRUPTION = {
  minDurationMs: true,
  falseInterruptionTimeoutMs: true,
  backchannelBoundaryMs: true,
  backchannels: true,
  nearSpeakerOnly: true,
} as const satisfies Record<keyof InterruptionOptions, true>;

/** Throws a TypeError or a RangeError for turn handling options that make no sense. */
export function checkTurnHandling(options: TurnHandlingOptions = {}): void {
  checkGroup("turnHandling", options, OPTIONS);
  const { vad = {}, interruption = {}, endpointing = {}, shouldReply, historyLimit } = options;
  checkTurnDetection(options.turnDetection);
  checkTurnLimit(options.userTurnLimit);
  checkGroup("turnHandling.endpointing", endpointing, ENDPOINTING);
  const { minDelayMs, maxDelayMs } = endpointing;
  checkRange("turnHandling.endpointing.minDelayMs", minDelayMs, 0, MAX_ENDPOINTING_MS);
  checkRange(
    "turnHandling.endpointing.maxDelayMs",
    maxDelayMs,
    minDelayMs ?? 0,
    MAX_ENDPOINTING_MS,
  );
  checkGroup("turnHandling.vad", vad, VAD);
  checkGroup("turnHandling.interruption", interruption, INTERRUPTION);
  const { threshold, minSpeechMs, silenceDurationMs, prefixPaddingMs, maxSegmentMs, sttTimeoutMs } =
    vad;
  checkRange("turnHandling.vad.threshold", threshold, 0, 1);
  for (const [name, ms] of Object.entries({ minSpeechMs, silenceDurationMs, prefixPaddingMs })) {
    checkRange(`turnHandling.vad.${name}`, ms, 0, MAX_VAD_MS);
  }
  checkRange("turnHandling.vad.maxSegmentMs", maxSegmentMs, 1000, MAX_VAD_MS);
  checkLimit("turnHandling.vad.sttTimeoutMs", sttTimeoutMs);
  checkLimit("turnHandling.interruption.minDurationMs", interruption.minDurationMs);
  checkLimit(
    "turnHandling.interruption.falseInterruptionTimeoutMs",
    interruption.falseInterruptionTimeoutMs,
  );
  checkLimit(
    "turnHandling.interruption.backchannelBoundaryMs",
    interruption.backchannelBoundaryMs,
  );
  checkBackchannels(interruption.backchannels);
  checkBoolean("turnHandling.interruption.nearSpeakerOnly", interruption.nearSpeakerOnly);
  checkLimit("turnHandling.llmTimeoutMs", options.llmTimeoutMs);
  checkLimit("turnHandling.ttsTimeoutMs", options.ttsTimeoutMs);
  checkBoolean("turnHandling.mixSpeakers", options.mixSpeakers);
  checkBoolean("turnHandling.preemptiveGeneration", options.preemptiveGeneration);
  const { onUserTurnCompleted, onHistoryFull } = options;
  for (const [name, hook] of Object.entries({ shouldReply, onUserTurnCompleted, onHistoryFull })) {
    if (hook === undefined || typeof hook === "function") continue;
    throw new TypeError(`turnHandling.${name}: expected a function, got ${shown(hook)}`);
  }
  if (historyLimit !== undefined && !(Number.isInteger(historyLimit) && historyLimit >= 1)) {
    throw new RangeError(
      `turnHandling.historyLimit: expected an integer >= 1, got ${shown(historyLimit)}`,
    );
  }
}

function checkTurnLimit(limit: unknown = {}): void {
  checkGroup("turnHandling.userTurnLimit", limit, TURN_LIMIT);
  const { maxDurationMs, maxWords, onExceeded } = limit as UserTurnLimitOptions;
  checkRange("turnHandling.userTurnLimit.maxDurationMs", maxDurationMs, 1000, Infinity);
  checkRange("turnHandling.userTurnLimit.maxWords", maxWords, 1, Infinity);
  if (onExceeded === undefined || typeof onExceeded === "function") return;
  throw new TypeError(
    `turnHandling.userTurnLimit.onExceeded: expected a function, got ${shown(onExceeded)}`,
  );
}

function checkBackchannels(backchannels: unknown = {}): void {
  const name = "turnHandling.interruption.backchannels";
  checkObject(backchannels, name);
  for (const [language, words] of Object.entries(backchannels as object)) {
    if (Array.isArray(words) && words.every((word) => typeof word === "string")) continue;
    throw new TypeError(`${name}.${language}: expected an array of texts, got ${shown(words)}`);
  }
}

function checkTurnDetection(value: unknown): void {
  if (value === undefined || typeof value !== "string" || OWNERS.includes(value)) return;
  const names = OWNERS.map((name) => JSON.stringify(name)).join(", ");
  throw new TypeError(
    `turnHandling.turnDetection: expected ${names} or a TurnDetector, got ${shown(value)}`,
  );
}

function checkGroup(name: string, value: unknown, known: Readonly<Record<string, true>>): void {
  checkOptions(value as Record<string, unknown>, name, known);
}

function checkBoolean(name: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(`${name}: expected a boolean, got ${shown(value)}`);
}

function checkRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (typeof value === "number" && value >= least && value <= most)) return;
  throw new RangeError(`${name}: expected a number from ${least} to ${most}, got ${shown(value)}`);
}

function checkLimit(name: string, value: number | undefined): void {
  if (value !== undefined) checkDuration(name, value);
}
