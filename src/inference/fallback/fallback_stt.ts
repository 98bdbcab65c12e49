/** Several recognisers, of which the first that works transcribes. @module */
import type { Clock } from "../../events/clock.ts";
import type { ComponentContext } from "../contracts/component.ts";
import type { STT, SttSession, SttSessionOptions } from "../contracts/stt.ts";
import { SLOT_MS } from "../../audio/grid.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { silentLogger } from "../../events/logger.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { FallbackSttSession } from "./fallback_stt_session.ts";
import { checkFallback, ComponentHealth, type FallbackOptions } from "./component_health.ts";

const PROBE_RATE = 16_000;
const PROBE_SLOTS = 25;

/**
 * Recognisers of which the first that works transcribes. One that fails, or takes too long for a text,
 * is followed by the next, which gets the audio that has no final text yet. Recognisers may detect
 * turns if all of them do.
 *
 * @example
 * ```ts
 * import { FallbackSTT } from "@ringline/edge";
 * import { openAICompatible } from "@ringline/edge/openai";
 *
 * const near = openAICompatible({ baseUrl: "http://127.0.0.1:11434/v1" });
 * const far = openAICompatible({ apiKey: "sk-..." });
 * const stt = new FallbackSTT([
 *   far.stt({ model: "gpt-transcribe" }),
 *   near.stt({ model: "faster-whisper-small" }),
 * ]);
 * console.log(stt.detectsTurns); // false
 * ```
 */
export class FallbackSTT implements STT {
  readonly #health: ComponentHealth<STT>;

  /**
   * Takes the recognisers in their order: the first that works is used.
   *
   * @throws {TypeError} there is no recogniser, or something that is none.
   * @throws {RangeError} `timeoutMs` is no duration.
   */
  constructor(recognisers: readonly STT[], options: FallbackOptions = {}) {
    checkFallback(options);
    this.#health = new ComponentHealth(recognisers, {
      ...options,
      kind: "FallbackSTT",
      methods: ["open"],
      probe,
    });
  }

  /** The name in messages and metrics. */
  get name(): string {
    return this.#health.name;
  }

  /** Whether all of them detect turns. */
  get detectsTurns(): boolean {
    return this.#health.components.every(({ detectsTurns }) => detectsTurns);
  }

  /** Starts all recognisers. */
  start(context: ComponentContext): Promise<void> {
    return this.#health.start(context);
  }

  /** Closes all recognisers. */
  close(): Promise<void> {
    return this.#health.close();
  }

  /** Returns how many recognisers work, how often one failed, and the figures of each. */
  metrics(): Readonly<Record<string, number>> {
    return this.#health.metrics();
  }

  /** Opens a session with the first recogniser that works. */
  open(options: SttSessionOptions): SttSession {
    return new FallbackSttSession(this.#health, options);
  }
}

/** Has a recogniser transcribe half a second of silence. */
async function probe(
  stt: STT,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  await using session = stt.open({
    speakerId: "",
    sampleRate: PROBE_RATE,
    clock,
    logger: silentLogger,
    continuous: false,
  });
  const silence = new Int16Array(PROBE_RATE * SLOT_MS / 1000);
  for (let slot = 0; slot < PROBE_SLOTS; slot++) {
    session.sendAudio(new PcmChunk(silence, { sampleRate: PROBE_RATE }));
  }
  session.commit();
  for await (const event of untilAborted(() => session, stt.name, signal, clock)) {
    if (event.type === "error") throw event.error;
    if (event.type === "committed") return;
  }
}
