/**
 * Checks what a model calls a tool with against the tool's schema, and says what is wrong in words
 * that it can act on.
 *
 * @module
 */
import "./usable_location.ts";
import { validate } from "@cfworker/json-schema";
import { describeFault } from "./argument_fault.ts";
import type { JsonSchema } from "../contracts/json_schema.ts";
import {
  type LenientSchema,
  lenientSchema,
  type PlainSchema,
  targetsFor,
} from "./lenient_schema.ts";

/** Says what about a value does not fit; `undefined` when it fits. */
export interface ArgumentCheck {
  (value: unknown): string | undefined;
  /** Requirements of the schema that are not checked, in words. */
  readonly unchecked: readonly string[];
}

/**
 * A schema can be so nested in itself that checking against it takes for ever: after following so
 * many references, and so many more for each character of the arguments, it is given up.
 */
const MAX_REFERENCES = 10_000;
const REFERENCES_PER_CHARACTER = 20;

/**
 * Reads a schema. The function that it returns throws if the check goes round in circles.
 *
 * @throws {TypeError} the schema cannot be read.
 */
export function argumentCheck(schema: JsonSchema | boolean): ArgumentCheck {
  const lenient = read(schema);
  const { schema: plain, unchecked } = lenient;
  const $schema = String((schema as JsonSchema | null)?.$schema ?? "");
  const draft = /draft-0[3-7]/.test($schema) ? "7" : "2020-12";
  const check = (value: unknown) => {
    // As it is sent: what is undefined is not there.
    const text = JSON.stringify(value) ?? "null";
    const sent = JSON.parse(text);
    const limit = MAX_REFERENCES + REFERENCES_PER_CHARACTER * text.length;
    const targets = targetsFor(lenient, text.length);
    const lookup = limited(targets, limit);
    try {
      const { valid, errors } = validate(sent, plain, draft, lookup as Record<string, never>);
      return valid ? undefined : describeFault(errors, sent, { schema: plain, targets });
    } catch (cause) {
      if (!isOverflow(cause)) throw cause;
      const reason = "the schema refers to itself without end or has too many alternatives, " +
        "or it or the arguments are nested too deeply";
      throw new RangeError(reason, { cause });
    }
  };
  return Object.assign(check, { unchecked });
}

function read(schema: unknown): LenientSchema {
  try {
    // As it is sent to a model, which fails for one that holds itself.
    return lenientSchema(JSON.parse(JSON.stringify(schema) ?? "null"));
  } catch (cause) {
    const [what] = (cause as Error).message.split("\n");
    const reason = isOverflow(cause) ? "it is nested too deeply" : what;
    throw new TypeError(`the schema cannot be read: ${reason}`, { cause });
  }
}

function limited(
  targets: Readonly<Record<string, PlainSchema>>,
  limit: number,
): Readonly<Record<string, PlainSchema>> {
  let references = 0;
  return new Proxy(targets, {
    get(target, key) {
      if (++references > limit) {
        throw new RangeError(`checking takes more than ${limit} references`);
      }
      return target[String(key)];
    },
  });
}

function isOverflow(error: unknown): boolean {
  return error instanceof RangeError && /call stack/.test(error.message);
}
