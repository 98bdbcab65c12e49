/** A service with calls within the program, in place of your provider's SDK. */
import { ConnectionError, type Participant, type PcmChunk } from "@ringline/edge";

/** The messages of the service. */
export type Message =
  | { type: "joined"; who: Participant; muted?: boolean }
  | { type: "left"; who: Participant }
  | { type: "audio"; who: Participant; pcm: PcmChunk }
  | { type: "muted"; who: Participant; muted: boolean }
  | { type: "data"; who: Participant; text: string }
  | { type: "ended" };

/** A member's place in a call. */
export interface Seat {
  who: Participant;
  muted?: boolean;
  take(message: Message): void;
}

export class ToyService {
  readonly #calls = new Map<string, Set<Seat>>();

  create(callId: string): void {
    if (!this.#calls.has(callId)) this.#calls.set(callId, new Set());
  }

  /** Adds a seat: it learns who is here, and the others learn of it. */
  enter(callId: string, seat: Seat): void {
    const seats = this.#calls.get(callId);
    if (!seats) throw new ConnectionError(`there is no call ${callId}`, { code: "no-such-call" });
    for (const { who, muted } of seats) seat.take({ type: "joined", who, muted });
    this.send(callId, { type: "joined", who: seat.who, muted: seat.muted });
    seats.add(seat);
  }

  leave(callId: string, seat: Seat): void {
    if (this.#calls.get(callId)?.delete(seat)) this.send(callId, { type: "left", who: seat.who });
  }

  /** Sends to all members of the call but the sender. */
  send(callId: string, message: Message, from?: Seat): void {
    for (const seat of [...this.#calls.get(callId) ?? []]) {
      if (seat !== from) seat.take(message);
    }
  }

  end(callId: string): void {
    this.send(callId, { type: "ended" });
    this.#calls.delete(callId);
  }
}
