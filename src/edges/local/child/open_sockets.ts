/**
 * The open sockets, and which of them has to make room.
 *
 * @module
 */
import type { Socket } from "./socket.ts";

/** Open sockets: those of participants, and those that have not said hello. */
export class OpenSockets {
  readonly #all = new Set<Socket>();
  /** Those that have not said hello, the oldest first. */
  readonly #silent = new Set<Socket>();

  /** How many are open. */
  get size(): number {
    return this.#all.size;
  }

  /** Adds a new one, until it ends. */
  add(socket: Socket): void {
    this.#all.add(socket);
    this.#silent.add(socket);
    void socket.ended.then(() => this.#remove(socket));
  }

  /** Records that a socket has said something. */
  spoke(socket: Socket): void {
    this.#silent.delete(socket);
  }

  /**
   * Removes and returns the socket that has to make room: the oldest silent one of the address with the
   * most silent ones, so that one machine does not push out the newcomers of another. `undefined` when
   * all have spoken.
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
