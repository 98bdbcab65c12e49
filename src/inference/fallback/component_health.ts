/** The candidates of a fallback: which of them work, and trying again those that do not. @module */
import type { Component, ComponentContext } from "../contracts/component.ts";
import { checkMethods, checkOptions, shown } from "../../events/checks.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { describeError, messageOf } from "../../events/error_text.ts";
import { backOffMs } from "../../events/retry.ts";
import { promised } from "../../events/user_code.ts";
import { checkDuration, limitTime, waitFor } from "../../events/waiting.ts";
import { InferenceError, inferenceErrorIn } from "../contracts/errors.ts";
import { ComponentHealthEvent } from "../contracts/events.ts";

/** Options for a fallback. */
export interface FallbackOptions {
  /** The name in messages and metrics. Default: the names of its candidates. */
  name?: string;
  /**
   * How long a candidate may be silent before the next one takes over, in milliseconds: until its first
   * text or sound, and after it. Default 5,000.
   */
  timeoutMs?: number;
}

/** Throws a TypeError unless these are options of a fallback. */
export function checkFallback(options: FallbackOptions): void {
  const expected = "an object like { timeoutMs: 5000 }, or nothing";
  checkOptions(options, "options", { name: true, timeoutMs: true }, expected);
}

/** The default of `timeoutMs`. */
const TIMEOUT_MS = 5000;
/** When a candidate that failed is tried again; later ever more rarely. */
const FIRST_RETRY_MS = 2000;
const MAX_RETRY_MS = 60_000;

/** What is known of a candidate. */
interface Candidate<C> {
  readonly component: C;
  readonly index: number;
  isHealthy: boolean;
  /** How often it was started, and not closed yet. */
  starts: number;
  /** How often it was tried again since it failed. */
  retries: number;
  retry: Disposable | undefined;
}

/** What {@linkcode ComponentHealth} needs. */
export interface ComponentHealthInit<C> extends FallbackOptions {
  /** Names the fallback in errors, e.g. `"FallbackLLM"`. */
  kind: string;
  /** The methods that each candidate must have. */
  methods: readonly string[];
  /** Tries a candidate with a request of no consequence; rejects when it still fails. */
  probe: (candidate: C, context: { clock: Clock; signal: AbortSignal }) => Promise<void>;
}

/**
 * Starts and closes the candidates of a fallback, and keeps their order: those that work first. A candidate that
 * failed is tried again in the background, and an event tells when its health changes.
 */
export class ComponentHealth<C extends Component> {
  readonly name: string;
  readonly timeoutMs: number;
  readonly components: readonly C[];
  readonly #init: ComponentHealthInit<C>;
  readonly #candidates: readonly Candidate<C>[];
  readonly #contexts: ComponentContext[] = [];
  #closing = new AbortController();
  readonly #retrying = new Set<Promise<void>>();
  #failures = 0;
  #takeovers = 0;

  /**
   * @throws {TypeError} there is no candidate, or something that is none.
   * @throws {RangeError} `timeoutMs` is no duration.
   */
  constructor(components: readonly C[], init: ComponentHealthInit<C>) {
    const { kind, methods, timeoutMs = TIMEOUT_MS } = init;
    if (!Array.isArray(components) || components.length === 0) {
      throw new TypeError(`${kind}: expected a list of components, got ${shown(components)}`);
    }
    for (const [index, component] of components.entries()) {
      checkMethods(component, `${kind}[${index}]`, "a component", methods);
      if (components.indexOf(component) === index) continue;
      throw new TypeError(
        `${kind}[${index}]: expected each component once, got ${component.name} again`,
      );
    }
    checkDuration("timeoutMs", timeoutMs);
    this.#init = init;
    this.timeoutMs = timeoutMs;
    this.components = [...components];
    this.name = init.name ?? components.map(({ name }) => name).join(" or ");
    this.#candidates = components.map((component, index) => ({
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

  /** The candidates in the order in which they are asked: those that work, then the others. */
  get order(): C[] {
    return [true, false].flatMap((healthy) =>
      this.#candidates.filter(({ isHealthy }) => isHealthy === healthy).map(({ component }) =>
        component
      )
    );
  }

  /** The first candidate that works, if one does. */
  get best(): C | undefined {
    return this.#candidates.find(({ isHealthy }) => isHealthy)?.component;
  }

  /**
   * Starts all candidates. A candidate that cannot be reached is tried again later.
   *
   * @throws {InferenceError} a candidate has no key, or no candidate accepts its key.
   */
  async start(context: ComponentContext): Promise<void> {
    if (this.#contexts.length === 0) this.#closing = new AbortController();
    this.#contexts.push(context);
    const started = await Promise.allSettled(
      this.#candidates.map((candidate) => this.#start(candidate, context)),
    );
    const errors = started.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
    const fatal = context.signal.aborted
      ? { error: context.signal.reason }
      : fatalOf(errors, this.#candidates.length);
    if (fatal) {
      await this.close();
      throw fatal.error;
    }
    for (const [index, one] of started.entries()) {
      if (one.status === "rejected") this.#lose(this.#candidates[index]!, one.reason);
    }
  }

  /** Closes each candidate as often as it was started by one agent. */
  async close(): Promise<void> {
    this.#contexts.pop();
    if (this.#contexts.length === 0) {
      this.#closing.abort(new DOMException("the fallback was closed", "AbortError"));
      for (const candidate of this.#candidates) candidate.retry?.[Symbol.dispose]();
      await Promise.all(this.#retrying);
    }
    const closing = this.#candidates.filter((candidate) => candidate.starts > this.#contexts.length)
      .map((candidate) => {
        candidate.starts--;
        return promised(() => candidate.component.close?.());
      });
    const failed = (await Promise.allSettled(closing)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  metrics(): Readonly<Record<string, number>> {
    const own: Record<string, number> = {
      healthyComponents: this.#candidates.filter(({ isHealthy }) => isHealthy).length,
      failures: this.#failures,
      takeovers: this.#takeovers,
    };
    for (const { component, index } of this.#candidates) {
      for (const [name, value] of Object.entries(component.metrics?.() ?? {})) {
        own[`${index + 1}.${name}`] = value;
      }
    }
    return own;
  }

  /** Notes that another candidate takes over. */
  takenOver(): void {
    this.#takeovers++;
  }

  /** Notes that a candidate did what it should. */
  succeeded(component: C): void {
    const candidate = this.#find(component);
    if (!candidate.isHealthy) this.#change(candidate, true);
  }

  /** Notes that a candidate failed. A request that it cannot take says nothing about its health. */
  failed(component: C, error: unknown): void {
    this.#failures++;
    const status = inferenceErrorIn(error)?.status;
    if ([400, 413, 422].includes(status ?? 0)) return;
    const candidate = this.#find(component);
    if (candidate.isHealthy) this.#lose(candidate, error);
  }

  #find(component: C): Candidate<C> {
    return this.#candidates.find((candidate) => candidate.component === component)!;
  }

  async #start(candidate: Candidate<C>, context: ComponentContext): Promise<void> {
    await promised(() => candidate.component.start?.(context));
    candidate.starts++;
  }

  #lose(candidate: Candidate<C>, error: unknown): void {
    this.#change(candidate, false, error);
    candidate.retries = 0;
    if (isRetryable(error)) this.#retryLater(candidate);
  }

  #change(candidate: Candidate<C>, healthy: boolean, error?: unknown): void {
    candidate.isHealthy = healthy;
    const { component: { name: component }, index } = candidate;
    const event = new ComponentHealthEvent({ component, index, of: this.name, healthy, error });
    for (const { emit, logger } of this.#contexts) {
      const why = healthy ? "" : `: ${describeError(error)}`;
      logger.warn(`${this.name}: ${component} ${healthy ? "works again" : "failed"}${why}`);
      emit?.(event);
    }
  }

  #retryLater(candidate: Candidate<C>): void {
    const [context] = this.#contexts;
    if (!context) return;
    const waitMs = backOffMs(++candidate.retries, { firstMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS });
    candidate.retry?.[Symbol.dispose]();
    candidate.retry = context.clock.schedule(() => {
      const retrying = this.#retry(candidate, context).catch((error) => {
        if (candidate.isHealthy || this.#closing.signal.aborted || !isRetryable(error)) return;
        this.#retryLater(candidate);
      }).finally(() => this.#retrying.delete(retrying));
      this.#retrying.add(retrying);
    }, waitMs);
  }

  async #retry(candidate: Candidate<C>, context: ComponentContext): Promise<void> {
    const { clock } = context;
    const { signal: closing } = this.#closing;
    using limit = limitTime(`trying ${candidate.component.name} again`, {
      timeoutMs: this.timeoutMs,
      signals: [closing],
      clock,
    });
    const { signal } = limit;
    // A candidate that could not start has to, before it can be asked.
    const what = `trying ${candidate.component.name} again`;
    while (candidate.starts < this.#contexts.length) {
      await waitFor(this.#start(candidate, { ...context, signal }), what, { clock, signal });
    }
    await waitFor(this.#init.probe(candidate.component, { clock, signal }), what, {
      clock,
      signal,
    });
    if (!closing.aborted && !candidate.isHealthy) this.#change(candidate, true);
  }
}

/** Whether another try can succeed. An error of unknown kind may be of that kind. */
function isRetryable(error: unknown): boolean {
  return inferenceErrorIn(error)?.retryable ?? true;
}

/** Returns the error for candidates that all failed: that of the only one, or one that names all. */
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
