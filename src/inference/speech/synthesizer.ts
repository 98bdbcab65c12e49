/** The agent's voice in one call. @module */
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { TTS, TtsSession } from "../contracts/tts.ts";
import type { SpeechHandle } from "./speech_handle.ts";
import { checkMethods } from "../../events/checks.ts";
import { type Expected, promised, promiseIn, UserHook } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { SpeechSynthesis } from "./speech_synthesis.ts";

/** A session that takes longer than this to close is abandoned. */
const CLOSE_LIMIT_MS = 4000;

/** Options for a {@linkcode Synthesizer}. */
export interface SynthesizerOptions {
  tts: TTS;
  /** How long the voice may take for audio that it owes; `Infinity` sets no limit. Default 10,000. */
  timeoutMs?: number;
  /** See `ConversationOptions.textTransform`. */
  textTransform?: (sentence: string) => string;
  /** See `ConversationOptions.pronunciations`. */
  pronunciations?: Readonly<Record<string, string>>;
}

const isText: Expected<string> = {
  what: "a text",
  is: (value) => typeof value === "string",
};

/** The agent's voice in one call: one session, and a stream in it for each speech. */
export class Synthesizer {
  readonly #context: Pick<PipelineContext, "clock" | "report" | "logger" | "usage">;
  readonly #tts: TTS;
  readonly #timeoutMs: number;
  readonly #changes: ((sentence: string) => string)[] = [];
  /** What is, or is to be, said with it. */
  readonly #speeches = new Set<SpeechHandle>();
  #session: TtsSession | undefined;

  constructor(
    context: Pick<PipelineContext, "clock" | "report" | "logger" | "usage">,
    { tts, timeoutMs = 10_000, textTransform, pronunciations }: SynthesizerOptions,
  ) {
    if (textTransform) {
      const { clock, report } = context;
      const what = "textTransform; the sentence is spoken as it is";
      const hook = new UserHook<string>(textTransform, { clock, report, context: what });
      this.#changes.push((sentence) => hook.ask(sentence, undefined, isText) ?? sentence);
    }
    if (pronunciations) this.#changes.push(pronounce(pronunciations));
    this.#context = context;
    this.#tts = tts;
    this.#timeoutMs = timeoutMs;
    try {
      this.#open();
    } catch (error) {
      context.report(error, `opening ${tts.name}; it is tried again`);
    }
  }

  /** Says this speech, when its turn comes. */
  assign(speech: SpeechHandle): void {
    this.#speeches.add(speech);
    void speech.done.then(() => this.#speeches.delete(speech));
  }

  /** Another voice has taken its place: closes the session when all that it is to say was said. */
  async retire(): Promise<void> {
    await Promise.all([...this.#speeches].map(({ done }) => done));
    await this.close();
  }

  /** Returns the audio of a text, until the speech is interrupted. */
  synthesize(text: AsyncIterable<string>, speech: SpeechHandle): AsyncIterable<PcmChunk> {
    const { clock, report, usage } = this.#context;
    return new SpeechSynthesis({
      clock,
      usage,
      report,
      name: this.#tts.name,
      session: () => this.#open(),
      timeoutMs: this.#timeoutMs,
      changes: this.#changes,
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

/** Returns a function that replaces words, and phrases, by what is to be said for them. */
export function pronounce(words: Readonly<Record<string, string>>): (text: string) => string {
  // The longest first: "New York City" before "New York".
  const written = Object.keys(words).sort((a, b) => b.length - a.length);
  if (written.length === 0) return (text) => text;
  const pattern = written.map((word) => RegExp.escape(word)).join("|");
  const whole = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${pattern})(?![\\p{L}\\p{N}_])`, "gu");
  return (text) => text.replace(whole, (word) => words[word]!);
}

/** Yields one text, which is known as a whole. */
export async function* once(text: string): AsyncGenerator<string, void, void> {
  yield text;
}
