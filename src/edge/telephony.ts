/** Telephone functions of the contract: keypad digits, numbers, and edges that have no telephone. @module */
import type { Participant } from "./types.ts";
import { shown } from "../events/checks.ts";
import { checkText } from "./validation.ts";

/** The most digits of one `sendDtmf`. */
const MAX_DIGITS = 255;

/** Options for {@linkcode EdgeTransport.dial}. */
export interface DialOptions {
  /** The number or address to call, e.g. `"+4930123456"`. */
  to: string;
  /** The number that the other side is shown. Default: the edge's own. */
  from?: string;
  /** Aborting it hangs up before the call is answered; `dial` then rejects with its reason. */
  signal?: AbortSignal;
}

/** Options for {@linkcode CallConnection.transfer}. */
export interface TransferOptions {
  /** The id of the participant to transfer. Default: the only person in the call. */
  participantId?: string;
}

/**
 * Returns digits of a telephone keypad as they are sent: `0` to `9`, `A` to `D`, `*`, `#`, and `,`
 * for a pause of two seconds.
 *
 * @throws {TypeError} it is not a text.
 * @throws {RangeError} it is empty, longer than 255, or has another character.
 */
export function checkDtmf(digits: unknown): string {
  if (typeof digits !== "string") {
    throw new TypeError(`digits: expected a text like "12#", got ${shown(digits)}`);
  }
  if (digits.length <= MAX_DIGITS && /^[0-9A-D*#,]+$/i.test(digits)) return digits.toUpperCase();
  const got = digits.length > MAX_DIGITS ? `${digits.length}` : JSON.stringify(digits);
  throw new RangeError(
    `digits: expected 1 to ${MAX_DIGITS} of 0-9, A-D, *, # and "," for a pause, got ${got}`,
  );
}

/**
 * Throws unless `value` can be called: a text without control characters. What else a number must be
 * is the edge's own matter.
 *
 * @throws {TypeError} names the expected and the actual value of `name`
 */
export function checkAddress(value: unknown, name: string): asserts value is string {
  checkText(value, name);
  if (value.trim() !== "") return;
  throw new TypeError(
    `${name}: expected a number like "+4930123456", got ${JSON.stringify(value)}`,
  );
}

/**
 * Returns the participant of a transfer: the one that is named, or the only person.
 *
 * @throws {TypeError} they are not in the call, or it is not clear who is meant.
 */
export function toTransfer(
  participants: ReadonlyMap<string, Participant>,
  { participantId }: TransferOptions,
): Participant {
  if (participantId !== undefined) {
    const participant = participants.get(participantId);
    if (participant) return participant;
    throw new TypeError(`options.participantId: ${shown(participantId)} is not in the call`);
  }
  const people = [...participants.values()].filter(({ kind }) => kind === "person");
  if (people.length === 1) return people[0]!;
  throw new TypeError(
    people.length === 0
      ? "no person to transfer is in the call"
      : `expected { participantId }, since ${people.length} people are in the call`,
  );
}

/** What an edge cannot do, as opposed to what failed: a `fetch` that fails throws a TypeError too. */
export class CannotError extends TypeError {}

/** Returns the error of an edge that cannot do something: it names the edge and the way out. */
export function cannot(edge: object, what: string, instead: string): TypeError {
  return new CannotError(`${edge.constructor.name} cannot ${what}: ${instead}`);
}
