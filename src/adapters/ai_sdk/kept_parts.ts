/** Collects the parts of a reply that its provider wants back with the calls that end it. @module */
import type { JsonValue } from "@ringline/edge";
import type { Kept, KeptPart } from "./messages.ts";

/** A part of a stream that may belong to reasoning or text. */
interface StreamedPart {
  readonly type: string;
  readonly id?: string;
  readonly text?: string;
  // deno-lint-ignore no-explicit-any
  readonly providerMetadata?: any;
}

type OpenPart = { -readonly [K in keyof KeptPart]: KeptPart[K] };

/** The parts of one reply since its last call. */
export class KeptParts {
  #parts: { id: string | undefined; part: OpenPart }[] = [];
  /** Whether any part carries more than its text. */
  #isNeeded = false;

  /** Notes a part of the stream. */
  add({ type, id, text = "", providerMetadata }: StreamedPart): void {
    const kind = /^(reasoning|text)-/.exec(type)?.[1] as KeptPart["type"] | undefined;
    if (!kind) return;
    let open = this.#parts.findLast((one) => one.id === id && one.part.type === kind);
    if (!open) this.#parts.push(open = { id, part: { type: kind } });
    const { part } = open;
    if (kind === "text") part.chars = (part.chars ?? 0) + text.length;
    else part.text = (part.text ?? "") + text;
    if (providerMetadata) part.providerOptions = providerMetadata;
    this.#isNeeded ||= kind === "reasoning" || providerMetadata !== undefined;
  }

  /** Returns the metadata of the call, or the end, that comes now; `undefined` where there is nothing to keep. */
  take(providerOptions?: Kept["aiSdk"]["providerOptions"]): JsonValue | undefined {
    const parts = this.#parts.map(({ part }) => part);
    const isNeeded = this.#isNeeded || providerOptions !== undefined;
    this.#parts = [];
    if (!isNeeded) return undefined;
    const kept: Kept = {
      aiSdk: { before: parts, ...providerOptions ? { providerOptions } : {} },
    };
    // Without what JSON has no word for, such as undefined.
    return JSON.parse(JSON.stringify(kept));
  }
}
