/** What this edge tells beside the contract's events. @module */
import { type CallConnection, checkObject, type Participant } from "@ringline/edge/toolkit";
import type { Strategy } from "./wire/ipc.ts";

/** How a lost call was found again. */
export type ReconnectStrategy = Strategy;

/** One participant's loudness. */
export interface AudioLevel {
  /** Who. */
  readonly participant: Participant;
  /** 0 to 1. */
  readonly level: number;
  /** Whether Stream takes it for speech. */
  readonly speaking: boolean;
}

/** How loud people are, as Stream measures it; at most ten times a second. */
export class AudioLevelsEvent {
  /** What kind of event it is. */
  readonly type = "audio-levels" as const;
  /** The connection that it happened on. */
  readonly connection: CallConnection;
  /** Those whose level is known. */
  readonly levels: readonly AudioLevel[];

  /** Made by the edge. */
  constructor(init: { connection: CallConnection; levels: readonly AudioLevel[] }) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.levels = init.levels;
  }
}

/** A lost call was found again; follows the state change that ends `reconnecting`. */
export class ReconnectedEvent {
  /** What kind of event it is. */
  readonly type = "reconnected" as const;
  /** The connection that it happened on. */
  readonly connection: CallConnection;
  /** The strategy that worked. */
  readonly strategy: ReconnectStrategy;
  /** How many tries it took. */
  readonly attempts: number;
  /** From the moment when the loss was noticed. */
  readonly elapsedMs: number;

  /** Made by the edge. */
  constructor(
    init: {
      connection: CallConnection;
      strategy: ReconnectStrategy;
      attempts: number;
      elapsedMs: number;
    },
  ) {
    checkObject(init, "init", "an object like { connection }");
    this.connection = init.connection;
    this.strategy = init.strategy;
    this.attempts = init.attempts;
    this.elapsedMs = init.elapsedMs;
  }
}
