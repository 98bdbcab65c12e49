/**
 * Typed events by class: register, subscribe, send.
 *
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";
import { DropCounter } from "./drop_counter.ts";
import { attempt, promiseIn } from "./user_code.ts";
import { checkOptions, shown } from "./checks.ts";
import { describeError } from "./error_text.ts";

/** A class whose instances are sent as events. */
// deno-lint-ignore no-explicit-any
export type EventClass<T extends object = object> = abstract new (...args: any[]) => T;

/** A subscriber's function. It may return a promise. */
export type EventHandler<T> = (event: T) => void | Promise<void>;

/** Options for an {@linkcode EventManager}. */
export interface EventManagerOptions {
  /**
   * The most events that wait for one slow subscriber before the oldest is dropped. Default 256.
   */
  queueSize?: number;
  /**
   * Called with an error that a subscriber threw or rejected with, and about events dropped for a
   * slow subscriber (at most once a second). `event` is the event being handled. Default: logs to the
   * console.
   */
  onError?: (error: unknown, event: object) => void;
  /** The source of time. Default: the machine's clock. */
  clock?: Clock;
}

/**
 * Sends events to the subscribers of their class.
 *
 * `send` calls handlers synchronously. While a handler's promise is pending, further events wait in a
 * bounded queue of that subscriber, which then handles them one after another. So a slow subscriber
 * does not delay the others, and the error of one that throws goes to `onError`.
 *
 * Classes match exactly: a subscriber of a base class is not called for derived classes.
 *
 * @example
 * ```ts
 * import { EventManager } from "@ringline/edge";
 *
 * class Rang {
 *   constructor(readonly bell: string) {}
 * }
 *
 * using events = new EventManager();
 * events.register(Rang);
 * using _subscription = events.subscribe(Rang, (event) => console.log(event.bell));
 * events.send(new Rang("front door"));
 * ```
 */
export class EventManager implements Disposable {
  readonly #subscribers = new Map<EventClass, readonly Subscriber[]>();
  readonly #queueSize: number;
  readonly #onError: (error: unknown, event: object) => void;
  readonly #clock: Clock;
  #closed = false;

  /** Creates an event manager without classes. */
  constructor(options: EventManagerOptions = {}) {
    checkOptions(
      options,
      "options",
      { queueSize: true, onError: true, clock: true },
      "an object like { queueSize: 256 }, or nothing",
    );
    this.#queueSize = options.queueSize ?? 256;
    if (!Number.isInteger(this.#queueSize) || this.#queueSize < 1) {
      throw new RangeError(`queueSize: expected an integer >= 1, got ${this.#queueSize}`);
    }
    this.#onError = options.onError ?? ((error) => console.error(error));
    this.#clock = options.clock ?? systemClock;
  }

  /** Registers event classes. Registering one twice does nothing. */
  register(...classes: EventClass[]): void {
    for (const eventClass of classes) {
      if (typeof eventClass !== "function") {
        throw new TypeError(`register expects classes, got ${shown(eventClass)}`);
      }
      if (!this.#subscribers.has(eventClass)) this.#subscribers.set(eventClass, []);
    }
  }

  /** Returns whether the class has subscribers: without any, the event need not be created. */
  has(eventClass: EventClass): boolean {
    return (this.#subscribers.get(eventClass)?.length ?? 0) > 0;
  }

  /**
   * Calls `handler` with every event of these classes until the result is disposed.
   *
   * @throws {TypeError} a class is not registered.
   */
  subscribe<C extends EventClass>(
    classes: C | readonly C[],
    handler: EventHandler<InstanceType<C>>,
  ): Disposable {
    if (typeof handler !== "function") {
      throw new TypeError(`subscribe expects a function, got ${shown(handler)}`);
    }
    const list: readonly EventClass[] = typeof classes === "function" ? [classes] : classes;
    if (!Array.isArray(list)) {
      throw new TypeError(`subscribe expects a class or a list of them, got ${shown(classes)}`);
    }
    for (const eventClass of list) this.#expectKnown(eventClass);
    if (this.#closed) return { [Symbol.dispose]: () => {} };
    const subscriber = new Subscriber(
      handler as EventHandler<object>,
      this.#queueSize,
      this.#onError,
      this.#clock,
    );
    // Lists are replaced, never changed: `send` may be walking one of them.
    for (const eventClass of list) {
      this.#subscribers.set(eventClass, [...this.#subscribers.get(eventClass)!, subscriber]);
    }
    return {
      [Symbol.dispose]: () => {
        subscriber.stop();
        for (const eventClass of list) {
          const others = this.#subscribers.get(eventClass)!.filter((one) => one !== subscriber);
          this.#subscribers.set(eventClass, others);
        }
      },
    };
  }

  /**
   * Sends an event to the subscribers of its class. Never throws a subscriber's error. Does nothing
   * once closed.
   *
   * @throws {TypeError} the event's class is not registered.
   */
  send(event: object): void {
    const eventClass = event?.constructor as EventClass;
    const subscribers = this.#expectKnown(eventClass);
    for (const subscriber of subscribers) subscriber.take(event);
  }

  /** Ends all subscriptions, and drops the events in their queues. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const [eventClass, subscribers] of this.#subscribers) {
      for (const subscriber of subscribers) subscriber.stop();
      this.#subscribers.set(eventClass, []);
    }
  }

  /** Closes the event manager, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #expectKnown(eventClass: EventClass): readonly Subscriber[] {
    const subscribers = this.#subscribers.get(eventClass);
    if (subscribers) return subscribers;
    const name = typeof eventClass === "function" ? eventClass.name : shown(eventClass);
    const known = [...this.#subscribers.keys()].map((one) => one.name).join(", ") || "none";
    throw new TypeError(`unknown event class ${name}; registered are: ${known}`);
  }
}

/** One handler, and the events that wait while it is busy. */
class Subscriber {
  readonly #waiting: object[] = [];
  readonly #drops: DropCounter;
  #busy = false;
  #stopped = false;
  #current: object = this;

  constructor(
    private readonly handler: EventHandler<object>,
    private readonly queueSize: number,
    private readonly onError: (error: unknown, event: object) => void,
    clock: Clock,
  ) {
    this.#drops = new DropCounter(clock, (dropped, total) => {
      const name = this.#current.constructor.name;
      this.#fail(
        new Error(`a slow subscriber missed ${dropped} events (${total} in all), last ${name}`),
        this.#current,
      );
    });
  }

  take(event: object): void {
    if (this.#stopped) return;
    if (!this.#busy) {
      const pending = this.#call(event);
      if (pending) {
        this.#busy = true;
        this.#drain(pending);
      }
      return;
    }
    this.#waiting.push(event);
    if (this.#waiting.length > this.queueSize) {
      this.#current = this.#waiting.shift()!;
      this.#drops.add();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
  }

  async #drain(pending: Promise<void>): Promise<void> {
    await pending;
    for (let event; (event = this.#waiting.shift()) && !this.#stopped;) await this.#call(event);
    this.#busy = false;
  }

  /** Calls the handler. Returns a promise, which never rejects, if it is not done yet. */
  #call(event: object): Promise<void> | undefined {
    try {
      return promiseIn<unknown>(this.handler(event))
        ?.then(() => {}, (error) => this.#fail(error, event));
    } catch (error) {
      this.#fail(error, event);
      return undefined;
    }
  }

  #fail(error: unknown, event: object): void {
    attempt(() => this.onError(error, event), (second) => {
      console.error(describeError(second));
    });
  }
}
