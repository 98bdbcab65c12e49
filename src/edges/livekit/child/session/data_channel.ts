/** One of a room's two channels for data. @module */
import type { RtcDataChannel } from "@ringline/edge/media/child";
import { type Clock, ClosedError, ConnectionError, waitFor } from "@ringline/edge/toolkit";

/** The largest message: one that is larger closes the channel for good. */
const MAX_MESSAGE_BYTES = 64_000;
/** How long a message waits for the channel to open. */
const OPEN_MS = 10_000;

/** A data channel that waits with messages until it is open. */
export class DataChannel {
  readonly #channel: RtcDataChannel;
  readonly #clock: Clock;
  readonly #opened = Promise.withResolvers<void>();
  #isClosed = false;

  /** @param onLost called when the channel closes by itself: it will not open again */
  constructor(
    channel: RtcDataChannel,
    clock: Clock,
    onMessage: (data: Uint8Array) => void,
    onLost: () => void,
  ) {
    this.#channel = channel;
    this.#clock = clock;
    this.#opened.promise.catch(() => {});
    channel.onopen = () => this.#opened.resolve();
    channel.onclose = () => {
      if (this.#isClosed) return;
      this.#opened.reject(lost(channel.label));
      onLost();
    };
    channel.onmessage = ({ data }) => {
      if (typeof data !== "string") onMessage(new Uint8Array(data));
    };
  }

  /** Its name. */
  get label(): string {
    return this.#channel.label;
  }

  /** Its number on the connection; `null` before there is one. */
  get id(): number | null {
    return this.#channel.id;
  }

  /**
   * Sends a message, once the channel is open.
   *
   * @throws {RangeError} it is larger than servers take.
   * @throws {ConnectionError} the channel does not open within 10 s: `timeout`; it has closed by itself:
   * `lost`; or `ClosedError`.
   */
  async send(message: Uint8Array): Promise<void> {
    if (message.byteLength > MAX_MESSAGE_BYTES) {
      throw new RangeError(
        `a message of data may have ${MAX_MESSAGE_BYTES} bytes, got ${message.byteLength}`,
      );
    }
    if (this.#isClosed) throw new ClosedError("the data channel");
    const { readyState } = this.#channel;
    if (readyState === "closing" || readyState === "closed") throw lost(this.label);
    if (readyState !== "open") {
      try {
        const wait = { timeoutMs: OPEN_MS, clock: this.#clock };
        await waitFor(this.#opened.promise, "the data channel", wait);
      } catch (error) {
        if (!(error instanceof DOMException)) throw error;
        const text = `the data channel did not open within ${OPEN_MS} ms`;
        throw new ConnectionError(text, { code: "timeout", retryable: true });
      }
    }
    this.#channel.send(new Uint8Array(message));
  }

  /** Rejects what waits; the connection closes the channel. */
  close(): void {
    this.#isClosed = true;
    this.#opened.reject(new ClosedError("the data channel"));
  }
}

function lost(label: string): ConnectionError {
  const text = `the data channel ${label} has closed`;
  return new ConnectionError(text, { code: "lost", retryable: true });
}
