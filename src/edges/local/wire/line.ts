/** The schema of a text that is shown on one line. @module */
import * as v from "valibot";
import { hasControlCharacters } from "../../../edge/validation.ts";

/** A string of at most `size` characters that is safe to show on one line. */
export function line(size: number) {
  return v.pipe(
    v.string(),
    v.maxLength(size),
    v.check((text) => !hasControlCharacters(text), "control characters"),
  );
}
