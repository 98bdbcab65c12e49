/**
 * The connections that belong to no participant, and which of them have to make room. Only they are
 * counted: a client without a link opens as many as it likes, and keeps no participant out.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";

/** Milliseconds for which a connection may take to load pages, or to become a socket. */
const HTTP_MS = 30_000;
/** Milliseconds within which the other end must close, too. Browsers do it immediately. */
const CLOSE_MS = 2000;

/** A TCP connection, as far as it is used. */
export interface TcpConnection {
  destroy(): void;
  on(event: "close", listener: () => void): void;
}

/** One connection that belongs to no participant (yet). */
interface Entry {
  tcp: TcpConnection;
  /** The other end's address, for connections that are counted by it. */
  address: string | undefined;
  /** Asks the other end to go. Without it, the connection is destroyed. */
  evict: (() => void) | undefined;
  timer: Disposable | undefined;
}

/** What {@linkcode Connections} needs. */
export interface ConnectionsInit {
  clock: Clock;
  /** The most at the same time. */
  most: number;
  /** The most of one address. */
  mostPerAddress: number;
  /** Whether many clients share an address: the loopback, a proxy. */
  isShared(address: string): boolean;
}

/** The connections without a participant, the oldest first. */
export class Connections {
  readonly #options: ConnectionsInit;
  readonly #all = new Map<string, TcpConnection>();
  readonly #silent = new Map<string, Entry>();
  readonly #closing = new Map<string, Entry>();

  constructor(options: ConnectionsInit) {
    this.#options = options;
  }

  /** How many belong to no participant, those that are closing included. */
  get size(): number {
    return this.#silent.size + this.#closing.size;
  }

  /** Adds a new one under its id, and removes another if there are too many. */
  add(id: string, tcp: TcpConnection, address: string): void {
    const { most, mostPerAddress, isShared } = this.#options;
    const counted = isShared(address) ? undefined : address;
    if (counted !== undefined) {
      const same = [...this.#silent].filter(([, entry]) => entry.address === counted);
      if (same.length >= mostPerAddress) this.#evict(same[0]![0]);
    }
    if (this.#silent.size >= most) this.#evict(first(this.#silent));
    this.#all.set(id, tcp);
    this.#silent.set(id, this.#entry(id, tcp, HTTP_MS, counted));
    tcp.on("close", () => {
      this.#all.delete(id);
      this.admit(id);
    });
  }

  /** Records that a connection is a socket now, whose hello has a limit of its own. */
  upgraded(id: string, evict: () => void): void {
    const entry = this.#silent.get(id);
    if (!entry) return;
    entry.timer?.[Symbol.dispose]();
    entry.timer = undefined;
    entry.evict = evict;
  }

  /** Records that a connection belongs to a participant, or is gone. */
  admit(id: string): void {
    for (const entries of [this.#silent, this.#closing]) {
      entries.get(id)?.timer?.[Symbol.dispose]();
      entries.delete(id);
    }
  }

  /** Records that this end has closed: the other one has a moment to do so, too. */
  closing(id: string): void {
    const tcp = this.#all.get(id);
    this.admit(id);
    if (!tcp) return;
    if (this.#closing.size >= this.#options.most) {
      this.#closing.get(first(this.#closing))!.tcp.destroy();
    }
    this.#closing.set(id, this.#entry(id, tcp, CLOSE_MS));
  }

  /** Destroys all, those of participants included. */
  destroyAll(): void {
    for (const id of this.#all.keys()) this.admit(id);
    for (const tcp of this.#all.values()) tcp.destroy();
  }

  #evict(id: string): void {
    const entry = this.#silent.get(id)!;
    this.closing(id);
    if (entry.evict) entry.evict();
    else entry.tcp.destroy();
  }

  #entry(id: string, tcp: TcpConnection, ms: number, address?: string): Entry {
    const timer = this.#options.clock.schedule(() => {
      this.admit(id);
      tcp.destroy();
    }, ms);
    return { tcp, address, evict: undefined, timer };
  }
}

function first(entries: ReadonlyMap<string, unknown>): string {
  return entries.keys().next().value!;
}
