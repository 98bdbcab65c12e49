/** Several voices, of which the first that works speaks. @module */
import type { Clock } from "../../events/clock.ts";
import type { ComponentContext } from "../contracts/component.ts";
import type { TTS, TtsSession, TtsSessionOptions, TtsStream } from "../contracts/tts.ts";
import { silentLogger } from "../../events/logger.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { promised } from "../../events/user_code.ts";
import { InferenceError } from "../contracts/errors.ts";
import { FallbackTtsStream } from "./fallback_tts_stream.ts";
import { checkFallback, ComponentHealth, type FallbackOptions } from "./component_health.ts";

/**
 * Voices of which the first that works speaks. One that fails, or makes no sound in time, is followed
 * by the next, which goes on with the sentence that was not said, or not to its end.
 *
 * @example
 * ```ts
 * import { FallbackTTS } from "@ringline/edge";
 * import { openAICompatible } from "@ringline/edge/openai";
 *
 * const near = openAICompatible({ baseUrl: "http://127.0.0.1:11434/v1" });
 * const far = openAICompatible({ apiKey: "sk-..." });
 * const tts = new FallbackTTS([
 *   far.tts({ model: "gpt-realtime-2.1-mini", voice: "marin" }),
 *   near.tts({ model: "kokoro", voice: "af_heart" }),
 * ]);
 * console.log(tts.name); // openai-tts or openai-tts
 * ```
 */
export class FallbackTTS implements TTS {
  readonly #health: ComponentHealth<TTS>;

  /**
   * Takes the voices in their order: the first that works speaks.
   *
   * @throws {TypeError} there is no voice, or something that is none.
   * @throws {RangeError} `timeoutMs` is no duration.
   */
  constructor(voices: readonly TTS[], options: FallbackOptions = {}) {
    checkFallback(options);
    this.#health = new ComponentHealth(voices, {
      ...options,
      kind: "FallbackTTS",
      methods: ["open"],
      probe,
    });
  }

  /** The name in messages and metrics. */
  get name(): string {
    return this.#health.name;
  }

  /** Starts all voices. */
  start(context: ComponentContext): Promise<void> {
    return this.#health.start(context);
  }

  /** Closes all voices. */
  close(): Promise<void> {
    return this.#health.close();
  }

  /** Returns how many voices work, how often one failed, and the figures of each. */
  metrics(): Readonly<Record<string, number>> {
    return this.#health.metrics();
  }

  /** Opens a session with the first voice that works, and with others when they are needed. */
  open(options: TtsSessionOptions): TtsSession {
    return new FallbackTtsSession(this.#health, options);
  }
}

/** The sessions of the voices in one call. */
class FallbackTtsSession implements TtsSession {
  readonly #health: ComponentHealth<TTS>;
  readonly #options: TtsSessionOptions;
  readonly #sessions = new Map<TTS, TtsSession>();
  readonly #streams = new Set<FallbackTtsStream>();

  constructor(health: ComponentHealth<TTS>, options: TtsSessionOptions) {
    this.#health = health;
    this.#options = options;
    const [first] = health.order;
    try {
      // Its connection is not waited for when there is something to say.
      this.#sessionOf(first!);
    } catch (error) {
      health.failed(first!, error);
    }
  }

  speak(): TtsStream {
    const stream = new FallbackTtsStream({
      health: this.#health,
      clock: this.#options.clock,
      speak: (tts) => this.#sessionOf(tts).speak(),
      onOver: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.cancel();
    const closing = [...this.#sessions.values()].map((one) =>
      promised(() => one[Symbol.asyncDispose]())
    );
    this.#sessions.clear();
    const failed = (await Promise.allSettled(closing)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  #sessionOf(tts: TTS): TtsSession {
    const session = this.#sessions.get(tts) ?? tts.open(this.#options);
    this.#sessions.set(tts, session);
    return session;
  }
}

/** Has a voice say one word. */
async function probe(
  tts: TTS,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  await using session = tts.open({ clock, logger: silentLogger });
  const stream = session.speak();
  stream.sendText("OK.");
  stream.end();
  try {
    for await (const part of untilAborted(() => stream, tts.name, signal, clock)) {
      if (part.unspoken) throw part.unspoken.error;
      if (part.pcm && part.pcm.frames > 0) return;
    }
  } finally {
    stream.cancel();
  }
  throw new InferenceError(`${tts.name} made no sound`, { code: "no-sound", retryable: true });
}
