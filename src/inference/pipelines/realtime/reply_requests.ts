/** What a realtime model is asked to say: one reply at a time, in order. @module */
import type { Clock } from "../../../events/clock.ts";
import type { RealtimeSession } from "../../contracts/realtime_llm.ts";
import { backOffMs } from "../../../events/retry.ts";
import { attempt, type Report } from "../../../events/user_code.ts";
import { InferenceError } from "../../contracts/errors.ts";
import { RequestedReply, type RequestedReplyOptions } from "./requested_reply.ts";

/** How many requests may wait. */
const MAX_WAITING = 32;
/** How long requests wait for a model that cannot be reached. */
const UNREACHABLE_LIMIT_MS = 30_000;
/** How long a request waits for the first event of its reply. */
const START_LIMIT_MS = 10_000;
/** A person who speaks is not waited for longer than this. */
const SPEECH_LIMIT_MS = 3000;
/** After a person's turn the model begins its own reply within this time. */
const OWN_REPLY_MS = 300;
/** A reply that was begun so soon after a result may have been begun without it. */
const UNSEEN_RESULT_MS = 500;
/** How often a request is made, at most. */
const MAX_TRIES = 5;
/** How often a request that gets no reply is made. */
const MAX_SILENT_TRIES = 2;

/** What is to be said. */
export interface ReplyRequestInit {
  /** Sends it to the model. */
  readonly send: (session: RealtimeSession, id: string) => unknown;
  /** The application's reply that it is a part of, if any. */
  readonly reply?: RequestedReply;
}

interface ReplyRequest extends ReplyRequestInit {
  readonly addedMs: number;
  /** Whether it continues a reply after its tools: a reply of the model's own does that too. */
  readonly isContinuation: boolean;
  /** Whether it is for a person's turn, of which the next session is told. */
  readonly isToTurn: boolean;
  tries: number;
  silentTries: number;
}

/** Asks for a reply to the conversation. */
const requestReply: ReplyRequestInit["send"] = (session, id) => session.requestReply({ id });

/** What {@linkcode ReplyRequests} needs. */
export interface ReplyRequestsInit {
  clock: Clock;
  /** The model's name. */
  name: string;
  /** Returns the session; `undefined` while there is none. */
  session: () => RealtimeSession | undefined;
  /** Whether enough waits to be played: no more is to be generated before that. */
  isAhead: () => boolean;
  report: Report;
}

/**
 * The replies that a realtime model is asked for. Services refuse a request while a reply is in
 * progress, so each waits until the one before has ended, and while a person speaks. Each is begun,
 * interrupted or fails: its caller always gets an outcome. Requests that a lost session leaves are made
 * again in the next.
 */
export class ReplyRequests {
  readonly #init: ReplyRequestsInit;
  readonly #waiting: ReplyRequest[] = [];
  readonly #open = new Set<RequestedReply>();
  #asked: { readonly id: string; readonly request: ReplyRequest } | undefined;
  #count = 0;
  /** The reply in progress, and the request for it, if there was one. */
  #active: { readonly replyId: string; readonly request: ReplyRequest | undefined } | undefined;
  /** Nothing is asked for before this time. */
  #heldUntilMs = 0;
  #heldTimer: Disposable | undefined;
  #startTimer: Disposable | undefined;
  #unreachableTimer: Disposable | undefined;
  #isClosed = false;

  constructor(init: ReplyRequestsInit) {
    this.#init = init;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether the model is asked for a reply, or generates one. */
  get isBusy(): boolean {
    return this.#asked !== undefined || this.#active !== undefined;
  }

  /** Whether a reply to the conversation waits, besides what the application asked for. */
  get repliesNext(): boolean {
    return this.#waiting.some(({ send }) => send === requestReply);
  }

  /** The id of the reply in progress, where the next session is to be asked for it; `undefined` where not. */
  get requestedId(): string | undefined {
    const { request, replyId } = this.#active ?? {};
    return request && !request.isToTurn ? replyId : undefined;
  }

  /** Whether the model generates what people cannot interrupt. */
  get isProtected(): boolean {
    const generated = this.#asked?.request ?? this.#active?.request;
    return generated?.reply?.isProtected ?? false;
  }

  /** What the model was asked for that people cannot interrupt. */
  get protected(): readonly RequestedReply[] {
    return [...this.#open].filter(({ isProtected }) => isProtected);
  }

  /**
   * Asks for a reply after those before, and returns it.
   *
   * @param options.isFirst asks before anything else that waits
   * @throws {RangeError} too many wait.
   */
  add(
    send: ReplyRequestInit["send"],
    options: RequestedReplyOptions & { isFirst?: boolean } = {},
  ): RequestedReply {
    const reply = new RequestedReply(options);
    if (this.#waiting.length >= MAX_WAITING) {
      reply.interrupt();
      throw new RangeError(
        `speech queue full (${MAX_WAITING} waiting): await say() or interrupt() first`,
      );
    }
    reply.hold();
    this.#open.add(reply);
    reply.done.catch(() => {}).then(() => this.#open.delete(reply));
    if (this.#isClosed) reply.interrupt();
    else if (options.isFirst) this.#waiting.unshift(this.#request({ send, reply }));
    else this.#waiting.push(this.#request({ send, reply }));
    this.next();
    return reply;
  }

  /** Asks the model to reply to the conversation, before anything else that waits. */
  addFirst(
    { reply, isContinuation, isToTurn = false }: {
      reply?: RequestedReply;
      isContinuation: boolean;
      isToTurn?: boolean;
    },
  ): void {
    const other = isContinuation && this.#waiting.find((one) => one.isContinuation);
    // One reply tells of all results.
    if (this.#isClosed || (other && (!reply || other.reply === reply))) return;
    reply?.hold();
    const request = this.#request({ send: requestReply, reply });
    this.#waiting.unshift({ ...request, isContinuation, isToTurn });
    this.next();
  }

  /** A person began to speak: they are let finish. */
  speechStarted(): void {
    this.#hold(SPEECH_LIMIT_MS);
  }

  /** They stopped: the model replies, unless it has to be asked. */
  speechStopped({ awaitsReply }: { awaitsReply: boolean }): void {
    this.#heldUntilMs = 0;
    if (awaitsReply) this.addFirst({ isContinuation: false, isToTurn: true });
    else this.#hold(OWN_REPLY_MS);
  }

  /**
   * A reply began. Returns the application's reply that it is a part of, if any: its caller releases
   * that when the part has ended.
   */
  started(replyId: string, requestId: string | undefined): RequestedReply | undefined {
    const asked = this.#asked?.id === requestId ? this.#asked : undefined;
    this.#active = { replyId, request: asked?.request };
    if (asked) {
      this.#forgetAsked();
      return asked.request.reply;
    }
    this.#heldUntilMs = 0;
    this.#dropContinuations();
    return undefined;
  }

  /** A request was refused. */
  refused(requestId: string, error: InferenceError): void {
    const asked = this.#asked;
    if (!asked || asked.id !== requestId) return;
    this.#forgetAsked();
    this.#again(asked.request, error);
  }

  /** A reply is over for the model. */
  ended(replyId: string): void {
    if (this.#active?.replyId !== replyId) return;
    this.#active = undefined;
    this.next();
  }

  /**
   * A reply failed before anything of it was heard: it is asked for again, if that makes sense. Returns whether
   * it was the one in progress.
   */
  failed(replyId: string, error: InferenceError): boolean {
    const active = this.#active;
    if (active?.replyId !== replyId) return false;
    this.#active = undefined;
    this.#again(active.request ?? this.#request({ send: requestReply }), error);
    return true;
  }

  /** The session was lost: what was asked for and has not begun is asked for again. */
  lost(): void {
    const asked = this.#asked;
    this.#forgetAsked();
    this.#active = undefined;
    if (asked) this.#waiting.unshift(asked.request);
    const waiting = this.#waiting.splice(0);
    this.#waiting.push(...waiting.filter(({ isToTurn }) => !isToTurn));
    this.#heldUntilMs = 0;
    this.next();
  }

  /** There is a session again. */
  connected(): void {
    this.#unreachableTimer?.[Symbol.dispose]();
    this.#unreachableTimer = undefined;
    this.next();
  }

  /**
   * Drops what has not begun, but for what people cannot interrupt, and what is not said. A reply to a
   * request that was made may begin all the same.
   *
   * @param options.all drops what people cannot interrupt, too
   */
  interrupt({ all = false } = {}): void {
    const isKept = ({ reply }: ReplyRequest) =>
      !this.#isClosed && (reply?.inText || !all && reply?.allowsInterruption === false);
    const waiting = this.#waiting.splice(0);
    this.#waiting.push(...waiting.filter(isKept));
    for (const { reply } of waiting.filter((one) => !isKept(one))) reply?.interrupt();
    if (this.#asked && !isKept(this.#asked.request)) this.#asked.request.reply?.interrupt();
  }

  /**
   * Resolves when all that the application has asked for so far was said, or cannot be; what ends the call
   * is not waited for.
   */
  async settled(): Promise<void> {
    const others = [...this.#open].filter(({ runs }) => !runs.some(({ endsCall }) => endsCall));
    await Promise.allSettled(others.map(({ done }) => done));
  }

  /** Ends it: nothing more is asked for, and no caller waits any longer. */
  close(): void {
    this.#isClosed = true;
    this.interrupt({ all: true });
    this.#forgetAsked();
    for (const reply of this.#open) reply.interrupt();
    this.#heldTimer?.[Symbol.dispose]();
    this.#unreachableTimer?.[Symbol.dispose]();
  }

  /** Sends the next request, if this is the time. */
  next(): void {
    const { session, isAhead, clock } = this.#init;
    const isStale = ({ reply, isContinuation }: ReplyRequest) =>
      !isContinuation && (reply?.isInterrupted || reply && reply.staleAtMs <= clock.now());
    for (const stale of this.#waiting.filter(isStale)) {
      this.#waiting.splice(this.#waiting.indexOf(stale), 1);
      stale.reply!.interrupt();
    }
    if (this.#waiting.length === 0 || this.isBusy || this.#isClosed) return;
    const current = session();
    if (!current) return this.#expectSession();
    const waitMs = this.#heldUntilMs - clock.now();
    if (waitMs > 0) return this.#hold(waitMs);
    // What is not played need not wait for that.
    const at = isAhead() ? this.#waiting.findIndex(({ reply }) => reply?.inText) : 0;
    if (at < 0) return;
    const [request] = this.#waiting.splice(at, 1) as [ReplyRequest];
    request.reply?.begin();
    const id = `request-${++this.#count}`;
    this.#asked = { id, request };
    this.#startTimer = clock.schedule(() => this.#notStarted(id), START_LIMIT_MS);
    attempt(() => request.send(current, id), (error) => this.#failed(id, error));
  }

  #request(init: ReplyRequestInit): ReplyRequest {
    const addedMs = this.#init.clock.now();
    return { ...init, addedMs, isContinuation: false, isToTurn: false, tries: 0, silentTries: 0 };
  }

  #hold(ms: number): void {
    const { clock } = this.#init;
    this.#heldUntilMs = clock.now() + ms;
    this.#heldTimer?.[Symbol.dispose]();
    this.#heldTimer = clock.schedule(() => this.next(), ms);
  }

  #forgetAsked(): void {
    this.#asked = undefined;
    this.#startTimer?.[Symbol.dispose]();
  }

  /** Repeats a request that was refused, if that makes sense. */
  #again(request: ReplyRequest, error: InferenceError): void {
    if (!error.retryable || ++request.tries >= MAX_TRIES) {
      this.#reject(request, error);
      return this.next();
    }
    this.#waiting.unshift(request);
    // The reply in progress ends the wait where there is one.
    if (this.#active) return this.#hold(0);
    const heldMs = this.#heldUntilMs - this.#init.clock.now();
    this.#hold(Math.max(heldMs, backOffMs(request.tries, { firstMs: 250 })));
  }

  #notStarted(id: string): void {
    const { name } = this.#init;
    const asked = this.#asked;
    if (asked?.id !== id) return;
    this.#forgetAsked();
    const { request } = asked;
    const isLast = ++request.silentTries >= MAX_SILENT_TRIES;
    const message = `${name}: no reply was begun within ${START_LIMIT_MS} ms`;
    this.#again(request, new InferenceError(message, { code: "timeout", retryable: !isLast }));
  }

  #failed(id: string, error: unknown): void {
    const asked = this.#asked;
    if (asked?.id !== id) return;
    this.#forgetAsked();
    this.#reject(asked.request, error);
    this.next();
  }

  #reject({ reply }: ReplyRequest, error: unknown): void {
    if (reply) reply.fail(error);
    else this.#init.report(error, `asking ${this.#init.name} for a reply`);
  }

  /** Waits for a session, for so long. */
  #expectSession(): void {
    const { clock, name } = this.#init;
    this.#unreachableTimer ??= clock.schedule(() => {
      this.#unreachableTimer = undefined;
      const message = `${name}: cannot be reached for ${UNREACHABLE_LIMIT_MS} ms`;
      for (const { reply } of this.#waiting.splice(0)) {
        reply?.fail(new InferenceError(message, { code: "unreachable", retryable: true }));
      }
    }, UNREACHABLE_LIMIT_MS);
  }

  /** A reply of the model's own accord began: it tells of the results that were there before. */
  #dropContinuations(): void {
    const seenMs = this.#init.clock.now() - UNSEEN_RESULT_MS;
    for (const request of [...this.#waiting]) {
      if (!request.isContinuation || request.addedMs > seenMs) continue;
      this.#waiting.splice(this.#waiting.indexOf(request), 1);
      request.reply?.release();
    }
  }
}
