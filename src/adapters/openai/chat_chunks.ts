/** The chunks of a streamed reply, in the forms of several services. @module */
import * as v from "valibot";
import type { FinishReason } from "../../inference/contracts/llm.ts";

const text = v.nullish(v.string(), "");
const tokens = v.nullish(v.number(), 0);

/** Text, or a list of parts of which some are text, as Mistral sends it with its reasoning. */
const content = v.nullish(
  v.pipe(
    v.union([
      v.string(),
      v.array(v.looseObject({ type: v.nullish(v.string()), text: v.nullish(v.string()) })),
    ]),
    v.transform((value) =>
      typeof value === "string"
        ? value
        : value.map(({ type, text }) => (type ?? "text") === "text" ? text ?? "" : "").join("")
    ),
  ),
  "",
);

/** The arguments of a call, or a piece of them; some services send the object itself. */
const callArguments = v.nullish(
  v.pipe(
    v.union([v.string(), v.record(v.string(), v.any())]),
    v.transform((value) => typeof value === "string" ? value : JSON.stringify(value)),
  ),
  "",
);
const numberOrText = v.union([v.number(), v.string()]);

/** A piece of a tool call. */
const callPiece = v.pipe(
  v.object({
    index: v.nullish(v.pipe(numberOrText, v.transform(Number))),
    id: v.nullish(v.pipe(numberOrText, v.transform(String))),
    function: v.nullish(v.object({ name: text, arguments: callArguments }), {}),
    extra_content: v.nullish(v.any()),
  }),
  v.transform(({ index, id, function: { name, arguments: args }, extra_content }) => ({
    index,
    id,
    name,
    arguments: args,
    extraContent: extra_content,
  })),
);

/** The fields that this adapter reads of a chunk. */
export const chunkSchema = v.object({
  // What is counted in another way costs no reply.
  usage: v.fallback(
    v.nullish(v.object({ prompt_tokens: tokens, completion_tokens: tokens })),
    undefined,
  ),
  choices: v.nullish(
    v.array(v.object({
      finish_reason: v.nullish(v.string()),
      delta: v.nullish(
        v.object({
          content,
          refusal: text,
          tool_calls: v.nullish(v.array(callPiece), []),
          reasoning_content: text,
          reasoning_details: v.nullish(v.array(v.record(v.string(), v.any())), []),
        }),
        {},
      ),
    })),
    [],
  ),
});

/** A chunk of a reply. */
export type Chunk = v.InferOutput<typeof chunkSchema>;

/** Returns the contract's word for a service's reason. */
export function finishReason(reason: string): FinishReason {
  const word = reason.toLowerCase();
  if (/tool|function/.test(word)) return "tool-calls";
  if (/length|max_?tokens/.test(word)) return "length";
  if (/filter|safety|refusal|recitation|prohibited|blocklist|spii/.test(word)) {
    return "content-filter";
  }
  return /stop|end|eos/.test(word) ? "stop" : "other";
}
