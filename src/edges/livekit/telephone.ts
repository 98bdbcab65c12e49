/** What an agent does with telephones: it calls, transfers and presses keys. @module */
import type { MediaConnectionOptions } from "@ringline/edge/media";
import {
  Call,
  type Clock,
  type DialOptions,
  EdgeError,
  type Participant,
  sleep,
} from "@ringline/edge/toolkit";
import type { CallBroker } from "./call_broker.ts";
import type { RoomService } from "./service/room_service.ts";
import type { SipService } from "./service/sip_service.ts";
import type { LiveKitSettings } from "./settings.ts";

/** How long LiveKit may take to hang up a telephone that was transferred. */
const HANG_UP_MS = 2000;
/** How often it is looked whether it did. */
const LOOK_MS = 100;

/** What {@linkcode Telephone} needs. */
export interface TelephoneInit {
  settings: LiveKitSettings;
  rooms: RoomService;
  sip: SipService;
  clock: Clock;
}

/** The telephone of an edge. */
export class Telephone {
  readonly #options: TelephoneInit;

  constructor(options: TelephoneInit) {
    this.#options = options;
  }

  /** Calls a number in a room of its own; resolves with the call when it is answered. */
  async dial({ to, from, signal }: DialOptions): Promise<Call> {
    const { settings, rooms, sip } = this.#options;
    const call = new Call({ id: `dial-${crypto.randomUUID()}`, type: "default", original: null });
    const { id: room } = call;
    // Also finds the node that the telephone is to be called by.
    await rooms.create(room, {});
    const hangUp = (): void => void rooms.delete(room).catch(() => {});
    signal?.addEventListener("abort", hangUp, { once: true });
    try {
      const { trunkId } = settings.sip!;
      await sip.dial({ trunkId: trunkId!, room, identity: `sip_${to}`, to, from });
      return call;
    } catch (error) {
      hangUp();
      throw error;
    } finally {
      signal?.removeEventListener("abort", hangUp);
    }
  }

  /** Returns the telephone of a call. */
  of(
    room: string,
    broker: Pick<CallBroker, "order" | "participants">,
  ): MediaConnectionOptions["telephone"] {
    return {
      sendDtmf: async (digits) => {
        if (!broker.participants.values().some(isTelephone)) {
          throw new EdgeError("no telephone is in the room to hear the keys", {
            code: "no-telephone",
          });
        }
        await broker.order({ method: "sendDtmf", digits });
      },
      transfer: async (to, { id, original }) => {
        const { identity } = original as { identity: string };
        await this.#options.sip.transfer(room, identity, to);
        const { clock, rooms } = this.#options;
        for (let waited = 0; broker.participants.has(id); waited += LOOK_MS) {
          // It has been put through: this end of it is of no use any more.
          if (waited === HANG_UP_MS) await rooms.remove(room, identity);
          await sleep(LOOK_MS, { clock });
        }
      },
    };
  }
}

function isTelephone({ original }: Participant): boolean {
  return (original as { kind?: string } | null)?.kind === "sip";
}
