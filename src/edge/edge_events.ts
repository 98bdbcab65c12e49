import { type Clock, systemClock } from "../events/clock.ts";
import { checkObject } from "../events/checks.ts";
import { EventManager } from "../events/event_manager.ts";
import { describeError } from "../events/error_text.ts";
import { consoleLogger, guardedLogger, type Logger } from "../events/logger.ts";
import { edgeEvents, ErrorEvent } from "./events.ts";

/**
 * The events of an edge. What an edge's author sends here himself also reaches the connection it
 * names, and so its agent; what a connection announces by itself goes to subscribers only.
 */
export class EdgeEvents extends EventManager {
  readonly #logger: Logger;

  /** Registers all events of the contract. */
  constructor(options: { clock?: Clock; logger?: Logger } = {}) {
    checkObject(options, "options", "an object like { logger }, or nothing");
    const { clock = systemClock } = options;
    const logger = guardedLogger(options.logger ?? consoleLogger, clock);
    super({
      clock,
      onFailure: (error, event) => {
        // An error of those who listen for errors would come back here for ever.
        const name = event.constructor.name;
        if (event instanceof ErrorEvent) {
          logger.error(`a subscriber of ${name} failed: ${describeError(error)}`);
        } else this.announce(new ErrorEvent({ error, context: `a subscriber of ${name}` }));
      },
    });
    this.#logger = logger;
    this.register(...edgeEvents);
  }

  /**
   * Sends an event and hands it to the connection it names, as if that had announced it: an
   * {@linkcode AudioReceivedEvent} is heard by the connection's agent, a participant is there, the
   * call has ended.
   */
  override send(event: object): void {
    checkObject(event, "send", "an event of a registered class");
    const connection = "connection" in event ? event.connection : undefined;
    if (isTaking(connection) && !connection[takeSentEvent](event)) return;
    this.announce(event);
  }

  /** Sends an event to subscribers only. An error that nobody listens for is logged. */
  announce(event: object): void {
    if (event instanceof ErrorEvent && !this.has(ErrorEvent)) {
      this.#logger.warn(`${event.context}: ${describeError(event.error)}`);
    }
    super.send(event);
  }
}

/** The method by which a connection takes the events that its edge's author sends himself. */
export const takeSentEvent: unique symbol = Symbol("takeSentEvent");

function isTaking(value: unknown): value is { [takeSentEvent](event: object): boolean } {
  return typeof value === "object" && value !== null && takeSentEvent in value;
}
