/**
 * What the parts of an agent's mind have in common: a name, a beginning, an end, and figures.
 *
 * @module
 */
import type { Clock } from "../events/clock.ts";
import type { Logger } from "../events/logger.ts";
import { describeError } from "../events/logger.ts";

/** What a component is given when it starts. */
export interface ComponentContext {
  /** Where all its time comes from. */
  readonly clock: Clock;
  /** Where it may say things. */
  readonly logger: Logger;
  /** Aborted when starting is given up, another component's failure included. */
  readonly signal: AbortSignal;
}

/** A model, a detector, a set of tools: anything that an agent thinks, hears or speaks with. */
export interface Component {
  /** For messages and metrics, e.g. `"openai-llm"`. */
  readonly name: string;
  /** Gets ready: loads a model, opens a connection, checks a key. All components start together. */
  start?(context: ComponentContext): void | Promise<void>;
  /** Releases everything. Called once, if it was started, also when another one failed to start. */
  close?(): void | Promise<void>;
  /** Figures so far, e.g. `{ requests: 3, inputTokens: 1200 }`; sums unless the name says else. */
  metrics?(): Readonly<Record<string, number>>;
}

/**
 * Starts all components at once. When one fails the others are told to stop, those that had started
 * are closed, and the first failure is thrown.
 */
export async function startComponents(
  components: Iterable<Component>,
  context: ComponentContext,
): Promise<void> {
  const all = [...new Set(components)];
  const others = new AbortController();
  const signal = AbortSignal.any([context.signal, others.signal]);
  const results = await Promise.allSettled(all.map(async (component) => {
    try {
      signal.throwIfAborted();
      await component.start?.({ ...context, signal });
    } catch (error) {
      others.abort(error);
      throw error;
    }
  }));
  if (!signal.aborted) return;
  const started = all.filter((_, index) => results[index]!.status === "fulfilled");
  await closeComponents(started, (error, context_) => {
    context.logger.warn(`${context_}: ${describeError(error)}`);
  });
  throw signal.reason;
}

/** Closes all components at once; what goes wrong is reported and keeps no other one open. */
export async function closeComponents(
  components: Iterable<Component>,
  report: (error: unknown, context: string) => void,
): Promise<void> {
  await Promise.all([...new Set(components)].map(async (component) => {
    try {
      await component.close?.();
    } catch (error) {
      report(error, `closing ${component.name}`);
    }
  }));
}
