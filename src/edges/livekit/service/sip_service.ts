/** Telephones, which LiveKit's SIP service connects with rooms. @module */
import type { LiveKitSettings } from "../settings.ts";
import type { Requests } from "./requests.ts";

/** What is left of a request's time when a telephone has rung for as long as it may. */
const REST_MS = 5000;
/** How the statuses of a telephone that was not reached are called (RFC 3261). */
const CODES: Readonly<Record<number, string>> = {
  408: "no-answer",
  480: "no-answer",
  487: "no-answer",
  486: "busy",
  600: "busy",
  403: "declined",
  603: "declined",
  607: "declined",
};

/** The number that is called, and how. */
export interface Dialling {
  readonly trunkId: string;
  readonly room: string;
  /** The identity of the participant that it becomes. */
  readonly identity: string;
  readonly to: string;
  readonly from: string | undefined;
}

/** Calls telephones, and transfers them. */
export class SipService {
  readonly #settings: LiveKitSettings;
  readonly #requests: Requests;

  constructor(settings: LiveKitSettings, requests: Requests) {
    this.#settings = settings;
    this.#requests = requests;
  }

  /**
   * Calls a number; resolves when it is answered.
   *
   * @throws {ConnectionError} it was not: `busy`, `no-answer`, `declined`, or another code.
   */
  async dial({ trunkId, room, identity, to, from }: Dialling): Promise<void> {
    await this.#send(
      "dialling",
      (client, { ringingTimeout, timeout }) =>
        client.createSipParticipant(trunkId, to, room, {
          participantIdentity: identity,
          participantName: to,
          fromNumber: from,
          waitUntilAnswered: true,
          ringingTimeout,
          timeout,
        }),
    );
  }

  /**
   * Transfers a telephone of a room to another number or address; resolves when that is answered.
   *
   * @throws {ConnectionError} it was not, or there is no such telephone.
   */
  async transfer(room: string, identity: string, to: string): Promise<void> {
    const address = /^(tel|sips?):/.test(to) ? to : `tel:${to}`;
    await this.#send(
      "transferring",
      (client, times) => client.transferSipParticipant(room, identity, address, times),
    );
  }

  async #send(
    doing: string,
    act: (
      client: InstanceType<(typeof import("livekit-server-sdk"))["SipClient"]>,
      times: { ringingTimeout: number; timeout: number },
    ) => Promise<unknown>,
  ): Promise<void> {
    const { ringingTimeoutMs } = this.#settings.sip!;
    const times = {
      ringingTimeout: Math.ceil(ringingTimeoutMs / 1000),
      timeout: Math.ceil((ringingTimeoutMs + REST_MS) / 1000),
    };
    const { SipClient } = await import("livekit-server-sdk");
    await this.#requests.send(doing, (...client) => act(new SipClient(...client), times), {
      timeoutMs: ringingTimeoutMs + 2 * REST_MS,
      // It might ring twice.
      mayMove: false,
      codeOf,
    });
  }
}

/** Returns the code of a telephone that was not reached; `undefined` for other failures. */
function codeOf(error: unknown): string | undefined {
  const { sipStatusCode: status, code } = error as { sipStatusCode?: number; code?: string };
  if (status !== undefined) return CODES[status] ?? `sip-${status}`;
  return code === "deadline_exceeded" ? "no-answer" : undefined;
}
