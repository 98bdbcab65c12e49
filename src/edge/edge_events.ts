/** The events of an edge, and how they are emitted. @module */
import { type Clock, systemClock } from "../events/clock.ts";
import { checkObject, checkOptions } from "../events/checks.ts";
import { EventManager } from "../events/event_manager.ts";
import { describeError } from "../events/error_text.ts";
import { consoleLogger, guardedLogger, type Logger } from "../events/logger.ts";
import { edgeEvents, ErrorEvent } from "./events.ts";

/**
 * The events of an edge. `send` applies an event to the connection it names, and so to the agent, and
 * then emits it; `emit` passes an event to subscribers only. The author of an edge uses `send`,
 * connections use `emit`.
 */
export class EdgeEvents extends EventManager {
  readonly #logger: Logger;

  /** Registers all events of the contract. */
  constructor(options: { clock?: Clock; logger?: Logger } = {}) {
    checkOptions(
      options,
      "options",
      { clock: true, logger: true },
      "an object like { logger }, or nothing",
    );
    const { clock = systemClock } = options;
    const logger = guardedLogger(options.logger ?? consoleLogger, clock);
    super({
      clock,
      onError: (error, event) => {
        // An error of an ErrorEvent's subscriber would come back here forever.
        const name = event.constructor.name;
        if (event instanceof ErrorEvent) {
          logger.error(`a subscriber of ${name} failed: ${describeError(error)}`);
        } else this.emit(new ErrorEvent({ error, context: `a subscriber of ${name}` }));
      },
    });
    this.#logger = logger;
    this.register(...edgeEvents);
  }

  /**
   * Applies an event to the connection it names, and emits it: the agent receives the audio of an
   * {@linkcode AudioReceivedEvent}, a participant joins the connection, or the call ends.
   */
  override send(event: object): void {
    checkObject(event, "send", "an event of a registered class");
    const connection = "connection" in event ? event.connection : undefined;
    if (canTakeEvents(connection) && !connection[takeSentEvent](event)) return;
    this.emit(event);
  }

  /** Emits an event to subscribers only. Logs an error event without a subscriber. */
  emit(event: object): void {
    if (event instanceof ErrorEvent && !this.has(ErrorEvent)) {
      this.#logger.warn(`${event.context}: ${describeError(event.error)}`);
    }
    super.send(event);
  }
}

/** The method by which a connection takes the events that {@linkcode EdgeEvents.send} is given. */
export const takeSentEvent: unique symbol = Symbol("takeSentEvent");

function canTakeEvents(value: unknown): value is { [takeSentEvent](event: object): boolean } {
  return typeof value === "object" && value !== null && takeSentEvent in value;
}
