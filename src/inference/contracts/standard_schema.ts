/**
 * Schemas of libraries such as Zod, Valibot and ArkType, by the interface that they share: what
 * https://standardschema.dev describes, as far as tools use it.
 *
 * @module
 */

/**
 * A schema of a library that implements Standard Schema and says its JSON Schema: Zod from 4.2,
 * ArkType from 2.1.28, Valibot through `toStandardJsonSchema` of `@valibot/to-json-schema`.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What the library says of the schema. */
  readonly "~standard": {
    /** The version of the interface. */
    readonly version: 1;
    /** The library. */
    readonly vendor: string;
    /** Returns the checked value, or what is wrong with it. */
    readonly validate: (
      value: unknown,
    ) => StandardResult<Output> | PromiseLike<StandardResult<Output>>;
    /** For TypeScript only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Returns the JSON Schema of what it takes. */
    readonly jsonSchema?: {
      readonly input: (options: { readonly target: string }) => Record<string, unknown>;
    };
  };
}

/** What a check by a schema has come to. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value. */
export interface StandardIssue {
  /** In words. */
  readonly message: string;
  /** Where: names and indices, some libraries wrap them. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
