/**
 * Gemini Live (speech to speech) over its WebSocket. Needs `--allow-net` for
 * `generativelanguage.googleapis.com`.
 *
 * A connection lasts about ten minutes: the service announces its end, and the agent goes on with
 * another, which begins with the conversation so far. So does one whose instructions or tools are
 * changed, by `agent.update` or a handoff: most of its models take them only when a session begins. What
 * was said is kept as text, without its sound.
 *
 * @example
 * ```ts
 * import { geminiLive } from "@ringline/edge/gemini-live";
 *
 * const llm = geminiLive({ apiKey: "...", model: "gemini-3.1-flash-live-preview", voice: "Kore" });
 * console.log(llm.inputRate); // 16000
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
import { StreamingService, type VendorAddress } from "../streaming/service.ts";
import { GeminiLiveSession } from "./session.ts";
import { checkOptions } from "../../events/checks.ts";
import { GEMINI_OPTIONS, type GeminiLiveOptions, INPUT_RATE, setupMessage } from "./settings.ts";

export type { StreamingServiceOptions } from "../streaming/service.ts";
export type { GeminiLiveOptions };

/** Where the service is. */
const ADDRESS: VendorAddress = {
  baseUrl: "https://generativelanguage.googleapis.com",
  path: "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
  query: {},
  keyHeader: (key) => ({ "x-goog-api-key": key }),
};
/** How often to ask for a sign of life, and after how long without one the service is gone. */
const PING = { intervalMs: 10_000, silenceMs: 30_000 };

/**
 * Returns Gemini Live.
 *
 * @throws {TypeError} there is no model.
 */
export function geminiLive(options: GeminiLiveOptions): RealtimeLLM {
  checkOptions(options, "options", GEMINI_OPTIONS, "an object like { apiKey, model }");
  return new GeminiLive(options);
}

class GeminiLive implements RealtimeLLM {
  readonly name = "gemini-live";
  readonly inputRate = INPUT_RATE;
  readonly acceptsImages = true;
  readonly model: string;
  readonly provider = "gcp.gemini";
  readonly #options: GeminiLiveOptions;
  readonly #service: StreamingService;

  constructor(options: GeminiLiveOptions) {
    this.#service = new StreamingService(this.name, options);
    if (typeof options.model !== "string" || options.model === "") {
      throw new TypeError("geminiLive: model: expected the name of a model");
    }
    this.#options = options;
    this.model = options.model;
  }

  /** @throws {InferenceError} there is no key: `no-key`. */
  async start(): Promise<void> {
    await this.#service.expectKey(ADDRESS);
  }

  metrics(): Readonly<Record<string, number>> {
    return this.#service.metrics();
  }

  async connect(options: RealtimeSessionOptions): Promise<RealtimeSession> {
    const { clock, signal, history } = options;
    const { connectTimeoutMs: timeoutMs = 10_000 } = this.#options;
    signal.throwIfAborted();
    const session = new GeminiLiveSession((events) =>
      this.#service.connect(ADDRESS, { ...events, clock, ping: PING })
    );
    try {
      const beginning = session.begin(setupMessage(this.#options, options), history);
      await waitFor(beginning, "beginning a session of Gemini Live", { timeoutMs, signal, clock });
      return session;
    } catch (cause) {
      await session[Symbol.asyncDispose]();
      signal.throwIfAborted();
      if (inferenceErrorIn(cause)) throw this.#service.failed(cause);
      const message = `${this.name}: no session was begun`;
      const why = { code: "unreachable", retryable: true, cause };
      throw this.#service.failed(new InferenceError(message, why));
    }
  }
}
