/** Data of those whom the agent does not know yet, for a moment. @module */
import type { DataPacket } from "@livekit/protocol";
import type { Clock } from "@ringline/edge/toolkit";

/** How long a server may take to announce a participant whose data has come already. */
const HOLD_MS = 2000;
/** The most packets that are held. */
const MAX_HELD = 32;

/** Holds packets until their authors are known. */
export class HeldPackets {
  readonly #clock: Clock;
  readonly #onDropped: () => void;
  #held: { readonly packet: DataPacket; readonly untilMs: number }[] = [];
  #timer: Disposable | undefined;

  /** @param onDropped called for each packet whose author did not come in time */
  constructor(clock: Clock, onDropped: () => void) {
    this.#clock = clock;
    this.#onDropped = onDropped;
  }

  /** Holds a packet. */
  hold(packet: DataPacket): void {
    this.#held.push({ packet, untilMs: this.#clock.now() + HOLD_MS });
    if (this.#held.length > MAX_HELD) {
      this.#held.shift();
      this.#onDropped();
    }
    this.#timer ??= this.#clock.schedule(() => this.#expire(), HOLD_MS);
  }

  /** Returns the packets of those who are known now, in their order. */
  take(isKnown: (identity: string) => boolean): DataPacket[] {
    if (this.#held.length === 0) return [];
    const { known = [], unknown = [] } = Object.groupBy(
      this.#held,
      ({ packet }) => isKnown(packet.participantIdentity) ? "known" : "unknown",
    );
    this.#held = unknown;
    return known.map(({ packet }) => packet);
  }

  /** Holds nothing any more. Idempotent. */
  close(): void {
    this.#timer?.[Symbol.dispose]();
    this.#held = [];
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    while (this.#held.length > 0 && this.#held[0]!.untilMs <= now) {
      this.#held.shift();
      this.#onDropped();
    }
    const [next] = this.#held;
    if (next) this.#timer = this.#clock.schedule(() => this.#expire(), next.untilMs - now);
  }
}
