import type { ComponentContext } from "../component.ts";
import type { SpeechPart, TTS } from "../tts.ts";
import type { HttpServiceOptions } from "./http.ts";
import type { SpeechModelOptions } from "./openai_speech.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { sleep, waitFor } from "../../events/waiting.ts";
import { InferenceError } from "../errors.ts";
import { OpenAIReader, readingSession } from "./openai_reader.ts";
import { realtimeUrl } from "./openai_realtime_protocol.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_WAIT_MS = 250;

/**
 * A voice behind `/realtime`: a realtime model that is told to read aloud. One socket serves all
 * texts; it is opened when the agent starts, and again when it was closed.
 */
export class OpenAIRealtimeSpeech implements TTS {
  readonly name: string;
  readonly #service: HttpServiceOptions;
  readonly #options: SpeechModelOptions;
  #clock: Clock = systemClock;
  #reader: OpenAIReader | undefined;
  #isClosed = false;
  #requests = 0;
  #retries = 0;
  #failures = 0;
  #sessions = 0;

  constructor(service: HttpServiceOptions, options: SpeechModelOptions) {
    this.name = service.name;
    this.#service = service;
    this.#options = options;
    realtimeUrl({ ...service, ...options });
    const { sampleRate = 24_000 } = options;
    if (sampleRate !== 24_000) {
      throw new RangeError(`a realtime model speaks at 24000 samples a second, got ${sampleRate}`);
    }
  }

  /** Opens the socket, so that the first text need not wait for it. What fails then shows then. */
  start({ clock }: ComponentContext): void {
    this.#clock = clock;
    try {
      this.#open();
    } catch {
      // A missing permission.
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reader?.[Symbol.asyncDispose]();
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
    const { maxTries = 3 } = this.#service;
    this.#requests++;
    let isHeard = false;
    for (let tries = 1;; tries++) {
      try {
        signal.throwIfAborted();
        const reader = await this.#begun(signal);
        for await (const pcm of reader.read(text, signal)) {
          if (pcm.frames === 0) continue;
          isHeard = true;
          yield { pcm };
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        const isRetryable = error instanceof InferenceError && error.retryable && !isHeard;
        if (!isRetryable || tries >= maxTries) {
          this.#failures++;
          throw error;
        }
      }
      this.#retries++;
      await sleep(FIRST_WAIT_MS * 2 ** (tries - 1), { clock: this.#clock, signal });
    }
  }

  /** The reader, ready to read. */
  async #begun(signal: AbortSignal): Promise<OpenAIReader> {
    const { name } = this;
    if (this.#isClosed) throw new InferenceError(`${name}: it is closed`, { code: "closed" });
    try {
      const reader = this.#open();
      const options = { timeoutMs: CONNECT_TIMEOUT_MS, signal, clock: this.#clock };
      await waitFor(reader.begun, "a realtime session", options);
      return reader;
    } catch (cause) {
      signal.throwIfAborted();
      // What takes no session may not take its end either: it is not waited for.
      this.#reader?.[Symbol.asyncDispose]();
      if (cause instanceof InferenceError) throw cause;
      const isForbidden = cause instanceof Deno.errors.NotCapable;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new InferenceError(`${name}: cannot be reached: ${reason}`, {
        code: isForbidden ? "permission-denied" : "unreachable",
        retryable: !isForbidden,
        cause,
      });
    }
  }

  #open(): OpenAIReader {
    if (this.#reader && !this.#reader.isOver) return this.#reader;
    const { apiKey, headers } = this.#service;
    const socket = new WebSocket(realtimeUrl({ ...this.#service, ...this.#options }), {
      headers: { ...apiKey ? { authorization: `Bearer ${apiKey}` } : {}, ...headers },
    });
    this.#sessions++;
    return this.#reader = new OpenAIReader(this.name, socket, readingSession(this.#options));
  }
}
