/**
 * A network of the tests' own. Media goes through a relay that loses, delays and reorders packets,
 * since the kernels at hand have nothing that does. What is done to a packet comes from a seed; when
 * it comes, from the machine.
 *
 * To the page the relay is the server, and to the server it is the page: two sockets for each port
 * of the server's, as a NAT has them.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import type { Buffer } from "node:buffer";
import { Random } from "../../src/testing/random.ts";

/** What happens to packets, both ways. */
export interface Weather {
  /** The share of packets that are lost, 0 to 1. */
  loss?: number;
  /** Each packet waits from 0 to this many milliseconds. None overtakes another. */
  jitterMs?: number;
  /** The share of packets that others overtake, 0 to 1. */
  late?: number;
  /** How late those are, in milliseconds. */
  lateMs?: number;
  /** Nothing passes at all. */
  cut?: boolean;
}

/** What happened, in packets, both ways together. */
export interface RelayFigures {
  passed: number;
  lost: number;
  overtaken: number;
  cut: number;
}

const HOST = "127.0.0.1";

/** Relays between pages and one server on this machine. */
export class UdpRelay implements AsyncDisposable {
  /** May be changed at any time. */
  weather: Weather = {};
  readonly figures: RelayFigures = { passed: 0, lost: 0, overtaken: 0, cut: 0 };
  readonly #seed: Random;
  readonly #routes = new Map<number, Promise<number>>();
  readonly #sockets: Socket[] = [];
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(seed: number) {
    this.#seed = new Random(seed);
  }

  /** The port to send to instead of `port`. */
  route(port: number): Promise<number> {
    return this.#routes.getOrInsertComputed(port, () => this.#open(port));
  }

  async #open(server: number): Promise<number> {
    const name = String(this.#routes.size);
    const toPage = await this.#bind();
    const toServer = await this.#bind();
    let page = 0;
    const up = this.#lane(`${name} up`, (packet) => toServer.send(packet, server, HOST));
    const down = this.#lane(
      `${name} down`,
      (packet) => page !== 0 && toPage.send(packet, page, HOST),
    );
    toPage.on("message", (packet, from) => {
      // A page asks from each of its addresses; what came from another one could not be answered.
      if (from.address !== HOST) return;
      page = from.port;
      up(packet);
    });
    toServer.on("message", down);
    return toPage.address().port;
  }

  async #bind(): Promise<Socket> {
    const socket = createSocket("udp4");
    this.#sockets.push(socket);
    // Whoever does not listen any more is no failure of the network's.
    socket.on("error", () => {});
    await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
    return socket;
  }

  /** One direction, with luck of its own. */
  #lane(name: string, send: (packet: Buffer) => void): (packet: Buffer) => void {
    const random = this.#seed.fork(name);
    const { figures } = this;
    let lastDue = 0;
    const pass = (packet: Buffer): void => {
      figures.passed++;
      send(packet);
    };
    return (packet) => {
      const { loss = 0, jitterMs = 0, late = 0, lateMs = 0, cut = false } = this.weather;
      // Always as many draws: what befalls a packet does not depend on the weather before.
      const [lost, wait, behind] = [random.next(), random.next(), random.next()];
      if (cut) return void figures.cut++;
      if (lost < loss) return void figures.lost++;
      const now = performance.now();
      if (behind < late) {
        figures.overtaken++;
        return this.#later(() => pass(packet), lateMs);
      }
      lastDue = Math.max(lastDue, now + wait * jitterMs);
      if (lastDue - now < 1) pass(packet);
      else this.#later(() => pass(packet), lastDue - now);
    };
  }

  #later(callback: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#routes.values()]);
    await Promise.all(
      this.#sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
    );
  }
}
