/**
 * Custom events in Stream's form: objects of at most 5 KB. Other JSON travels inside an object, or in
 * two objects where it would be too large for one.
 *
 * @module
 */
import {
  checkWrittenText,
  jsonByteLength,
  type JsonValue,
  MAX_CUSTOM_EVENT_BYTES,
} from "@ringline/edge/toolkit";

/** The field of a value that is not an object. */
const VALUE = "ringline_value";
/** The field of a part of a value: its id, number, count and text. */
const PART = "ringline_part";
/** The most events that may wait for their other part, which may be lost. */
const MAX_PARTIAL = 32;

/** An object to send. */
export type CustomObject = { [key: string]: JsonValue };

/** The field of what a person writes to the agent. */
const TEXT = "ringline_text";

/** Returns what a person wrote, if the event is `{ ringline_text: "..." }` and nothing else. */
export function textOf(data: JsonValue): string | undefined {
  if (!isPlainObject(data) || Object.keys(data).length !== 1) return undefined;
  try {
    const text: unknown = data[TEXT];
    checkWrittenText(text);
    return text;
  } catch {
    // An event of the application's own that only looks like it.
    return undefined;
  }
}

/** Returns the objects that carry `data`: nearly always one. */
export function toCustomObjects(data: JsonValue): CustomObject[] {
  if (isPlainObject(data)) return [data];
  const wrapped = { [VALUE]: data };
  if (jsonByteLength(wrapped) <= MAX_CUSTOM_EVENT_BYTES) return [wrapped];
  const text = JSON.stringify(data);
  const half = text.length >> 1;
  // Not between the two units of one character.
  const cut = (text.charCodeAt(half) & 0xfc00) === 0xdc00 ? half - 1 : half;
  const id = crypto.randomUUID();
  return [text.slice(0, cut), text.slice(cut)].map((part, index) => ({
    [PART]: [id, index, 2, part],
  }));
}

/** Reads custom events, and joins the parts of divided ones. */
export class CustomEventReader {
  readonly #partial = new Map<string, string[]>();

  /** Returns the data of a received object; `undefined` while its other part is missing. */
  read(custom: JsonValue): JsonValue | undefined {
    if (!isPlainObject(custom) || Object.keys(custom).length !== 1) return custom;
    if (VALUE in custom) return custom[VALUE]!;
    const part = custom[PART];
    if (!Array.isArray(part)) return custom;
    const [id, index, count, text] = part;
    if (
      typeof id !== "string" || typeof text !== "string" || count !== 2 ||
      (index !== 0 && index !== 1)
    ) return custom;
    const parts = this.#partial.get(id) ?? [];
    parts[index] = text;
    if (parts[0] === undefined || parts[1] === undefined) {
      this.#partial.set(id, parts);
      if (this.#partial.size > MAX_PARTIAL) {
        this.#partial.delete(this.#partial.keys().next().value!);
      }
      return undefined;
    }
    this.#partial.delete(id);
    try {
      return JSON.parse(parts.join(""));
    } catch {
      return undefined;
    }
  }
}

function isPlainObject(value: JsonValue): value is CustomObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
