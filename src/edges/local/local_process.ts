/**
 * A media process of a LocalEdge, and the port that it serves pages on.
 *
 * @module
 */
import * as v from "valibot";
import { EdgeError } from "../../edge/errors.ts";
import type { JsonValue } from "../../edge/types.ts";
import type { MediaLease } from "../../media/parent/media_lease.ts";
import { MediaProcess, type MediaProcessOptions } from "../../media/parent/media_process.ts";
import type { Suspect } from "../../media/parent/restarts.ts";
import { type ServerAddress, serverAddress } from "./wire/messages.ts";
import { type LocalSettings, settingsToJson } from "./wire/settings.ts";
import { netPermissions } from "./settings.ts";

/** npm's ws reads them when it is loaded. */
const WS_VARIABLES = ["WS_NO_BUFFER_UTIL", "WS_NO_UTF_8_VALIDATE"];

/** Options for a {@linkcode LocalProcess}: the settings, and what its process tells the edge. */
export type LocalProcessOptions =
  & Omit<MediaProcessOptions, "child" | "config" | "permissions" | "variables" | "onEnded">
  & {
    settings: LocalSettings;
    /** Aborted when the edge is closed: no request outlives it. */
    closing: AbortSignal;
    /** No process runs, and nothing waits for one. */
    onIdle(): void;
  };

/** One media process, of all calls or of one. */
export class LocalProcess {
  readonly process: MediaProcess;
  readonly #settings: LocalSettings;
  readonly #closing: AbortSignal;
  /** Read at each start of the process; `port` becomes the one that the first start got. */
  readonly #config: { [key: string]: JsonValue };
  /** Its network permissions, read at each start. */
  readonly #net: string[];
  /** The origin of the application's server before this one, if there is one. */
  #front: (() => string) | undefined;
  readonly #onIdle: () => void;
  readonly #refused: { callType: string; callId: string; userId: string }[] = [];
  /** How many wait for a lease. */
  #acquiring = 0;

  /** Starts nothing yet. */
  constructor({ settings, closing, onIdle, ...options }: LocalProcessOptions) {
    this.#settings = settings;
    this.#closing = closing;
    this.#onIdle = onIdle;
    this.#config = settingsToJson(settings);
    this.#net = netPermissions(settings);
    this.process = new MediaProcess({
      ...options,
      child: new URL("./child/main.ts", import.meta.url),
      config: this.#config,
      permissions: { net: this.#net },
      variables: WS_VARIABLES,
      onEnded: () => this.#checkIdle(),
    });
  }

  /** Whether its process runs. */
  get isRunning(): boolean {
    return this.process.pid !== undefined;
  }

  /** The port that it listens on, while it runs. */
  get port(): number | undefined {
    return this.isRunning ? Number(this.#config.port) : undefined;
  }

  /** Listens on the loopback from its next start on, behind a server that has this origin. */
  mountedAt(origin: () => string): void {
    this.#front = origin;
    this.#config.mounted = true;
    this.#net.push("127.0.0.1");
  }

  /** Returns a lease on the process, on another port when its earlier one is in use. */
  async acquire(
    options: { signal?: AbortSignal; timeoutMs?: number } = {},
  ): Promise<MediaLease> {
    this.#acquiring++;
    try {
      return await this.#acquire(options);
    } finally {
      this.#acquiring--;
      this.#checkIdle();
    }
  }

  async #acquire(options: { signal?: AbortSignal; timeoutMs?: number }): Promise<MediaLease> {
    try {
      return await this.process.acquire(options);
    } catch (error) {
      const moved = this.#config.port !== this.#settings.port;
      if (!moved || !(error instanceof EdgeError) || error.code !== "address-in-use") throw error;
      this.#config.port = this.#settings.port;
      return await this.process.acquire(options);
    }
  }

  /** Sends a request that may happen twice with a lease of its own; does nothing when no process runs. */
  async request(method: string, params: JsonValue): Promise<void> {
    if (!this.isRunning) return;
    const signal = this.#closing;
    const lease = await this.acquire({ signal });
    try {
      await lease.request(method, params, { signal, idempotent: true });
    } finally {
      await lease.release();
    }
  }

  /** Remembers the port, so that links stay valid when another process serves them. */
  keepPort(response: JsonValue): ServerAddress {
    const { origin } = v.parse(serverAddress, response);
    const { port, protocol } = new URL(origin);
    this.#config.port = Number(port) || (protocol === "https:" ? 443 : 80);
    return { origin: this.#front?.() ?? origin };
  }

  /** The messages of this user ended a process twice: the next ones do not admit them to the call. */
  refuse({ type, id, userId }: Suspect & { userId: string }): void {
    this.#refused.push({ callType: type, callId: id, userId });
    this.#config.refused = this.#refused;
  }

  /** Tells the process, and each one after it, which invitations were revoked; `id` is the latest. */
  async revoke(revoked: string[], id: string): Promise<void> {
    this.#config.revoked = revoked;
    await this.request("revoke", { id });
  }

  #checkIdle(): void {
    if (this.#acquiring === 0 && !this.isRunning) this.#onIdle();
  }
}
