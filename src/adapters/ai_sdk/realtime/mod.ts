/** Realtime models by the AI SDK. @module */
import type {
  Experimental_RealtimeModel as RealtimeModel,
  Experimental_RealtimeSessionConfig as SessionConfig,
} from "ai";
import {
  type ChatMessage,
  type ComponentContext,
  InferenceError,
  type RealtimeLLM,
  type RealtimeSession,
  type RealtimeSessionOptions,
} from "@ringline/edge";
import {
  checkMethods,
  checkOptions,
  KeepaliveSocket,
  waitFor,
  WorkerWebSocket,
} from "@ringline/edge/toolkit";
import { failure } from "../failure.ts";
import { checkKey } from "../requests.ts";
import { SAMPLE_RATE } from "./reply.ts";
import { AiSdkRealtimeSession } from "./session.ts";

/** A realtime model of the AI SDK, as a provider creates it: `openai.experimental_realtime(name)`. */
export type AiSdkRealtimeModel = RealtimeModel;

/** Options for {@linkcode aiSdkRealtime}. */
export interface AiSdkRealtimeOptions {
  /** The voice's name. Default: the provider's. */
  voice?: string;
  /** The model that transcribes people. Default: the provider's. */
  transcriptionModel?: string;
  /** The language of people, in ISO 639-1, for the transcription. */
  language?: string;
  /** The service's turn detection, in the SDK's words. Default: the service's. */
  turnDetection?: {
    type: "server-vad" | "semantic-vad";
    threshold?: number;
    silenceDurationMs?: number;
    prefixPaddingMs?: number;
  };
  /** Fields of the session in the service's words, which replace the SDK's. */
  providerOptions?: Readonly<Record<string, unknown>>;
  /** Headers of the request that opens a session; they replace the provider's. */
  headers?: Readonly<Record<string, string>>;
  /** How long beginning a session may take, in milliseconds. Default 10,000. */
  connectTimeoutMs?: number;
}

const OPTIONS = {
  voice: true,
  transcriptionModel: true,
  language: true,
  turnDetection: true,
  providerOptions: true,
  headers: true,
  connectTimeoutMs: true,
} as const;
const TURN_DETECTION = {
  type: true,
  threshold: true,
  silenceDurationMs: true,
  prefixPaddingMs: true,
} as const;

/** How often to ask for a sign of life, and after how long without one the service is gone. */
const KEEPALIVE = { intervalMs: 15_000, silenceMs: 35_000 };
const FORMAT = { type: "audio/pcm", rate: SAMPLE_RATE };

/**
 * Returns a {@linkcode RealtimeLLM} that uses a realtime model of the AI SDK, which calls them
 * experimental. A provider's model must be one that a server connects to, and that can be asked for a
 * reply: OpenAI's are. Google's cannot be asked, by the SDK: use `geminiLive`.
 *
 * @throws {TypeError} `model` is no such model.
 *
 * @example
 * ```ts ignore
 * import { openai } from "npm:@ai-sdk/openai";
 * import { aiSdkRealtime } from "@ringline/ai-sdk";
 *
 * const llm = aiSdkRealtime(openai.experimental_realtime("gpt-realtime-2.1"), { voice: "marin" });
 * ```
 */
export function aiSdkRealtime(
  model: AiSdkRealtimeModel,
  options: AiSdkRealtimeOptions = {},
): RealtimeLLM {
  const example = "a realtime model of the AI SDK, e.g. openai.experimental_realtime(name)";
  checkMethods(model, "model", example, ["getServerWebSocketConfig", "serializeClientEvent"]);
  checkOptions(options, "options", OPTIONS, "an object like { voice }, or nothing");
  if (options.turnDetection !== undefined) {
    checkOptions(options.turnDetection, "options.turnDetection", TURN_DETECTION);
  }
  return new AiSdkRealtime(model, options);
}

class AiSdkRealtime implements RealtimeLLM {
  readonly name = "ai-sdk-realtime";
  readonly inputRate = SAMPLE_RATE;
  readonly model: string;
  readonly provider: string;
  readonly #model: AiSdkRealtimeModel;
  readonly #options: AiSdkRealtimeOptions;
  #sessions = 0;

  constructor(model: AiSdkRealtimeModel, options: AiSdkRealtimeOptions) {
    this.#model = model;
    this.#options = options;
    this.model = model.modelId;
    // Of "openai.realtime" the first part is whose service it is.
    this.provider = String(model.provider).split(".")[0]!;
  }

  /**
   * Checks that there is a key, where the provider's model says so.
   *
   * @throws {InferenceError} there is none.
   */
  async start(_context: ComponentContext): Promise<void> {
    await checkKey(this.#model);
  }

  metrics(): Readonly<Record<string, number>> {
    return { sessions: this.#sessions };
  }

  async connect(options: RealtimeSessionOptions): Promise<RealtimeSession> {
    const { clock, signal, history, tools } = options;
    const { connectTimeoutMs: timeoutMs = 10_000, headers: more } = this.#options;
    signal.throwIfAborted();
    const limit = { timeoutMs, signal, clock };
    const { url, headers } = await this.#address(limit);
    const session: AiSdkRealtimeSession = new AiSdkRealtimeSession({
      model: this.#model,
      config: this.#config(),
      clock,
      connect: (events) =>
        new KeepaliveSocket(url, {
          ...events,
          clock,
          keepalive: { ...KEEPALIVE, message: () => session.keepalive() },
          // The session itself drops audio.
          maxBufferedBytes: Infinity,
          connect: (url) => new WorkerWebSocket(url, { headers: { ...headers, ...more }, clock }),
        }),
    });
    try {
      const instructions = [options.instructions, soFar(history)].filter(Boolean).join("\n\n");
      const beginning = session.begin({ instructions, tools });
      await waitFor(beginning, "beginning a realtime session", limit);
    } catch (cause) {
      await session[Symbol.asyncDispose]();
      signal.throwIfAborted();
      if (cause instanceof InferenceError) throw cause;
      const why = { code: "unreachable", retryable: true, cause };
      throw new InferenceError(`${this.name}: no session was begun`, why);
    }
    this.#sessions++;
    return session;
  }

  /** Returns where the service is, and checks that its model can be asked for a reply. */
  async #address(limit: Parameters<typeof waitFor>[2]) {
    const asking = Promise.try(async () => ({
      where: await this.#model.getServerWebSocketConfig!(),
      request: await this.#model.serializeClientEvent({ type: "response-create" }),
    }));
    let answer: Awaited<typeof asking>;
    try {
      answer = await waitFor(asking, "the key of a realtime session", limit);
    } catch (cause) {
      limit?.signal?.throwIfAborted();
      throw failure(cause);
    }
    if (answer.request != null) return answer.where;
    const { provider, modelId } = this.#model;
    const message = `${this.name}: ${provider} has no word to ask ${modelId} for a reply: use ` +
      "an adapter of the vendor's own, as geminiLive for Google";
    throw new InferenceError(message, { code: "unsupported" });
  }

  #config(): SessionConfig {
    const { voice, transcriptionModel: model, language, turnDetection, providerOptions } =
      this.#options;
    return {
      outputModalities: ["audio"],
      inputAudioFormat: FORMAT,
      outputAudioFormat: FORMAT,
      inputAudioTranscription: { ...model ? { model } : {}, ...language ? { language } : {} },
      outputAudioTranscription: {},
      ...voice ? { voice } : {},
      ...turnDetection === undefined ? {} : { turnDetection },
      ...providerOptions ? { providerOptions: { ...providerOptions } } : {},
    };
  }
}

/** Returns the conversation so far as a part of the instructions: the SDK has no items for it. */
function soFar(history: readonly ChatMessage[]): string {
  if (history.length === 0) return "";
  const lines = history.flatMap((message) => {
    switch (message.role) {
      case "user":
        return `${message.name ?? "User"}: ${message.text}`;
      case "assistant": {
        const said = message.text === "" ? [] : [`You: ${message.text}`];
        const calls = (message.toolCalls ?? []).map(({ name, input }) =>
          `You called ${name}(${JSON.stringify(input)})`
        );
        return [...said, ...calls];
      }
      case "tool":
        return `${message.name} returned: ${message.text}`;
      default:
        return [];
    }
  });
  return `The conversation so far, which goes on now:\n${lines.join("\n")}`;
}
