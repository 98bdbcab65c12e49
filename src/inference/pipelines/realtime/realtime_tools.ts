/** The tools that a realtime model calls. @module */
import type { Participant } from "../../../edge/types.ts";
import type { ChatHistory } from "../../history/chat_history.ts";
import type { RealtimeSession } from "../../contracts/realtime_llm.ts";
import type { ChatMessage, ToolCall, ToolImage } from "../../contracts/messages.ts";
import type { KnownConversation } from "./reconnecting_session.ts";
import type { PipelineContext } from "../../pipeline_context.ts";
import type { RequestedReply } from "./requested_reply.ts";
import type { ToolExecutor } from "../../reply/tool_executor.ts";
import type { ToolRun } from "../../reply/tool_run.ts";
import { attempt } from "../../../events/user_code.ts";

/** What {@linkcode RealtimeTools} needs. */
export interface RealtimeToolsInit {
  context: PipelineContext;
  history: ChatHistory;
  /** Aborted when the conversation is over. */
  signal: AbortSignal;
  /** Returns the session; `undefined` while there is none. */
  session: () => RealtimeSession | undefined;
  /** Returns whether the model accepts images. */
  acceptsImages: () => boolean;
  /** Returns the participant whom a tool that is called now is for. */
  speaker: () => Participant | undefined;
  /** Called when the model goes on calling tools instead of replying: it is not asked any more. */
  onEndless: (requested: RequestedReply | undefined) => void;
  /** Asks for the reply that tells of the results. */
  onResults: (requested: RequestedReply | undefined) => void;
  /** Has the agent say something while a tool runs. */
  onFiller: (text: string) => RequestedReply;
  /** Called when something becomes known that people wait for. */
  onNews: () => void;
}

/** A model that replies with nothing but calls of tools more often than this would do so for ever. */
const MAX_ROUNDS = 8;

/** The calls of one reply. */
interface ReplyCalls {
  readonly requested: RequestedReply | undefined;
  running: number;
  /** Whether there is a result that the model is to tell of. */
  isToTell: boolean;
  isReplyOver: boolean;
  /** Whether there is a call that did not run. */
  isRefused: boolean;
  /** Whether something was said while they run. */
  isFilled: boolean;
}

/** How a reply has ended. */
interface ReplyEnd {
  readonly isCut: boolean;
  readonly isOver?: boolean;
}

/**
 * Runs the tools that a realtime model calls. Each call has exactly one output: its result, or that it
 * was cut off and did not run. When a reply and its tools are over, the model is asked to go on.
 */
export class RealtimeTools {
  readonly #init: RealtimeToolsInit;
  /** By the id of the reply. */
  readonly #replies = new Map<string, ReplyCalls>();
  /** The tools that the model knew when a reply began, by its id. */
  readonly #executors = new Map<string, ToolExecutor>();
  /** How often the model was asked to go on since it last replied without a call, or a person spoke. */
  #rounds = 0;

  constructor(init: RealtimeToolsInit) {
    this.#init = init;
  }

  /** A reply began: its calls are of the tools that there are now. */
  replyStarted(replyId: string): void {
    this.#executors.set(replyId, this.#init.context.toolLedger.executor);
  }

  /** Runs a call of a reply once, or tells the model why it does not: the `fault`. */
  call(
    { replyId, call, fault }: { replyId: string; call: ToolCall; fault?: string | undefined },
    requested: RequestedReply | undefined,
  ): void {
    const executor = this.#executors.get(replyId) ?? this.#init.context.toolLedger.executor;
    const { toolLedger } = this.#init.context;
    if (toolLedger.has(call.id)) return;
    const calls = this.#replies.get(replyId) ?? {
      requested,
      running: 0,
      isToTell: false,
      isReplyOver: false,
      isRefused: false,
      isFilled: false,
    };
    this.#replies.set(replyId, calls);
    if (fault !== undefined) {
      calls.isRefused = true;
      return this.#refuse(call, fault);
    }
    calls.running++;
    requested?.hold();
    this.#run(call, calls, executor).then((isToTell) => {
      calls.isToTell ||= isToTell;
      calls.running--;
      this.#continue(calls);
      requested?.release();
    });
  }

  /** Whether a reply that is not over has called tools. */
  hasCalls(replyId: string): boolean {
    return this.#replies.has(replyId);
  }

  /**
   * A reply is over; returns whether it called tools. With `isCut` the service cut it off: the model is
   * asked to go on even if none of them ran. With `isOver` no more is wanted of it: it is not asked to,
   * because of a call that did not run.
   */
  replyEnded(replyId: string, { isCut, isOver = false }: ReplyEnd): boolean {
    this.#executors.delete(replyId);
    const calls = this.#replies.get(replyId);
    if (!calls) {
      if (!isOver) this.#rounds = 0;
      return false;
    }
    this.#replies.delete(replyId);
    calls.isReplyOver = true;
    calls.isToTell ||= isCut || calls.isRefused && !isOver;
    this.#continue(calls);
    return true;
  }

  /** A person has spoken: what the model calls from now on is for them. */
  personSpoke(): void {
    this.#rounds = 0;
  }

  /** The session was lost: the replies in progress are over. */
  lost(): void {
    this.#executors.clear();
    for (const id of [...this.#replies.keys()]) this.replyEnded(id, { isCut: false, isOver: true });
  }

  /** There is a session, which knows so much of the conversation: it is told of the rest. */
  connected({ count, messages }: KnownConversation): void {
    const { context, history, session } = this.#init;
    // What another session asked for is no reply of this one.
    for (const run of context.toolLedger.running) if (!run.isHandoff) run.abandon();
    for (const one of [...this.#changedOutputs(messages), ...history.since(count)]) {
      const { role, text } = one;
      if ("images" in one) this.#sendImages(one.images);
      if (role === "tool") this.#sendText(`[the outcome of ${one.name}, ${one.callId}] ${text}`);
      else if (role === "assistant" && /\S/.test(text)) {
        this.#send(() => session()?.sendText(text, { role }));
      } else if (role === "user") this.#sendText(text, one.name);
    }
    history.markAllTold();
  }

  /** The outputs that were among these messages, and are others now: their tools have ended since. */
  #changedOutputs(known: readonly ChatMessage[]): readonly ChatMessage[] {
    const { messages, untold } = this.#init.history;
    // What hands over is over for the next agent.
    const ids = new Set(known.map((one) => one.role === "tool" && one.callId));
    for (const { isHandoff, call } of untold) if (isHandoff) ids.delete(call.id);
    return messages.filter((one) =>
      one.role === "tool" && ids.has(one.callId) && !known.includes(one)
    );
  }

  /** Sends the model what became known of a tool after its output, and asks for a reply. */
  sendNews(): void {
    const { history, session, onResults, onNews } = this.#init;
    const news = history.messages.at(-1)!;
    onNews();
    // The next session is told of it when there is one.
    if (session()) {
      if ("images" in news) this.#sendImages(news.images);
      this.#sendText(news.text);
      history.markOutcomesTold();
    }
    onResults(undefined);
  }

  /** Runs a call; resolves with whether its result is there for the model to reply to. */
  async #run(call: ToolCall, calls: ReplyCalls, executor: ToolExecutor): Promise<boolean> {
    const { context, history, session, speaker, signal } = this.#init;
    const caller = session();
    const inText = calls.requested?.inText ?? false;
    const run = context.toolLedger.start(call, speaker(), executor);
    run.isInText = inText;
    calls.requested?.runs.push(run);
    history.appendCalls({ role: "assistant", text: "" }, [run]);
    if (run.tool?.background) {
      history.markTold([run]);
      this.#send(() => caller?.sendToolResult(call.id, run.output));
      return true;
    }
    using _filler = this.#fillSilence(run, calls);
    const result = await run.ended;
    if (signal.aborted) return false;
    // The next agent says itself what it has to say.
    const tells = !run.isHandoff || inText;
    // Another session has it in its history, or got it as news.
    if (session() !== caller) return run.isHandoff ? tells : history.isUntold(run);
    history.markTold([run]);
    this.#send(() => caller?.sendToolResult(call.id, result));
    return tells;
  }

  /** Says what the tool has to say while it runs, unless another one of the reply has. */
  #fillSilence(run: ToolRun, calls: ReplyCalls): Disposable {
    const { context, session, onFiller } = this.#init;
    const { filler, fillerAfterMs = 0 } = run.tool ?? {};
    const filling = new DisposableStack();
    if (!filler || calls.requested?.inText) return filling;
    filling.use(context.clock.schedule(() => {
      if (!run.isAwaited || calls.isFilled || !session()) return;
      calls.isFilled = true;
      const said = onFiller(filler);
      // What has not begun by the end of the tool is not said.
      filling.defer(() => said.withdraw());
    }, fillerAfterMs));
    return filling;
  }

  /** Adds a result to a call that does not run. */
  #refuse(call: ToolCall, fault: string): void {
    const { history, session } = this.#init;
    const { id: callId, name } = call;
    const result = { text: `error: ${fault}: it did not run`, isError: true };
    history.append(
      { role: "assistant", text: "", toolCalls: [call] },
      { role: "tool", callId, name, ...result },
    );
    this.#send(() => session()?.sendToolResult(callId, result));
  }

  #sendText(text: string, name?: string): void {
    this.#send(() => this.#init.session()?.sendText(text, { name }));
  }

  /** Sends images, which stand before the text that tells what they are. */
  #sendImages(images: readonly ToolImage[] = []): void {
    const { session, acceptsImages } = this.#init;
    if (!acceptsImages()) return;
    for (const image of images) this.#send(() => session()?.sendImage?.(image));
  }

  #send(send: () => unknown): void {
    attempt(send, (error) => this.#init.context.report(error, "telling the model a tool's result"));
  }

  #continue(calls: ReplyCalls): void {
    if (calls.running > 0 || !calls.isReplyOver || !calls.isToTell) return;
    calls.isToTell = false;
    const { onResults, onEndless } = this.#init;
    if (++this.#rounds <= MAX_ROUNDS) return onResults(calls.requested);
    this.#rounds = 0;
    onEndless(calls.requested);
  }
}
