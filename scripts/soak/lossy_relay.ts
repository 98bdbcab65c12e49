/**
 * A relay of UDP that loses packets in bursts, as a bad radio link does: of 100 packets it loses 20, in
 * bursts of five on average.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";

/** The chance that a burst of losses begins with a packet, and that it ends with one. */
const [BEGINS, ENDS] = [0.05, 0.2];

/** One way through a network that is good or bad at the moment. */
class LossyWay {
  #isBad = false;
  passed = 0;
  lost = 0;

  /** Whether the next packet arrives. */
  passes(): boolean {
    const turn = Math.random();
    this.#isBad = this.#isBad ? turn >= ENDS : turn < BEGINS;
    if (this.#isBad) this.lost++;
    else this.passed++;
    return !this.#isBad;
  }
}

/** Carries packets between a person and one address of the server. */
export class LossyRelay {
  readonly #near: Socket = createSocket("udp4");
  readonly #far: Socket = createSocket("udp4");
  readonly #there = new LossyWay();
  readonly #back = new LossyWay();
  #person: number | undefined;

  /** Opens a relay to a port of this machine. */
  static async open(port: number): Promise<LossyRelay> {
    const relay = new LossyRelay();
    const bound = (socket: Socket) =>
      new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
    await Promise.all([bound(relay.#near), bound(relay.#far)]);
    relay.#near.on("message", (packet, from) => {
      relay.#person = from.port;
      if (relay.#there.passes()) relay.#far.send(packet, port, "127.0.0.1");
    });
    relay.#far.on("message", (packet) => {
      if (relay.#person === undefined) return;
      if (relay.#back.passes()) relay.#near.send(packet, relay.#person, "127.0.0.1");
    });
    return relay;
  }

  /** The port that the person sends to. */
  get port(): number {
    return this.#near.address().port;
  }

  /** Packets both ways. */
  get packets(): { passed: number; lost: number } {
    return {
      passed: this.#there.passed + this.#back.passed,
      lost: this.#there.lost + this.#back.lost,
    };
  }

  close(): void {
    this.#near.close();
    this.#far.close();
  }
}
