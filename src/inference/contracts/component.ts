/**
 * What the parts of an agent's mind have in common: a name, a beginning, an end, and figures.
 *
 * @module
 */
import type { Clock } from "../../events/clock.ts";
import type { Logger } from "../../events/logger.ts";
import { describeError } from "../../events/error_text.ts";
import { promised, type Report } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";

/** A component that takes longer than this to close is left to itself. */
const CLOSE_LIMIT_MS = 4000;

/** What a component is given when it starts. */
export interface ComponentContext {
  /** Where all its time comes from. */
  readonly clock: Clock;
  /** Where it may say things. */
  readonly logger: Logger;
  /** Aborted when starting is given up, another component's failure included. */
  readonly signal: AbortSignal;
}

/**
 * A model, a detector, a set of tools: anything that an agent thinks, hears or speaks with. Several
 * agents may share one, at once or one after the other: each starts and closes it, so it releases
 * what it has when it was closed as often as it was started, and may be started again.
 */
export interface Component {
  /** For messages and metrics, e.g. `"openai-llm"`. */
  readonly name: string;
  /** Gets ready: loads a model, opens a connection, checks a key. All components start together. */
  start?(context: ComponentContext): void | Promise<void>;
  /**
   * Releases everything. Called once for each start, also when another one failed to start. What
   * it rejects with, or takes longer than four seconds for, is reported.
   */
  close?(): void | Promise<void>;
  /**
   * Figures so far, at once, e.g. `{ requests: 3, inputTokens: 1200 }`; sums unless the name says
   * else.
   */
  metrics?(): Readonly<Record<string, number>>;
}

/**
 * Starts all components at once. When one fails, or the signal is aborted, the others are told to
 * stop, those that had started are closed, and the first failure is thrown. Who does not listen and
 * starts all the same is closed then.
 */
export async function startComponents(
  components: Iterable<Component>,
  context: ComponentContext,
): Promise<void> {
  const all = [...new Set(components)];
  const others = new AbortController();
  const signal = AbortSignal.any([context.signal, others.signal]);
  const { promise: givenUp, reject: giveUp } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => giveUp(signal.reason), { once: true });
  if (signal.aborted) giveUp(signal.reason);
  const started = new Set<Component>();
  const starting = all.map(async (component) => {
    signal.throwIfAborted();
    await component.start?.({ ...context, signal });
    started.add(component);
  });
  const { clock, logger } = context;
  const report = (error: unknown, what: string) => logger.warn(`${what}: ${describeError(error)}`);
  try {
    await Promise.race([Promise.all(starting), givenUp]);
  } catch (error) {
    others.abort(error);
    const late = all.filter((component) => !started.has(component));
    for (const component of late) {
      starting[all.indexOf(component)]!.then(
        () => closeComponents([component], { clock, report }),
        () => {},
      );
    }
    await closeComponents(started, { clock, report });
    throw signal.reason;
  }
}

/**
 * Closes all components at once; what goes wrong, or takes too long, is reported and keeps no other
 * one open.
 */
export async function closeComponents(
  components: Iterable<Component>,
  { clock, report }: { clock: Clock; report: Report },
): Promise<void> {
  await Promise.all([...new Set(components)].map(async (component) => {
    const what = `closing ${component.name}`;
    try {
      const closing = promised(() => component.close?.());
      await waitFor(closing, what, { timeoutMs: CLOSE_LIMIT_MS, clock });
    } catch (error) {
      report(error, what);
    }
  }));
}
