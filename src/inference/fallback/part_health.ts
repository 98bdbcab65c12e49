/** The parts of a fallback: which of them work, and trying again those that do not. @module */
import type { Component, ComponentContext } from "../contracts/component.ts";
import { checkMethods, shown } from "../../events/checks.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { describeError, messageOf } from "../../events/error_text.ts";
import { backOffMs } from "../../events/retry.ts";
import { promised } from "../../events/user_code.ts";
import { checkDuration, limitTime, waitFor } from "../../events/waiting.ts";
import { InferenceError, inferenceErrorIn } from "../contracts/errors.ts";
import { ComponentHealthEvent } from "../contracts/events.ts";

/** Options for a fallback. */
export interface FallbackOptions {
  /** The name in messages and metrics. Default: the names of its parts. */
  name?: string;
  /**
   * How long a part may be silent before the next one takes over, in milliseconds: until its first
   * text or sound, and after it. Default 5,000.
   */
  timeoutMs?: number;
}

/** The default of `timeoutMs`. */
const TIMEOUT_MS = 5000;
/** When a part that failed is tried again; later ever more rarely. */
const FIRST_RETRY_MS = 2000;
const MAX_RETRY_MS = 60_000;

/** What is known of a part. */
interface Part<C> {
  readonly component: C;
  readonly index: number;
  isHealthy: boolean;
  /** How often it was started, and not closed yet. */
  starts: number;
  /** How often it was tried again since it failed. */
  retries: number;
  retry: Disposable | undefined;
}

/** Options for {@linkcode PartHealth}. */
export interface PartHealthInit<C> extends FallbackOptions {
  /** Names the fallback in errors, e.g. `"FallbackLLM"`. */
  kind: string;
  /** The methods that each part must have. */
  methods: readonly string[];
  /** Tries a part with a request of no consequence; rejects when it still fails. */
  probe: (part: C, context: { clock: Clock; signal: AbortSignal }) => Promise<void>;
}

/**
 * Starts and closes the parts of a fallback, and keeps their order: those that work first. A part that
 * failed is tried again in the background, and an event tells when its health changes.
 */
export class PartHealth<C extends Component> {
  readonly name: string;
  readonly timeoutMs: number;
  readonly components: readonly C[];
  readonly #init: PartHealthInit<C>;
  readonly #parts: readonly Part<C>[];
  readonly #contexts: ComponentContext[] = [];
  #closing = new AbortController();
  readonly #retrying = new Set<Promise<void>>();
  #failures = 0;
  #takeovers = 0;

  /**
   * @throws {TypeError} there is no part, or something that is none.
   * @throws {RangeError} `timeoutMs` is no duration.
   */
  constructor(components: readonly C[], init: PartHealthInit<C>) {
    const { kind, methods, timeoutMs = TIMEOUT_MS } = init;
    if (!Array.isArray(components) || components.length === 0) {
      throw new TypeError(`${kind}: expected a list of parts, got ${shown(components)}`);
    }
    for (const [index, component] of components.entries()) {
      checkMethods(component, `${kind}[${index}]`, "a part", methods);
      if (components.indexOf(component) === index) continue;
      throw new TypeError(
        `${kind}[${index}]: expected each part once, got ${component.name} again`,
      );
    }
    checkDuration("timeoutMs", timeoutMs);
    this.#init = init;
    this.timeoutMs = timeoutMs;
    this.components = [...components];
    this.name = init.name ?? components.map(({ name }) => name).join(" or ");
    this.#parts = components.map((component, index) => ({
      component,
      index,
      isHealthy: true,
      starts: 0,
      retries: 0,
      retry: undefined,
    }));
  }

  get clock(): Clock {
    return this.#contexts.at(-1)?.clock ?? systemClock;
  }

  /** The parts in the order in which they are asked: those that work, then the others. */
  get order(): C[] {
    return [true, false].flatMap((healthy) =>
      this.#parts.filter(({ isHealthy }) => isHealthy === healthy).map(({ component }) => component)
    );
  }

  /** The first part that works, if one does. */
  get best(): C | undefined {
    return this.#parts.find(({ isHealthy }) => isHealthy)?.component;
  }

  /**
   * Starts all parts. A part that cannot be reached is tried again later.
   *
   * @throws {InferenceError} a part has no key, or no part accepts its key.
   */
  async start(context: ComponentContext): Promise<void> {
    if (this.#contexts.length === 0) this.#closing = new AbortController();
    this.#contexts.push(context);
    const started = await Promise.allSettled(this.#parts.map((part) => this.#start(part, context)));
    const errors = started.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
    const fatal = context.signal.aborted
      ? { error: context.signal.reason }
      : fatalOf(errors, this.#parts.length);
    if (fatal) {
      await this.close();
      throw fatal.error;
    }
    for (const [index, one] of started.entries()) {
      if (one.status === "rejected") this.#lose(this.#parts[index]!, one.reason);
    }
  }

  /** Closes each part as often as it was started by one agent. */
  async close(): Promise<void> {
    this.#contexts.pop();
    if (this.#contexts.length === 0) {
      this.#closing.abort(new DOMException("the fallback was closed", "AbortError"));
      for (const part of this.#parts) part.retry?.[Symbol.dispose]();
      await Promise.all(this.#retrying);
    }
    const closing = this.#parts.filter((part) => part.starts > this.#contexts.length)
      .map((part) => {
        part.starts--;
        return promised(() => part.component.close?.());
      });
    const failed = (await Promise.allSettled(closing)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  metrics(): Readonly<Record<string, number>> {
    const own: Record<string, number> = {
      healthyParts: this.#parts.filter(({ isHealthy }) => isHealthy).length,
      failures: this.#failures,
      takeovers: this.#takeovers,
    };
    for (const { component, index } of this.#parts) {
      for (const [name, value] of Object.entries(component.metrics?.() ?? {})) {
        own[`${index + 1}.${name}`] = value;
      }
    }
    return own;
  }

  /** Notes that another part takes over. */
  takenOver(): void {
    this.#takeovers++;
  }

  /** Notes that a part did what it should. */
  succeeded(component: C): void {
    const part = this.#find(component);
    if (!part.isHealthy) this.#change(part, true);
  }

  /** Notes that a part failed. A request that it cannot take says nothing about its health. */
  failed(component: C, error: unknown): void {
    this.#failures++;
    const status = inferenceErrorIn(error)?.status;
    if ([400, 413, 422].includes(status ?? 0)) return;
    const part = this.#find(component);
    if (part.isHealthy) this.#lose(part, error);
  }

  #find(component: C): Part<C> {
    return this.#parts.find((part) => part.component === component)!;
  }

  async #start(part: Part<C>, context: ComponentContext): Promise<void> {
    await promised(() => part.component.start?.(context));
    part.starts++;
  }

  #lose(part: Part<C>, error: unknown): void {
    this.#change(part, false, error);
    part.retries = 0;
    if (isRetryable(error)) this.#retryLater(part);
  }

  #change(part: Part<C>, healthy: boolean, error?: unknown): void {
    part.isHealthy = healthy;
    const { component: { name: component }, index } = part;
    const event = new ComponentHealthEvent({ component, index, of: this.name, healthy, error });
    for (const { emit, logger } of this.#contexts) {
      const why = healthy ? "" : `: ${describeError(error)}`;
      logger.warn(`${this.name}: ${component} ${healthy ? "works again" : "failed"}${why}`);
      emit?.(event);
    }
  }

  #retryLater(part: Part<C>): void {
    const [context] = this.#contexts;
    if (!context) return;
    const waitMs = backOffMs(++part.retries, { firstMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS });
    part.retry?.[Symbol.dispose]();
    part.retry = context.clock.schedule(() => {
      const retrying = this.#retry(part, context).catch((error) => {
        if (part.isHealthy || this.#closing.signal.aborted || !isRetryable(error)) return;
        this.#retryLater(part);
      }).finally(() => this.#retrying.delete(retrying));
      this.#retrying.add(retrying);
    }, waitMs);
  }

  async #retry(part: Part<C>, context: ComponentContext): Promise<void> {
    const { clock } = context;
    const { signal: closing } = this.#closing;
    using limit = limitTime(`trying ${part.component.name} again`, {
      timeoutMs: this.timeoutMs,
      signals: [closing],
      clock,
    });
    const { signal } = limit;
    // A part that could not start has to, before it can be asked.
    const what = `trying ${part.component.name} again`;
    while (part.starts < this.#contexts.length) {
      await waitFor(this.#start(part, { ...context, signal }), what, { clock, signal });
    }
    await waitFor(this.#init.probe(part.component, { clock, signal }), what, { clock, signal });
    if (!closing.aborted && !part.isHealthy) this.#change(part, true);
  }
}

/** Whether another try can succeed. An error of unknown kind may be of that kind. */
function isRetryable(error: unknown): boolean {
  return inferenceErrorIn(error)?.retryable ?? true;
}

/** Returns the error for parts that all failed: that of the only one, or one that names all. */
export function allFailed(what: string, errors: readonly unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  return new InferenceError(`${what}: ${errors.map(messageOf).join("; ")}`, {
    code: "all-failed",
    retryable: errors.some(isRetryable),
    cause: new AggregateError(errors),
  });
}

/** Returns the error with which a start fails: no key, or nothing that can be expected to work. */
function fatalOf(errors: readonly unknown[], partCount: number): { error: unknown } | undefined {
  const missing = errors.find((one) => inferenceErrorIn(one)?.code === "no-key");
  if (missing) return { error: missing };
  const isHopeless = errors.length === partCount && !errors.some(isOutage);
  return isHopeless ? { error: errors[0] } : undefined;
}

function isOutage(error: unknown): boolean {
  return inferenceErrorIn(error)?.retryable === true;
}
