/** What a reply takes of a model's response: parts that are well-formed and in time. @module */
import type { Clock } from "../../events/clock.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { InferenceError } from "../contracts/errors.ts";
import type { LLMPart } from "../contracts/llm.ts";
import { withoutThoughts } from "../text/markup_filter.ts";

/** The part with which a response ends. */
export type FinishPart = Extract<LLMPart, { type: "finish" }>;

/** Options for {@linkcode partsInTime}. */
export interface PartsInTimeOptions {
  /** The model's name, for errors. */
  model: string;
  /** How long the model may be silent. */
  timeoutMs: number;
  /** Ends the response; aborted with a `TimeoutError` when the model is silent for too long. */
  controller: AbortController;
  clock: Clock;
}

/** Yields a model's parts, each checked and within the time limit. */
export async function* partsInTime(
  parts: () => AsyncIterable<LLMPart> | PromiseLike<AsyncIterable<LLMPart>>,
  { model, timeoutMs, controller, clock }: PartsInTimeOptions,
): AsyncGenerator<LLMPart, void, void> {
  const startTimer = () =>
    clock.schedule(() => {
      const message = `${model} returned nothing for ${timeoutMs} ms`;
      controller.abort(new DOMException(message, "TimeoutError"));
    }, timeoutMs);
  let timer = startTimer();
  try {
    for await (const part of untilAborted(parts, `${model}.generate`, controller.signal, clock)) {
      timer[Symbol.dispose]();
      yield checkPart(part, model);
      timer = startTimer();
    }
  } finally {
    timer[Symbol.dispose]();
  }
}

/**
 * Throws for a reply of which there is nothing, unless the model says that it is complete, and for one
 * of thoughts only: the model has begun to reply.
 */
export function checkReply(text: string, finish: FinishPart | undefined, model: string): void {
  const { reason = "stop", detail } = finish ?? {};
  if (text !== "") {
    if (!/\S/.test(text) || /\S/.test(withoutThoughts(text))) return;
    const message = `${model} returned thoughts and no reply: ${detail ?? reason}`;
    throw new InferenceError(message, { code: "no-reply", retryable: true });
  }
  if (reason === "stop") return;
  const why = reason === "tool-calls" ? "it calls a tool, and none came" : reason;
  const message = `${model} returned no text: ${why}${detail ? `, ${detail}` : ""}`;
  const retryable = reason === "other" || reason === "tool-calls";
  throw new InferenceError(message, { code: reason, retryable });
}

/** Returns the part, or throws a TypeError for one that is malformed. Unknown types are let through. */
function checkPart(part: LLMPart, model: string): LLMPart {
  const fault = faultOf(part);
  if (fault) throw new TypeError(`${model} returned a part ${fault}`);
  return part;
}

function faultOf(part: LLMPart | null | undefined): string | undefined {
  if (typeof part?.type !== "string") return `without a type: ${String(part)}`;
  if (part.type === "text" && typeof part.text !== "string") {
    return `of text whose text is ${typeof part.text}`;
  }
  if (part.type !== "tool-call") return undefined;
  const { id, name } = part.call ?? {};
  if (typeof id === "string" && typeof name === "string") return undefined;
  return "with a tool call that lacks an id or a name";
}
