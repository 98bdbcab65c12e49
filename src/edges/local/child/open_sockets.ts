/**
 * The sockets that are open, and which of them has to make room.
 *
 * @module
 */
import type { Socket } from "./socket.ts";

/** Open sockets: those of people, and those that have not said anything. */
export class OpenSockets {
  readonly #all = new Set<Socket>();
  /** Those that have not said hello, the oldest first. */
  readonly #silent = new Set<Socket>();

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** Takes one that is new, until it ends. */
  add(socket: Socket): void {
    this.#all.add(socket);
    this.#silent.add(socket);
    void socket.ended.then(() => this.#remove(socket));
  }

  /** It has said something. */
  spoke(socket: Socket): void {
    this.#silent.delete(socket);
  }

  /**
   * Takes out the one that has to make room: of the address with the most silent sockets the oldest,
   * so that one machine does not push out another's newcomers. `undefined` when all have spoken.
   */
  oldestSilent(): Socket | undefined {
    const byAddress = Map.groupBy(this.#silent, ({ remote }) => remote);
    let most: Socket[] = [];
    for (const sockets of byAddress.values()) if (sockets.length > most.length) most = sockets;
    const [oldest] = most;
    if (oldest) this.#remove(oldest);
    return oldest;
  }

  #remove(socket: Socket): void {
    this.#all.delete(socket);
    this.#silent.delete(socket);
  }
}
