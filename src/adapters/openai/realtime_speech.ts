/** Text to speech by a realtime model. @module */
import type { ComponentContext } from "../../inference/contracts/component.ts";
import type { SpeechPart } from "../../inference/contracts/tts.ts";
import type { SentenceVoice } from "../../inference/contracts/tts_from_sentences.ts";
import type { HttpServiceOptions } from "./http.ts";
import type { SpeechModelOptions } from "./speech.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { backOffMs } from "../../events/retry.ts";
import { isTimeout, sleep, waitFor } from "../../events/waiting.ts";
import { InferenceError, inferenceErrorIn } from "../../inference/contracts/errors.ts";
import { keyedHeaders } from "./key.ts";
import { OpenAIReader, readingSession } from "./realtime_reader.ts";
import { connectRealtime, realtimeUrl } from "./realtime_protocol.ts";

/** Time limit for the retries of a text of which no audio has arrived. */
const RETRY_LIMIT_MS = 10_000;
const FIRST_WAIT_MS = 250;

/**
 * Text to speech at `/realtime`: a realtime model with instructions to read aloud. One socket serves
 * all texts; it is opened when the agent starts, and again after it was closed. Without an agent it
 * is open while texts are read.
 */
export class OpenAIRealtimeSpeech implements SentenceVoice {
  readonly name: string;
  readonly prefetch = true;
  readonly #service: HttpServiceOptions;
  readonly #options: SpeechModelOptions;
  #clock: Clock = systemClock;
  #reader: OpenAIReader | undefined;
  /** How many agents use it, and how many texts are read: the last one closes the socket. */
  #agents = 0;
  #texts = 0;
  #requests = 0;
  #retries = 0;
  #failures = 0;
  #sessions = 0;

  constructor(service: HttpServiceOptions, options: SpeechModelOptions) {
    this.name = service.name;
    this.#service = service;
    this.#options = options;
    const { sampleRate = 24_000 } = options;
    if (sampleRate !== 24_000) {
      throw new RangeError(`sampleRate: expected 24000 for a realtime model, got ${sampleRate}`);
    }
  }

  /**
   * Opens the socket, so that the first text does not wait for it; that text reports a failure.
   *
   * @throws {InferenceError} there is no key: `no-key`.
   */
  async start({ clock, signal }: ComponentContext): Promise<void> {
    this.#clock = clock;
    // What getApiKey fails with is no reason not to join: a text asks again.
    if (!this.#service.getApiKey) await keyedHeaders({ ...this.#service, url: this.#url });
    signal.throwIfAborted();
    this.#agents++;
    this.#open();
  }

  async close(): Promise<void> {
    this.#agents = Math.max(0, this.#agents - 1);
    if (this.#agents === 0) await this.#reader?.[Symbol.asyncDispose]();
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      requests: this.#requests,
      retries: this.#retries,
      failures: this.#failures,
      sessions: this.#sessions,
    };
  }

  async *synthesize(
    text: string,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<SpeechPart, void, void> {
    this.#requests++;
    this.#texts++;
    try {
      yield* this.#tryReading(text, signal);
    } catch (error) {
      // An interruption is no failure; a timeout is one.
      const isFailure = !signal.aborted || signal.reason?.name === "TimeoutError";
      if (isFailure) this.#failures++;
      throw error;
    } finally {
      this.#texts--;
      // Without an agent there is no close(), and an open socket keeps a program from ending.
      if (this.#agents + this.#texts === 0) this.#reader?.[Symbol.asyncDispose]();
    }
  }

  async *#tryReading(text: string, signal: AbortSignal): AsyncGenerator<SpeechPart, void, void> {
    const { maxTries = 3 } = this.#service;
    const start = this.#clock.now();
    let isHeard = false;
    for (let tries = 1;; tries++) {
      try {
        signal.throwIfAborted();
        const reader = this.#open();
        await this.#begun(reader, signal);
        for await (const pcm of reader.read(text, signal)) {
          if (pcm.frames === 0) continue;
          isHeard = true;
          yield { pcm };
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        const isRetryable = inferenceErrorIn(error)?.retryable === true && !isHeard;
        const isLate = this.#clock.now() - start >= RETRY_LIMIT_MS;
        if (!isRetryable || isLate || tries >= maxTries) throw this.#explained(error);
      }
      this.#retries++;
      await sleep(backOffMs(tries, { firstMs: FIRST_WAIT_MS }), { clock: this.#clock, signal });
    }
  }

  /** Waits until a session has begun; gives up one that takes too long. */
  async #begun(reader: OpenAIReader, signal: AbortSignal): Promise<void> {
    const { connectTimeoutMs: timeoutMs = 10_000 } = this.#service;
    try {
      await waitFor(reader.begun, "a realtime session", { timeoutMs, signal, clock: this.#clock });
    } catch (cause) {
      if (!isTimeout(cause) || signal.aborted) throw cause;
      reader[Symbol.asyncDispose]();
      const message = `${this.name}: no session was begun within ${timeoutMs} ms`;
      throw new InferenceError(message, { code: "timeout", retryable: true, cause });
    }
  }

  #open(): OpenAIReader {
    if (this.#reader && !this.#reader.isOver) return this.#reader;
    const url = this.#url;
    const clock = this.#clock;
    this.#sessions++;
    return this.#reader = new OpenAIReader({
      name: this.name,
      clock,
      session: { ...readingSession(this.#options), ...this.#options.providerOptions },
      connect: async (events) => {
        const headers = await keyedHeaders({ ...this.#service, url });
        return connectRealtime(url, { headers, clock }, events);
      },
    });
  }

  get #url(): URL {
    return realtimeUrl({ ...this.#service, ...this.#options });
  }

  /** Adds the way out for a model that only has a name like a realtime model. */
  #explained(error: unknown): unknown {
    const { api, model } = this.#options;
    const known = inferenceErrorIn(error);
    if (api || !known || known.status !== 404 && known.status !== 405) return error;
    const { code, status } = known;
    const message = `${known.message} at /realtime, which is asked because of the name ` +
      `${JSON.stringify(model)}: pass api: "speech" where it speaks at /audio/speech`;
    return new InferenceError(message, { code, status, cause: error });
  }
}
