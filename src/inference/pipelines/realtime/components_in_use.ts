/** What a realtime pipeline works with, and how other components take its place. @module */
import type { RealtimeLLM, RealtimeSession } from "../../contracts/realtime_llm.ts";
import { type ChatMessage, withoutImages } from "../../contracts/messages.ts";
import type { ToolDescription } from "../../contracts/tool.ts";
import type { TTS } from "../../contracts/tts.ts";
import type { ChatHistory } from "../../history/chat_history.ts";
import type { PipelineContext } from "../../pipeline_context.ts";
import type { ToolRun } from "../../reply/tool_run.ts";
import type { HandoffHistory, Take } from "../pipeline.ts";
import type { ReconnectingSession } from "./reconnecting_session.ts";
import { attempt, promised } from "../../../events/user_code.ts";
import { waitFor } from "../../../events/waiting.ts";
import { Synthesizer, type SynthesizerOptions } from "../../speech/synthesizer.ts";
import { handedOverMessages } from "../handed_over_messages.ts";

/** What a `RealtimePipeline` works with. */
export interface RealtimeComponents {
  llm: RealtimeLLM;
  /** The voice that speaks what the model writes. Default: the model speaks itself. */
  tts?: TTS;
  textTransform?: SynthesizerOptions["textTransform"];
  pronunciations?: SynthesizerOptions["pronunciations"];
  instructions: string;
  tools: readonly ToolDescription[];
}

/** What {@linkcode ComponentsInUse} needs. */
export interface ComponentsInUseInit {
  context: PipelineContext;
  /** What was said, for a session that is told of it. */
  history: ChatHistory;
  /** Returns the session of these components. */
  session: () => ReconnectingSession<RealtimeComponents>;
  /** Aborted when the conversation is over. */
  signal: AbortSignal;
}

/** How long a session may take to be changed. */
const UPDATE_LIMIT_MS = 10_000;

/** The output of the call that hands over, for the next agent, to whom it is over. */
const HANDED_OVER = "handed over";

/**
 * The model, the voice, the instructions and the tools of a realtime pipeline. Others are prepared
 * before they are taken: the session is changed in place where it can be, and replaced otherwise.
 */
export class ComponentsInUse {
  readonly #init: ComponentsInUseInit;
  #current: RealtimeComponents;
  #voice: Synthesizer | undefined;
  /** Settle when what was replaced is not used any more. */
  readonly #retiring = new Set<Promise<unknown>>();

  constructor(components: RealtimeComponents, init: ComponentsInUseInit) {
    this.#init = init;
    this.#current = components;
    this.#voice = this.#createVoice(components);
  }

  get current(): RealtimeComponents {
    return this.#current;
  }

  /** The voice that speaks what the model writes; `undefined` where that speaks itself. */
  get voice(): Synthesizer | undefined {
    return this.#voice;
  }

  /** Prepares other components; see `Pipeline.prepare`. */
  async prepare(
    components: RealtimeComponents,
    history?: HandoffHistory,
    run?: ToolRun,
  ): Promise<Take> {
    const { context } = this.#init;
    const messagesBefore = this.#init.history;
    const session = this.#init.session();
    const handedOver = history && await handedOverMessages(history, messagesBefore, context);
    let told = 0;
    const next = this.#needsSession(components, history)
      ? await session.prepare(components, (components, signal) => {
        const messages = handedOver?.();
        told = messages?.length ?? 0;
        return this.connect(components, signal, { messages, run });
      })
      : undefined;
    const isInPlace = !next && this.#isInstructed(components);
    const instructed = isInPlace ? await this.#instruct(components) : undefined;
    return async () => {
      const retired = [this.#use(components)];
      const known = handedOver && messagesBefore.count + told;
      if (next) retired.push(session.take(next, known));
      // Another has taken its place meanwhile.
      else if (isInPlace && session.current !== instructed) {
        const what = `changing the session of ${components.llm.name}`;
        this.#instruct(components).catch((error) => context.report(error, what));
      }
      if (handedOver) messagesBefore.beginAnew(handedOver());
      const all = Promise.all(retired);
      this.#retiring.add(all);
      await all;
      this.#retiring.delete(all);
    };
  }

  /**
   * Starts a session with these components.
   *
   * @param options.messages what it is told of the conversation. Default: all
   * @param options.run the call that hands over, for whose output it must not wait
   */
  connect(
    { llm, tts, instructions, tools }: RealtimeComponents,
    signal: AbortSignal,
    { messages = this.#init.history.messages, run }: {
      messages?: readonly ChatMessage[];
      run?: ToolRun;
    } = {},
  ): Promise<RealtimeSession> {
    const { clock, logger } = this.#init.context;
    return llm.connect({
      clock,
      logger,
      signal,
      instructions,
      tools,
      output: tts ? "text" : "audio",
      history: messages.map((message) => {
        const one = llm.acceptsImages ? message : withoutImages(message);
        return one.role === "tool" && one.callId === run?.call.id
          ? { ...one, text: HANDED_OVER }
          : one;
      }),
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#voice?.close(), ...this.#retiring]);
  }

  /**
   * Changes the session in use, and returns it.
   *
   * @throws what the service does, or a `TimeoutError`: the session is as it was.
   */
  async #instruct(components: RealtimeComponents): Promise<RealtimeSession | undefined> {
    const { context, signal } = this.#init;
    const { current } = this.#init.session();
    const before = this.#current;
    const updating = promised(() => current?.update?.(components));
    try {
      await waitFor(updating, `changing the session of ${components.llm.name}`, {
        timeoutMs: UPDATE_LIMIT_MS,
        signal,
        clock: context.clock,
      });
    } catch (error) {
      // It may come into effect later all the same.
      attempt(() => current?.update?.(before), () => {});
      throw error;
    }
    return current;
  }

  /** Uses other components; resolves when those before are not used any more. */
  async #use(components: RealtimeComponents): Promise<void> {
    const before = this.#voice;
    const isSameVoice = (["tts", "textTransform", "pronunciations"] as const)
      .every((name) => this.#current[name] === components[name]);
    this.#current = components;
    if (isSameVoice) return;
    this.#voice = this.#createVoice(components);
    await before?.retire();
  }

  #createVoice(
    { tts, textTransform, pronunciations }: RealtimeComponents,
  ): Synthesizer | undefined {
    return tts && new Synthesizer(this.#init.context, { tts, textTransform, pronunciations });
  }

  /** Whether the session in use cannot be changed into one with these components. */
  #needsSession(components: RealtimeComponents, history: HandoffHistory = "all"): boolean {
    const { llm, tts } = this.#current;
    if (components.llm !== llm || !components.tts !== !tts || history !== "all") return true;
    return this.#isInstructed(components) && this.#init.session().current?.update === undefined;
  }

  /** Whether these components tell the model something else than those in use. */
  #isInstructed({ instructions, tools }: RealtimeComponents): boolean {
    return instructions !== this.#current.instructions || tools !== this.#current.tools;
  }
}
