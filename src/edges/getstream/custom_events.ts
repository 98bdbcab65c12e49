/**
 * Custom events as Stream carries them: objects of at most 5 KB. Anything else that is JSON travels
 * inside an object, in two where that would be too large for one.
 *
 * @module
 */
import { type JsonValue, MAX_CUSTOM_EVENT_BYTES } from "@ringline/edge/toolkit";

/** The field in which a value travels that is no object. */
const VALUE = "ringline_value";
/** The field in which a piece of a value's text travels: its id, number, count and text. */
const PART = "ringline_part";
/** Events of which only a part has come; the other may be lost. */
const MOST_PARTIAL = 32;

/** An object to be sent. */
export type CustomObject = { [key: string]: JsonValue };

/** The objects that carry `data`: nearly always one. */
export function toCustomObjects(data: JsonValue): CustomObject[] {
  if (isPlainObject(data)) return [data];
  const wrapped = { [VALUE]: data };
  if (byteLength(JSON.stringify(wrapped)) <= MAX_CUSTOM_EVENT_BYTES) return [wrapped];
  const text = JSON.stringify(data);
  const half = text.length >> 1;
  // Not between the two units of one character.
  const cut = (text.charCodeAt(half) & 0xfc00) === 0xdc00 ? half - 1 : half;
  const id = crypto.randomUUID();
  return [text.slice(0, cut), text.slice(cut)].map((part, index) => ({
    [PART]: [id, index, 2, part],
  }));
}

/** Puts together what comes. */
export class CustomEventReader {
  readonly #partial = new Map<string, string[]>();

  /** The data of an object that came; `undefined` while a part is missing. */
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
      if (this.#partial.size > MOST_PARTIAL) {
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

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
