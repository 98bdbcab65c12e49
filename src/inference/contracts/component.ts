/**
 * What models, detectors and sets of tools have in common: a name, start, close and metrics.
 *
 * @module
 */
import type { Clock } from "../../events/clock.ts";
import type { Logger } from "../../events/logger.ts";
import { describeError } from "../../events/error_text.ts";
import { promised, type Report } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";

/** A component that takes longer than this to close is abandoned. */
const CLOSE_LIMIT_MS = 4000;

/** Options for a component's `start`. */
export interface ComponentContext {
  /** The clock of the agent; virtual in tests. */
  readonly clock: Clock;
  /** The agent's logger. */
  readonly logger: Logger;
  /** Aborted when the start is given up, also because another component failed. */
  readonly signal: AbortSignal;
  /** Emits one of the conversation's events, e.g. `ComponentHealthEvent`. */
  readonly emit?: (event: object) => void;
}

/**
 * A model, a detector or a set of tools of an agent. Several agents may share one, together or one
 * after the other: each starts and closes it, so a component releases its resources when it was
 * closed as often as it was started, and it may be started again.
 */
export interface Component {
  /** For messages and metrics, e.g. `"openai-llm"`. */
  readonly name: string;
  /** Prepares: loads a model, opens a connection, checks a key. All components start together. */
  start?(context: ComponentContext): void | Promise<void>;
  /**
   * Releases everything. Called once for each start, also when another component failed to start. A
   * rejection, or a close that takes more than four seconds, is reported.
   */
  close?(): void | Promise<void>;
  /**
   * Returns its figures so far, e.g. `{ requests: 3, inputTokens: 1200 }`, without waiting; sums
   * unless the name says otherwise.
   */
  metrics?(): Readonly<Record<string, number>>;
}

/**
 * Starts all components together. When one fails, or the signal is aborted, this aborts the others,
 * closes those that had started, and throws the first failure. A component that ignores its signal
 * and starts later is closed then.
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
 * Closes all components together; a failure, or a close that takes too long, is reported and does
 * not keep the others open.
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
