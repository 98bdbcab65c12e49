/**
 * OpenAI's realtime models over WebSocket: they hear and speak by themselves. Needs `--allow-net`
 * for the service.
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
import { InferenceError } from "../../inference/contracts/errors.ts";
import { OPENAI_MODELS } from "./models.ts";
import { connectRealtime, REALTIME_FORMAT, realtimeUrl } from "./realtime_protocol.ts";
import { conversingSession, OpenAIRealtimeSession } from "./realtime_session.ts";
import { checkObject } from "../../events/checks.ts";

export { OPENAI_MODELS };

/** Which model, and how it hears and speaks. */
export interface OpenAIRealtimeOptions {
  /** Sent as a bearer token. A local service often needs none. */
  apiKey?: string;
  /** Default `"gpt-realtime-2.1"`. */
  model?: string;
  /** Default: the service's. */
  voice?: string;
  /**
   * Where the service is, as for its HTTP interface. Default `"https://api.openai.com/v1"`; the
   * session is at `/realtime` below it.
   */
  baseUrl?: string;
  /** The address of the session itself, where it is another one than `baseUrl` says. */
  url?: string;
  /** How the service decides that a turn is over, as it takes it. Default: server VAD. */
  turnDetection?: Readonly<Record<string, unknown>>;
  /** What transcribes what people say. Default `"gpt-transcribe"`. */
  transcriptionModel?: string;
  /** How long beginning a session may take. Default 10,000. */
  connectTimeoutMs?: number;
}

/** A realtime model of OpenAI, or of a service that speaks its protocol. */
export function openAIRealtime(options: OpenAIRealtimeOptions = {}): RealtimeLLM {
  checkObject(options, "options", "an object like { apiKey }, or nothing");
  return new OpenAIRealtime(options);
}

class OpenAIRealtime implements RealtimeLLM {
  readonly name = "openai-realtime";
  readonly inputRate = REALTIME_FORMAT.rate;
  readonly acceptsImages = true;
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
      apiKey,
      baseUrl = "https://api.openai.com/v1",
      model = OPENAI_MODELS.realtime,
      connectTimeoutMs = 10_000,
    } = this.#options;
    const url = realtimeUrl({ ...this.#options, baseUrl, model });
    options.signal.throwIfAborted();
    const headers: Record<string, string> = {};
    if (apiKey) headers.authorization = `Bearer ${apiKey}`;
    const session = new OpenAIRealtimeSession((events) =>
      connectRealtime(url, { headers, clock: options.clock }, events)
    );
    try {
      const settings = conversingSession(this.#options, options);
      await waitFor(session.begin(settings, options.history), "a realtime session", {
        timeoutMs: connectTimeoutMs,
        signal: options.signal,
        clock: options.clock,
      });
    } catch (cause) {
      await session[Symbol.asyncDispose]();
      options.signal.throwIfAborted();
      if (cause instanceof InferenceError) throw cause;
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
