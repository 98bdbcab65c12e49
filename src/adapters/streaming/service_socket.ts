/** A WebSocket to a model's service, with errors that say why it is not there. @module */
import type { IncomingMessage } from "node:http";
import type { Clock } from "../../events/clock.ts";
import { messageOf } from "../../events/error_text.ts";
import { InferenceError, inferenceErrorIn } from "../../inference/contracts/errors.ts";
import { codeOf, isRetryable, reasonOf } from "../service/service_error.ts";
import { loadWs, type WsClient } from "./ws_client.ts";

/** How long the service may take for its part of closing. */
const CLOSE_LIMIT_MS = 500;
/** The most characters that are read of a refusal. */
const MAX_REFUSAL_CHARS = 10_000;

/** Where a service is, and what the request that opens a socket says. */
export interface ServiceAddress {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Options for a {@linkcode ServiceSocket}. */
export interface ServiceSocketInit {
  /** Names the service in errors. */
  readonly name: string;
  readonly clock: Clock;
  /** How long opening may take, the key included. */
  readonly connectTimeoutMs: number;
  /** A message for each interval, so that an idle socket stays open. */
  readonly keepalive?: { readonly intervalMs: number; readonly message: string | Uint8Array };
  /** Pings, and how long the service may send nothing, the answers to them included. Default: any time. */
  readonly ping?: { readonly intervalMs: number; readonly silenceMs: number };
  readonly onOpen?: () => void;
  readonly onMessage: (data: string | Uint8Array<ArrayBuffer>) => void;
  /**
   * Called once, unless this side has closed it.
   *
   * @param closeCode where the service has closed it
   */
  readonly onLost: (error: InferenceError, closeCode?: number) => void;
}

/** What is sent before the socket is open is sent when it opens. */
export class ServiceSocket implements AsyncDisposable {
  readonly #options: ServiceSocketInit;
  readonly #waiting: (string | Uint8Array)[] = [];
  readonly #gone = Promise.withResolvers<void>();
  readonly #limit: Disposable;
  #client: WsClient | undefined;
  #keepalive: Disposable | undefined;
  #pinging: Disposable | undefined;
  /** Pings since the last sign of life. */
  #unanswered = 0;
  #isOpen = false;
  #isOver = false;

  /** @param address is awaited: a key may have to be fetched */
  constructor(address: Promise<ServiceAddress>, options: ServiceSocketInit) {
    this.#options = options;
    const { clock, connectTimeoutMs } = options;
    this.#limit = clock.schedule(() => {
      this.#lose(`no socket within ${connectTimeoutMs} ms`, { code: "timeout", retryable: true });
    }, connectTimeoutMs);
    address.then((one) => this.#connect(one)).catch((cause) => this.#failed(cause));
  }

  /** Whether no message can be sent or come any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that wait to be sent. */
  get bufferedBytes(): number {
    if (this.#isOpen) return this.#client!.bufferedAmount;
    return this.#waiting.reduce((sum, { length }) => sum + length, 0);
  }

  send(message: string | Uint8Array): void {
    if (this.#isOver) return;
    if (this.#isOpen) this.#client!.send(message);
    else this.#waiting.push(message);
  }

  /** Ends it; resolves when the service has agreed, or after half a second. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const client = this.#client;
    const wasOpen = this.#isOpen;
    this.#end();
    if (!client) return;
    if (!wasOpen) client.terminate();
    else client.close(1000);
    using _limit = this.#options.clock.schedule(() => client.terminate(), CLOSE_LIMIT_MS);
    await this.#gone.promise;
  }

  async #connect({ url, headers }: ServiceAddress): Promise<void> {
    const open = await loadWs();
    if (this.#isOver) return;
    const client = this.#client = open(url, headers);
    client.on("open", () => {
      if (this.#isOver) return;
      this.#isOpen = true;
      this.#limit[Symbol.dispose]();
      for (const message of this.#waiting.splice(0)) client.send(message);
      this.#scheduleKeepalive();
      this.#schedulePing(client);
      this.#options.onOpen?.();
    });
    client.on("pong", () => this.#unanswered = 0);
    client.on("message", (data, isBinary) => {
      this.#unanswered = 0;
      if (!this.#isOver) this.#options.onMessage(isBinary ? copied(data) : data.toString());
    });
    client.on("unexpected-response", (_request, response) => {
      void this.#refused(response).finally(() => {
        response.destroy();
        client.terminate();
        this.#gone.resolve();
      });
    });
    client.on("error", (cause) => this.#failed(cause));
    client.on("close", (code, reason) => {
      this.#gone.resolve();
      const why = [code, reason.toString()].filter(Boolean).join(", ");
      this.#lose(`the socket was closed (${why})`, { code: "cut-off", retryable: true }, code);
    });
  }

  async #refused(response: IncomingMessage): Promise<void> {
    const status = response.statusCode ?? 0;
    let text = "";
    try {
      response.setEncoding("utf8");
      for await (const piece of response) {
        text += piece;
        if (text.length > MAX_REFUSAL_CHARS) break;
      }
    } catch {
      // What has come of it says enough.
    }
    const reason = reasonOf(text) || (response.headers["dg-error"] ?? "");
    this.#lose(`responded with ${status}${reason === "" ? "" : `: ${reason}`}`, {
      code: codeOf(status),
      retryable: isRetryable(status),
      status,
    });
  }

  #failed(cause: unknown): void {
    const known = inferenceErrorIn(cause);
    if (known) return this.#end(known);
    const isForbidden = cause instanceof Deno.errors.NotCapable;
    this.#lose(`cannot be reached: ${messageOf(cause)}`, {
      code: isForbidden ? "permission-denied" : "unreachable",
      retryable: !isForbidden,
      cause,
    });
  }

  #lose(
    why: string,
    options: { code: string; retryable: boolean; status?: number; cause?: unknown },
    closeCode?: number,
  ): void {
    this.#end(new InferenceError(`${this.#options.name}: ${why}`, options), closeCode);
  }

  #end(error?: InferenceError, closeCode?: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isOpen = false;
    this.#waiting.length = 0;
    this.#limit[Symbol.dispose]();
    this.#keepalive?.[Symbol.dispose]();
    this.#pinging?.[Symbol.dispose]();
    if (!error) return;
    this.#client?.terminate();
    this.#options.onLost(error, closeCode);
  }

  #schedulePing(client: WsClient): void {
    const { ping, clock } = this.#options;
    if (!ping) return;
    this.#pinging = clock.schedule(() => {
      // Time alone says nothing: answers wait to be read where this program was busy or asleep.
      if ((this.#unanswered + 1) * ping.intervalMs >= ping.silenceMs) {
        const why = `the service sent nothing for ${ping.silenceMs} ms`;
        return this.#lose(why, { code: "cut-off", retryable: true });
      }
      this.#unanswered++;
      client.ping();
      this.#schedulePing(client);
    }, ping.intervalMs);
  }

  #scheduleKeepalive(): void {
    const { keepalive, clock } = this.#options;
    if (!keepalive) return;
    this.#keepalive = clock.schedule(() => {
      this.send(keepalive.message);
      if (!this.#isOver) this.#scheduleKeepalive();
    }, keepalive.intervalMs);
  }
}

/** The bytes of a message in a buffer of their own, at an even address. */
function copied(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data);
}
