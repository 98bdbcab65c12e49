/** A service that streams over a WebSocket: its options, its addresses, and the check of its key. @module */
import type { Component, ComponentContext } from "../../inference/contracts/component.ts";
import { waitFor } from "../../events/waiting.ts";
import { InferenceError, inferenceErrorIn } from "../../inference/contracts/errors.ts";
import { checkBaseUrl, endpoint } from "../service/endpoint.ts";
import { type ServiceAddress, ServiceSocket, type ServiceSocketInit } from "./service_socket.ts";

/** Options for a service that streams over a WebSocket. */
export interface StreamingServiceOptions {
  /** The key. */
  apiKey?: string;
  /** Returns the key for each connection, for one that expires. Instead of `apiKey`. */
  getApiKey?: () => string | Promise<string>;
  /** The address; `http` and `ws` are the same, and a query stays a query. Default: the vendor's. */
  baseUrl?: string;
  /** Headers of the request that opens a connection; they replace those of the adapter. */
  headers?: Readonly<Record<string, string>>;
  /** How long opening a connection may take, in milliseconds. Default 10,000. */
  connectTimeoutMs?: number;
}

/** The names of {@linkcode StreamingServiceOptions}. */
export const SERVICE_OPTIONS: Readonly<Record<keyof StreamingServiceOptions, true>> = {
  apiKey: true,
  getApiKey: true,
  baseUrl: true,
  headers: true,
  connectTimeoutMs: true,
};

/** A parameter of a query: a list is sent as several of the same name. */
export type QueryValue = string | number | boolean | readonly string[] | undefined;

/** How a vendor is reached. */
export interface VendorAddress {
  /** The vendor's own address. */
  readonly baseUrl: string;
  readonly path: string;
  readonly query: Readonly<Record<string, QueryValue>>;
  /** Returns the header that carries the key. */
  readonly keyHeader: (key: string) => Readonly<Record<string, string>>;
}

/**
 * How often a socket asks for a sign of life, and after how long without one it is lost: a network that is gone closes
 * no socket, and a recogniser behind it would hear nothing, and say nothing, for a quarter of an hour.
 */
const PING = { intervalMs: 4000, silenceMs: 12_000 };
/** A service that takes longer than this to open a socket for a check is taken to be down. */
const CHECK_LIMIT_MS = 3000;
/** A refusal with one of these statuses is no outage: key, permission, or settings are wrong. */
const WRONG_STATUSES = [400, 401, 402, 403, 404];

/** Opens the sockets of one vendor's model, and counts them. */
export class StreamingService {
  readonly name: string;
  readonly #options: StreamingServiceOptions;
  #connections = 0;
  #failures = 0;

  constructor(name: string, options: StreamingServiceOptions) {
    this.name = name;
    this.#options = options;
    if (options.baseUrl !== undefined) {
      checkBaseUrl(options.baseUrl, ["http", "ws"], '"wss://speech.example.com"');
    }
  }

  metrics(): { connections: number; failures: number } {
    return { connections: this.#connections, failures: this.#failures };
  }

  /** Counts a failure, and returns it. */
  failed<Failure>(error: Failure): Failure {
    this.#failures++;
    return error;
  }

  /** Begins to open a socket. */
  connect(
    vendor: VendorAddress,
    options: Omit<ServiceSocketInit, "name" | "connectTimeoutMs">,
  ): ServiceSocket {
    this.#connections++;
    const { connectTimeoutMs = 10_000 } = this.#options;
    return new ServiceSocket(this.#address(vendor), {
      ping: PING,
      ...options,
      name: this.name,
      connectTimeoutMs,
    });
  }

  /**
   * Checks key, permission and settings: opens a socket, and closes it. A service that is down is no
   * failure: it may be back when it is needed.
   *
   * @throws {InferenceError} there is no key, or the service refuses.
   */
  async check(vendor: VendorAddress, { clock, signal, logger }: ComponentContext): Promise<void> {
    const opened = Promise.withResolvers<void>();
    opened.promise.catch(() => {});
    await using _socket = this.connect(vendor, {
      clock,
      onOpen: () => opened.resolve(),
      onMessage: () => {},
      onLost: (error) => opened.reject(error),
    });
    try {
      const limit = { timeoutMs: CHECK_LIMIT_MS, signal, clock };
      await waitFor(opened.promise, `connecting to ${this.name}`, limit);
    } catch (error) {
      signal.throwIfAborted();
      const known = inferenceErrorIn(error);
      if (known && isWrong(known)) throw known;
      logger.debug(`${this.name}: the key was not checked: ${String(error)}`);
    }
  }

  /**
   * Checks that there is a key, without a connection. What `getApiKey` would return is not known yet.
   *
   * @throws {InferenceError} there is none: `no-key`.
   */
  async expectKey(vendor: VendorAddress): Promise<void> {
    if (!this.#options.getApiKey) await this.#address(vendor);
  }

  async #address({ baseUrl, path, query, keyHeader }: VendorAddress): Promise<ServiceAddress> {
    const { baseUrl: own = baseUrl, apiKey, getApiKey, headers: more = {} } = this.#options;
    const url = endpoint(own, path);
    url.protocol = url.protocol.replace("http", "ws");
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (one !== undefined) url.searchParams.append(name, String(one));
      }
    }
    const key = getApiKey ? await getApiKey() : apiKey;
    if (!key && own === baseUrl && Object.keys(more).length === 0) {
      const message = `${this.name}: there is no key: pass apiKey`;
      throw new InferenceError(message, { code: "no-key" });
    }
    const headers = new Headers(key ? { ...keyHeader(key) } : {});
    for (const [name, value] of Object.entries(more)) headers.set(name, value);
    return { url, headers: Object.fromEntries(headers) };
  }
}

/** Whether an error is one that no later try mends. */
function isWrong({ code, status }: InferenceError): boolean {
  return code === "no-key" || code === "permission-denied" || WRONG_STATUSES.includes(status ?? 0);
}

/** What the parts of a vendor have in common as components. */
export abstract class StreamingComponent implements Component {
  protected readonly service: StreamingService;

  constructor(service: StreamingService) {
    this.service = service;
  }

  get name(): string {
    return this.service.name;
  }

  /** How the vendor is reached for a check. */
  protected abstract checked(): VendorAddress;

  async start(context: ComponentContext): Promise<void> {
    await this.service.check(this.checked(), context);
  }

  metrics(): Readonly<Record<string, number>> {
    return this.service.metrics();
  }
}
