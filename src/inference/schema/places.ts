/**
 * The places in a schema that a validator's errors refer to.
 *
 * @module
 */
import type { PlainSchema } from "./lenient_schema.ts";
import { decoded, MAPS, namesOf } from "./schema_references.ts";

/** An error as the validator writes it. */
export interface Fault {
  readonly keyword: string;
  /** Where in the schema the keyword stands. */
  readonly keywordLocation: string;
  /** Where in the value. */
  readonly instanceLocation: string;
  readonly error: string;
}

/** The schema that a value was checked against. */
export interface CheckedSchema {
  readonly schema: PlainSchema;
  /** The schema of each `$ref`. */
  readonly targets: Readonly<Record<string, PlainSchema>>;
}

/** Finds the part of a schema that an error refers to. */
export class Places {
  constructor(readonly checked: CheckedSchema) {}

  /** Returns the node at a place. */
  nodeAt(keywordLocation: string): unknown {
    let node: unknown = this.checked.schema;
    let isName = false; // rather than a keyword
    for (const name of pathOf(keywordLocation)) {
      const value = (node as Record<string, unknown> | undefined)?.[name];
      node = name === "$ref" && !isName ? this.checked.targets[String(value)] : value;
      isName = !isName && MAPS.includes(name);
    }
    return node;
  }

  /** The keyword's value. */
  valueOf({ keywordLocation }: Fault): unknown {
    return this.nodeAt(keywordLocation);
  }

  /** Whether it is the error of a schema that nothing fits. */
  isNothing(error: Fault): boolean {
    return error.keyword === "not" && Object.keys(this.valueOf(error) ?? { a: 1 }).length === 0;
  }

  /** Returns the requirement of a keyword, in words. */
  expectation(error: Fault): string {
    const value = this.valueOf(error);
    switch (error.keyword) {
      case "type":
        return [value].flat().join(" or ");
      case "enum":
        return `one of ${JSON.stringify(value)}`;
      case "const":
        return JSON.stringify(value);
      case "oneOf":
        return "what fits exactly one of its alternatives";
      case "not":
        return "something else";
      case "uniqueItems":
        return "no item twice";
      case "contains":
        return `an item that fits ${brief(value)}`;
    }
    return `${error.keyword} ${JSON.stringify(value)}`;
  }

  /** The names that are known where one is not, as a hint. */
  knownAround({ keywordLocation }: Fault): string {
    const [, above] = /^(.*)\/(?:additional|unevaluated)Properties\/not$/.exec(keywordLocation) ??
      [];
    if (above === undefined) return "";
    const node = this.nodeAt(above) as PlainSchema | undefined;
    const names = Object.keys(node?.properties ?? {});
    return names.length === 0 ? "" : ` (there are: ${names.join(", ")})`;
  }
}

/** The names in a location as the validator writes it. */
export function pathOf(location: string): string[] {
  return namesOf(location).map(decoded);
}

/** A value for a message, cut where it is long. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
