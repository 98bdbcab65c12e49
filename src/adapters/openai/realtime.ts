/**
 * OpenAI's realtime models (speech to speech) over WebSocket. Needs `--allow-net` for the service.
 *
 * @example
 * ```ts
 * import { openAIRealtime } from "@ringline/edge/openai-realtime";
 *
 * const llm = openAIRealtime({ apiKey: "sk-...", voice: "marin" });
 * console.log(llm.inputRate); // 24000
 * ```
 *
 * @module
 */
import type {
  RealtimeLLM,
  RealtimeSession,
  RealtimeSessionOptions,
} from "../../inference/contracts/realtime_llm.ts";
import { waitFor } from "../../events/waiting.ts";
import { InferenceError, inferenceErrorIn } from "../../inference/contracts/errors.ts";
import { keyedHeaders } from "./key.ts";
import { OPENAI_MODELS, OPENAI_URL } from "./models.ts";
import { connectRealtime, REALTIME_FORMAT, realtimeUrl } from "./realtime_protocol.ts";
import { OpenAIRealtimeSession } from "./realtime_session.ts";
import {
  conversingSession,
  OPENAI_REALTIME_OPTIONS,
  type OpenAIRealtimeOptions,
} from "./realtime_settings.ts";
import { checkBaseUrl } from "../service/endpoint.ts";
import { checkOptions } from "../../events/checks.ts";

export { OPENAI_MODELS, type OpenAIRealtimeOptions };

/** Returns a realtime model of OpenAI, or of a service with the same protocol. */
export function openAIRealtime(options: OpenAIRealtimeOptions = {}): RealtimeLLM {
  const expected = "an object like { apiKey }, or nothing";
  checkOptions(options, "options", OPENAI_REALTIME_OPTIONS, expected);
  return new OpenAIRealtime(options);
}

/** How often to ask for a sign of life, and after how long without one the service is gone. */
const KEEPALIVE = { intervalMs: 15_000, silenceMs: 35_000 };

class OpenAIRealtime implements RealtimeLLM {
  readonly name = "openai-realtime";
  readonly inputRate = REALTIME_FORMAT.rate;
  readonly acceptsImages = true;
  readonly textOutput = true;
  readonly #options: OpenAIRealtimeOptions;
  #sessions = 0;

  constructor(options: OpenAIRealtimeOptions) {
    this.#options = options;
    if (options.baseUrl !== undefined) {
      checkBaseUrl(options.baseUrl, ["http", "ws"], `"${OPENAI_URL}"`);
    }
  }

  get model(): string {
    return this.#options.model ?? OPENAI_MODELS.realtime;
  }

  /** `"openai"`, or the host of another service. */
  get provider(): string {
    const { hostname } = this.#url;
    return hostname === "api.openai.com" ? "openai" : hostname;
  }

  metrics(): Readonly<Record<string, number>> {
    return { sessions: this.#sessions };
  }

  /** @throws {InferenceError} there is no key: `no-key`. */
  async start(): Promise<void> {
    const { name } = this;
    // What getApiKey fails with is no reason not to join: a session asks again.
    if (!this.#options.getApiKey) await keyedHeaders({ ...this.#options, name, url: this.#url });
  }

  get #url(): URL {
    const { baseUrl = OPENAI_URL, model = OPENAI_MODELS.realtime } = this.#options;
    return realtimeUrl({ ...this.#options, baseUrl, model });
  }

  async connect(options: RealtimeSessionOptions): Promise<RealtimeSession> {
    const { connectTimeoutMs = 10_000 } = this.#options;
    const { name } = this;
    const url = this.#url;
    options.signal.throwIfAborted();
    const { clock, signal } = options;
    const headers = await waitFor(
      keyedHeaders({ ...this.#options, name, url }),
      "the key of a realtime session",
      {
        timeoutMs: connectTimeoutMs,
        signal,
        clock,
      },
    );
    const keepalive = { ...KEEPALIVE, message: () => session.keepalive() };
    const session: OpenAIRealtimeSession = new OpenAIRealtimeSession({
      clock,
      repliesToTurns: this.#options.turnDetection?.create_response !== false,
      connect: (events) => connectRealtime(url, { headers, clock, keepalive }, events),
    });
    try {
      const settings = conversingSession(this.#options, options);
      await waitFor(session.begin(settings, options.history), "beginning a realtime session", {
        timeoutMs: connectTimeoutMs,
        signal: options.signal,
        clock: options.clock,
      });
    } catch (cause) {
      await session[Symbol.asyncDispose]();
      options.signal.throwIfAborted();
      if (inferenceErrorIn(cause)) throw cause;
      throw new InferenceError(`${this.name}: no session was begun`, {
        code: "unreachable",
        retryable: true,
        cause,
      });
    }
    this.#sessions++;
    return session;
  }
}
