/** The agent's voice in one call. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { TTS, TtsSession } from "../contracts/tts.ts";
import type { SpeechHandle } from "./speech_handle.ts";
import { checkMethods } from "../../events/checks.ts";
import { promised, promiseIn } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { SpeechSynthesis } from "./speech_synthesis.ts";

/** A session that takes longer than this to close is abandoned. */
const CLOSE_LIMIT_MS = 4000;

/** Options for a {@linkcode Synthesizer}. */
export interface SynthesizerOptions {
  tts: TTS;
  /** How long the voice may take for audio that it owes; `Infinity` sets no limit. Default 10,000. */
  timeoutMs?: number;
}

/** The agent's voice in one call: one session, and a stream in it for each speech. */
export class Synthesizer {
  readonly #context: Pick<PipelineContext, "clock" | "report" | "logger">;
  readonly #tts: TTS;
  readonly #timeoutMs: number;
  #session: TtsSession | undefined;

  constructor(
    context: Pick<PipelineContext, "clock" | "report" | "logger">,
    { tts, timeoutMs = 10_000 }: SynthesizerOptions,
  ) {
    this.#context = context;
    this.#tts = tts;
    this.#timeoutMs = timeoutMs;
    try {
      this.#open();
    } catch (error) {
      context.report(error, `opening ${tts.name}; it is tried again`);
    }
  }

  /** Returns the audio of a text, until the speech is interrupted. */
  synthesize(text: AsyncIterable<string>, speech: SpeechHandle): AsyncIterable<PcmChunk> {
    const { clock, report } = this.#context;
    return new SpeechSynthesis({
      clock,
      report,
      name: this.#tts.name,
      session: () => this.#open(),
      timeoutMs: this.#timeoutMs,
      text,
      speech,
    }).audio();
  }

  /** Closes the session; a failure is reported. */
  async close(): Promise<void> {
    const { clock, report } = this.#context;
    const what = `closing the session of ${this.#tts.name}`;
    const session = this.#session;
    this.#session = undefined;
    try {
      const closing = promised(() => session?.[Symbol.asyncDispose]());
      await waitFor(closing, what, { timeoutMs: CLOSE_LIMIT_MS, clock });
    } catch (error) {
      report(error, what);
    }
  }

  #open(): TtsSession {
    if (this.#session) return this.#session;
    const { clock, logger } = this.#context;
    const { name } = this.#tts;
    const session = this.#tts.open({ clock, logger });
    promiseIn<unknown>(session)?.catch(() => {});
    checkMethods(session, `${name}.open`, "a TtsSession", ["speak"]);
    return this.#session = session;
  }
}
