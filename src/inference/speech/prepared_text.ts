/** A text that is synthesised in advance, for when the voice is down. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { TTS } from "../contracts/tts.ts";
import { describeError } from "../../events/error_text.ts";
import { backOffMs } from "../../events/retry.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { limitTime } from "../../events/waiting.ts";

/** How long the voice may take. */
const LIMIT_MS = 10_000;
/** When it is tried again, ever more rarely. */
const RETRY = { firstMs: 2000, maxMs: 60_000 };

/** Texts by voice: calls that share a voice have it speak each once. */
const spoken = new WeakMap<TTS, Map<string, readonly PcmChunk[]>>();

/** Has the voice speak a text now, and again later until it does. */
export class PreparedText implements Disposable {
  readonly #context: Pick<PipelineContext, "clock" | "logger">;
  readonly #tts: TTS;
  readonly #text: string;
  readonly #closing = new AbortController();
  #timer: Disposable | undefined;
  #tries = 0;

  constructor(
    context: Pick<PipelineContext, "clock" | "logger">,
    { tts, text }: { tts: TTS; text: string },
  ) {
    this.#context = context;
    this.#tts = tts;
    this.#text = text;
    if (!this.chunks) void this.#prepare();
  }

  /** Its audio, once the voice has spoken it. */
  get chunks(): readonly PcmChunk[] | undefined {
    return spoken.get(this.#tts)?.get(this.#text);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
  }

  /** Never rejects. */
  async #prepare(): Promise<void> {
    const { clock, logger } = this.#context;
    try {
      const chunks = await this.#synthesize();
      const texts = spoken.get(this.#tts) ?? new Map<string, readonly PcmChunk[]>();
      spoken.set(this.#tts, texts.set(this.#text, chunks));
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      logger.warn(
        `${this.#tts.name}: preparing what is said at a failure: ${describeError(error)}`,
      );
      this.#timer = clock.schedule(() => void this.#prepare(), backOffMs(++this.#tries, RETRY));
    }
  }

  async #synthesize(): Promise<PcmChunk[]> {
    const { clock, logger } = this.#context;
    using limit = limitTime("preparing a text", {
      timeoutMs: LIMIT_MS,
      signals: [this.#closing.signal],
      clock,
    });
    await using session = this.#tts.open({ clock, logger });
    const stream = session.speak();
    stream.sendText(this.#text);
    stream.end();
    const chunks: PcmChunk[] = [];
    for await (const part of untilAborted(() => stream, this.#tts.name, limit.signal, clock)) {
      if (part.unspoken) throw part.unspoken.error;
      if (part.pcm) chunks.push(part.pcm.clone());
    }
    if (chunks.length === 0) throw new Error("the voice made no sound");
    return chunks;
  }
}
