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
import { OPENAI_MODELS } from "./models.ts";
import {
  connectRealtime,
  REALTIME_FORMAT,
  realtimeHeaders,
  realtimeUrl,
} from "./realtime_protocol.ts";
import { OpenAIRealtimeSession } from "./realtime_session.ts";
import { conversingSession, type OpenAIRealtimeOptions } from "./realtime_settings.ts";
import { checkObject } from "../../events/checks.ts";

export { OPENAI_MODELS, type OpenAIRealtimeOptions };

/** Returns a realtime model of OpenAI, or of a service with the same protocol. */
export function openAIRealtime(options: OpenAIRealtimeOptions = {}): RealtimeLLM {
  checkObject(options, "options", "an object like { apiKey }, or nothing");
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
  }

  metrics(): Readonly<Record<string, number>> {
    return { sessions: this.#sessions };
  }

  async connect(options: RealtimeSessionOptions): Promise<RealtimeSession> {
    const {
      baseUrl = "https://api.openai.com/v1",
      model = OPENAI_MODELS.realtime,
      connectTimeoutMs = 10_000,
    } = this.#options;
    const url = realtimeUrl({ ...this.#options, baseUrl, model });
    options.signal.throwIfAborted();
    const { clock, signal } = options;
    const headers = await waitFor(realtimeHeaders(this.#options), "the key of a realtime session", {
      timeoutMs: connectTimeoutMs,
      signal,
      clock,
    });
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
