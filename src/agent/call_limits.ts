/** Ends an agent's call after a time, or when it is alone. @module */
import type { CallConnection } from "../edge/call_connection.ts";
import type { EdgeTransport } from "../edge/edge_transport.ts";
import type { Clock } from "../events/clock.ts";
import type { Logger } from "../events/logger.ts";
import { ConnectionStateChangedEvent } from "../edge/events.ts";

/** What {@linkcode CallLimits} needs. */
export interface CallLimitsInit {
  edge: EdgeTransport;
  connection: CallConnection;
  clock: Clock;
  logger: Logger;
  /** How long the call may last. */
  maxCallMs: number;
  /** How long no person may be in it. */
  closeWhenIdleMs: number;
  /** Closes the agent. */
  close: () => void;
}

/** The time limits of an agent's call. */
export class CallLimits implements Disposable {
  readonly #init: CallLimitsInit;
  readonly #subscription: Disposable;
  readonly #longest: Disposable;
  #idle: Disposable | undefined;

  constructor(init: CallLimitsInit) {
    this.#init = init;
    const { edge, connection, clock, maxCallMs } = init;
    this.#longest = clock.schedule(
      () => this.#end(`the call has lasted ${maxCallMs} ms`),
      maxCallMs - connection.onCallForMs(),
    );
    this.#subscription = edge.events.subscribe(ConnectionStateChangedEvent, (event) => {
      if (event.connection === connection) this.#limitIdling();
    });
    this.#limitIdling();
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    this.#longest[Symbol.dispose]();
    this.#idle?.[Symbol.dispose]();
  }

  #limitIdling(): void {
    const { connection, clock, closeWhenIdleMs } = this.#init;
    this.#idle?.[Symbol.dispose]();
    if (connection.state !== "waiting" && connection.state !== "idle") return;
    this.#idle = clock.schedule(
      () => this.#end(`no person has been in the call for ${closeWhenIdleMs} ms`),
      Math.max(0, closeWhenIdleMs - connection.idleForMs()),
    );
  }

  #end(why: string): void {
    const { logger, close } = this.#init;
    this[Symbol.dispose]();
    logger.info(`the agent leaves: ${why}`);
    close();
  }
}
