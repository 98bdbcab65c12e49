/** Words of OpenTelemetry's conventions for generative AI. @module */
import type { Attributes } from "npm:@opentelemetry/api@1.10.0";
import type { ModelResponseEvent } from "../../inference/contracts/events.ts";

/** Returns milliseconds as seconds. */
export function seconds(ms: number): number {
  return ms / 1000;
}

/** Returns the attributes of a request to a model. */
export function genAi({ component, model, provider }: ModelResponseEvent): Attributes {
  return {
    "gen_ai.operation.name": "chat",
    // Required by the conventions, which let it be a name of one's own.
    "gen_ai.provider.name": provider ?? component,
    ...model !== undefined && { "gen_ai.request.model": model },
  };
}

/** Returns what kind of failure it is: a code, the name of a class, or "cancelled". */
export function typeOf({ error, outcome }: { error: unknown; outcome?: string }): string {
  if (outcome === "cancelled") return outcome;
  if (!(error instanceof Error)) return "_OTHER";
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : error.name;
}
