/** The record of all tool calls of a conversation. @module */
import type { MessageToolCall } from "../../edge/conversation.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { Participant } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { ToolCall } from "../contracts/messages.ts";
import type { ToolAgent, ToolEnd, ToolResult, ToolStart } from "../contracts/tool.ts";
import { attempt, type Report } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { messageOf } from "../../events/error_text.ts";
import { ToolCalledEvent, ToolProgressEvent, ToolStartedEvent } from "../contracts/events.ts";
import { failure, success, type ToolExecutor, type ToolOutcome } from "./tool_executor.ts";
import type { Handoff } from "./handoff.ts";
import { recordedRun, ToolRun, UNKNOWN_OUTCOME } from "./tool_run.ts";

/** How long the tools that run may take when the conversation ends. */
const CLOSE_LIMIT_MS = 2000;

/** Agents that hand over more often than this, and no person speaks, would hand over for ever. */
const MAX_HANDOFFS = 8;

/** The application's record of its tools. */
export interface ToolHooks {
  /**
   * Called before a tool acts, and waited for, so that the application can keep a record of what has
   * begun, for another program that takes over. When it rejects, the tool does not act.
   */
  onToolStarted?: (start: ToolStart) => void | Promise<void>;
  /** Called with the outcome of each call, also when the conversation is over by then. */
  onToolEnded?: (end: ToolEnd) => void | Promise<void>;
}

/** Options for a {@linkcode ToolLedger}. */
export interface ToolLedgerInit extends ToolHooks {
  /** The tools that a model can call. */
  executor: ToolExecutor;
  /**
   * Hands the call over as a tool says; returns what its model is told.
   *
   * @param check throws where the agent whose tool it is has handed over meanwhile
   */
  onHandoff?: (handoff: Handoff, run: ToolRun, check: () => void) => Promise<string>;
  /** The agent, for its tools. */
  agent?: ToolAgent;
  /** The calls that an agent made before, in the same conversation. */
  earlier?: readonly MessageToolCall[];
  clock: Clock;
  emit: (event: object) => void;
  report: Report;
}

/** The first of several calls of one tool with the same arguments. */
interface FirstCall {
  readonly run: ToolRun;
  /** Whether it may have acted: it runs, has succeeded, or was given up. */
  mayHaveActed: boolean;
  /** How often people had spoken when another call was refused; `undefined` before one was. */
  refusedAt: number | undefined;
}

/** The tool calls of a conversation. Each has one outcome, however the reply that made it ends. */
export class ToolLedger {
  readonly #init: ToolLedgerInit;
  readonly #running = new Set<ToolRun>();
  /** Those that run, and those whose tools go on after their time was up. */
  readonly #unfinished = new Set<ToolRun>();
  readonly #ids = new Set<string>();
  readonly #firstCalls = new Map<string, FirstCall>();
  readonly #observers: ((run: ToolRun) => void)[] = [];
  #executor: ToolExecutor;
  #handoffs = 0;
  /** After how many handoffs tools came into use: whose they are. */
  readonly #agents = new WeakMap<ToolExecutor, number>();
  #turns = 0;
  /** How many tools have handed over since a person spoke. */
  #handoffsInTurn = 0;
  #isClosed = false;

  constructor(init: ToolLedgerInit) {
    this.#init = init;
    this.#executor = init.executor;
    this.use(init.executor);
    for (const call of init.earlier ?? []) {
      const run = recordedRun(call);
      this.#ids.add(call.id);
      this.#noteFirst(run, init.executor).mayHaveActed = !call.isError;
    }
  }

  /** The tools that a model can call. */
  get executor(): ToolExecutor {
    return this.#executor;
  }

  /** Uses other tools from now on; with `isHandoff` they are another agent's. */
  use(executor: ToolExecutor, { isHandoff = false }: { isHandoff?: boolean } = {}): void {
    if (isHandoff) this.#handoffs++;
    this.#executor = executor;
    this.#agents.set(executor, this.#handoffs);
  }

  /** The calls that have no outcome yet. */
  get running(): ReadonlySet<ToolRun> {
    return this.#running;
  }

  /** The calls that may have an outcome yet: those that run, and those that may succeed too late. */
  get unfinished(): ReadonlySet<ToolRun> {
    return this.#unfinished;
  }

  /** Whether there has been a call of this id. */
  has(callId: string): boolean {
    return this.#ids.has(callId);
  }

  /** Notes that a person has spoken: the model may have asked them whether to call a tool again. */
  personSpoke(): void {
    this.#turns++;
    this.#handoffsInTurn = 0;
  }

  /**
   * Notes that a tool hands the call over.
   *
   * @throws {Error} tools have done so too often since a person spoke.
   */
  handingOver(): void {
    if (this.#handoffsInTurn >= MAX_HANDOFFS) {
      throw new Error(
        `the call was handed over ${MAX_HANDOFFS} times and no person has spoken: reply to them`,
      );
    }
    this.#handoffsInTurn++;
  }

  /** Calls `observer` with each call from now on, before its tool acts. */
  observe(observer: (run: ToolRun) => void): void {
    this.#observers.push(observer);
  }

  /**
   * Starts a call. Its id becomes another one where the model has used it before.
   *
   * @param executor the tools that the model knew when it made the call
   * @param track the track of the only participant who hears the reply
   */
  start(
    call: ToolCall,
    participant: Participant | undefined,
    executor: ToolExecutor = this.#executor,
    track?: OutboundAudioTrack,
  ): ToolRun {
    const tool = executor.get(call.name);
    const run = new ToolRun(this.#withNewId(call), tool, participant, track);
    this.#running.add(run);
    this.#unfinished.add(run);
    for (const observer of this.#observers) observer(run);
    void this.#run(run, executor);
    return run;
  }

  /**
   * Ends the ledger: the tools that run may finish within two seconds; after that their outcome
   * counts as unknown, and their signals are aborted.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const run of this.#running) run.interrupt();
    const others = [...this.#running].filter(({ endsCall }) => !endsCall);
    const all = Promise.all(others.map(({ ended }) => ended));
    const { clock } = this.#init;
    await waitFor(all, "the end of the tools", { timeoutMs: CLOSE_LIMIT_MS, clock }).catch(
      () => {},
    );
    // One that waits for the end of the call goes on after it, within its own time.
    for (const run of this.#running) run.endsCall ? run.end(UNKNOWN_OUTCOME) : run.giveUp();
  }

  async #run(run: ToolRun, executor: ToolExecutor): Promise<void> {
    const { clock, agent } = this.#init;
    const { call, signal, participant } = run;
    const startedMs = clock.now();
    let ends = 0;
    run.follow((progress) => {
      if (progress !== undefined) {
        return this.#init.emit(new ToolProgressEvent({ call, text: progress }));
      }
      this.#running.delete(run);
      this.#ended(run, { durationMs: clock.now() - startedMs, late: ends++ > 0 });
    });
    const fault = this.#isClosed ? "the conversation is over" : this.#duplicateFault(run, executor);
    if (fault) {
      this.#unfinished.delete(run);
      return run.end(failure(fault));
    }
    const first = this.#noteFirst(run, executor);
    let timedOut = false;
    const outcome = await executor.call(call, {
      signal,
      closing: run.closing,
      participant,
      agent: agent && {
        say: (text) => agent.say(text),
        hangUp: (options) => {
          run.endsCall = true;
          run.lastWords = options?.say ?? "";
          return agent.hangUp(options);
        },
        update: (options) => agent.update(options),
      },
      onStarted: () => this.#started(run),
      onProgress: (text) => run.result || run.progress(text),
      onTimeUp: () => timedOut = true,
      onLate: (late) => void this.#endLate(late, run, executor),
    });
    const result = await this.#resultOf(outcome, run, executor);
    first.mayHaveActed = !result.isError || timedOut;
    if (!timedOut) this.#unfinished.delete(run);
    // What is left of one that was given up may still succeed.
    if (!run.closing.aborted || !timedOut) run.end(result);
  }

  /** Ends a call whose time was up: what fails then has failed already. */
  async #endLate(
    outcome: ToolOutcome | undefined,
    run: ToolRun,
    executor: ToolExecutor,
  ): Promise<void> {
    const result = outcome && await this.#resultOf(outcome, run, executor);
    this.#unfinished.delete(run);
    if (result) run.end(result);
  }

  /** Returns the result of a call, which hands the call over where its tool says so. Never rejects. */
  async #resultOf(
    outcome: ToolOutcome,
    run: ToolRun,
    executor: ToolExecutor,
  ): Promise<ToolResult> {
    const { handoff, ...result } = outcome;
    if (!handoff) return result;
    run.isHandoff = true;
    let isTooLate = false;
    try {
      if (!this.#init.onHandoff) throw new TypeError("there is no agent to hand over to");
      return success(
        await this.#init.onHandoff(handoff, run, () => {
          isTooLate = this.#agents.get(executor) !== this.#handoffs;
          if (isTooLate) throw new Error("the call has been handed over already");
          this.handingOver();
        }),
      );
    } catch (error) {
      run.isHandoff = isTooLate;
      return failure(messageOf(error));
    }
  }

  #noteFirst(run: ToolRun, executor: ToolExecutor): FirstCall {
    const first: FirstCall = { run, mayHaveActed: true, refusedAt: undefined };
    this.#firstCalls.set(this.#keyOf(run.call, executor), first);
    return first;
  }

  /** Records the start. Rejects when the application cannot. */
  async #started({ call, participant }: ToolRun): Promise<void> {
    const { onToolStarted, emit, report } = this.#init;
    try {
      await onToolStarted?.({ call, participant });
    } catch (error) {
      report(error, `onToolStarted; ${call.name} is not called`);
      throw new Error(`the start could not be recorded, so nothing was done: ${messageOf(error)}`);
    }
    emit(new ToolStartedEvent({ call, participant }));
  }

  #ended(
    { call, participant, result }: ToolRun,
    { durationMs, late }: { durationMs: number; late: boolean },
  ): void {
    const { onToolEnded, emit, report } = this.#init;
    const end: ToolEnd = { call, participant, result: result!, durationMs, late };
    emit(new ToolCalledEvent(end));
    attempt(() => onToolEnded?.(end), (error) => report(error, "onToolEnded"));
  }

  /** Says why a call that repeats another one is refused; `undefined` where it is not. */
  #duplicateFault({ call, tool }: ToolRun, executor: ToolExecutor): string | undefined {
    const first = this.#firstCalls.get(this.#keyOf(call, executor));
    const { onDuplicate = "allow" } = tool ?? {};
    if (!first?.mayHaveActed || onDuplicate === "allow") return undefined;
    const { run } = first;
    const outcome = run.result ? `its result was: ${run.result.text}` : "it still runs";
    const fault =
      `not called again: ${run.call.id} called it with the same arguments, and ${outcome}`;
    if (onDuplicate === "reject") return fault;
    const isConfirmed = first.refusedAt !== undefined && first.refusedAt < this.#turns;
    if (isConfirmed) return undefined;
    first.refusedAt ??= this.#turns;
    return `${fault}. Ask whether it is to be done once more, and call it again only after a yes`;
  }

  /** What calls of one agent's tool with the same arguments have in common. */
  #keyOf({ name, input }: ToolCall, executor: ToolExecutor): string {
    return `${this.#agents.get(executor)} ${name} ${JSON.stringify(sorted(input))}`;
  }

  #withNewId(call: ToolCall): ToolCall {
    let { id } = call;
    for (let count = 2; id === "" || this.#ids.has(id); count++) id = `${call.id}-${count}`;
    this.#ids.add(id);
    return id === call.id ? call : { ...call, id };
  }
}

/** The value with the properties of its objects in order. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, one]) => [
      key,
      sorted(one),
    ]),
  );
}
