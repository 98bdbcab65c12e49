/** The changes of an agent in its call: updates, and handoffs to another agent. @module */
import type { Component, ComponentContext } from "../inference/contracts/component.ts";
import type { HandoffHistory, Take } from "../inference/pipelines/pipeline.ts";
import type { ToolLedger } from "../inference/reply/tool_ledger.ts";
import type { ToolRun } from "../inference/reply/tool_run.ts";
import type { Report } from "../events/user_code.ts";
import type { AgentContext, AgentUpdate, HandoffOptions } from "./agent_context.ts";
import type { ConversationOptions } from "./conversation_options.ts";
import { ClosedError } from "../edge/errors.ts";
import { attempt } from "../events/user_code.ts";
import { limitTime, waitFor } from "../events/waiting.ts";
import { AgentHandoffEvent, AgentUpdatedEvent } from "../inference/contracts/events.ts";
import { ToolExecutor } from "../inference/reply/tool_executor.ts";
import { changesOf, checkHandoff, checkUpdate } from "./agent_update.ts";
import { followedHook, isInHook } from "./history_hook.ts";
import { ComponentLeases } from "./component_leases.ts";
import { componentsOf, type ConversationSettings, settingsOf } from "./conversation_settings.ts";
import { isRealtime } from "./conversation_options.ts";
import { noLLM } from "../inference/pipelines/missing_components.ts";

/** How long other models may take to start. */
const START_LIMIT_MS = 30_000;

/** The conversation that is changed. */
export interface ChangedConversation {
  agent: AgentContext;
  toolLedger: ToolLedger;
  /** Prepares other components; see `Pipeline.prepare`. */
  prepare: (
    settings: ConversationSettings,
    history?: HandoffHistory,
    run?: ToolRun,
  ) => Promise<Take>;
  /** Called when other components were taken. */
  onTaken: (settings: ConversationSettings) => void;
  /** Resolves when a person is there; rejects when the conversation is over. */
  untilPerson: (signal: AbortSignal) => Promise<unknown> | undefined;
  /** Has the next agent reply. */
  reply: (run: ToolRun) => void;
  emit: (event: object) => void;
}

/**
 * What an agent converses with, and its changes: one after the other, in the order in which they were
 * asked for. What a change brings is started before it is taken, so that one that fails changes nothing;
 * what it replaces is closed when nothing uses it any more.
 */
export class ConversationChanges {
  readonly #report: Report;
  readonly #leases = new ComponentLeases();
  readonly #closing = new AbortController();
  readonly #opened = Promise.withResolvers<ChangedConversation>();
  /** The options of the agent to which no one has handed over. */
  #base: Pick<ConversationSettings, "options" | "instructions">;
  #settings: ConversationSettings;
  #components: readonly Component[];
  readonly #receivesVideo: boolean;
  #context: ComponentContext | undefined;
  #latest: Promise<unknown> = Promise.resolve();

  constructor(settings: ConversationSettings, report: Report) {
    this.#report = report;
    this.#base = this.#settings = settings;
    this.#components = componentsOf(settings);
    this.#receivesVideo = settings.llm.acceptsImages ?? false;
    this.#opened.promise.catch(() => {});
  }

  /** What the agent converses with now. */
  get settings(): ConversationSettings {
    return this.#settings;
  }

  /** Starts the components. */
  async start(context: ComponentContext): Promise<void> {
    this.#context = context;
    await this.#leases.take(this.#components, context);
  }

  /** The conversation can be changed from now on. */
  opened(conversation: ChangedConversation): void {
    this.#opened.resolve(conversation);
  }

  /** Changes the agent; see `Agent.update`. */
  async update(update: AgentUpdate): Promise<void> {
    checkUpdate(update);
    // Before the agent joins there is nothing to replace.
    if (!this.#context) return this.#set(this.#updated(update));
    await this.#enqueue(async (conversation) => {
      const settings = this.#updated(update);
      await this.#replace(conversation, settings);
      const changed = Object.keys(update).filter((name) =>
        update[name as keyof AgentUpdate] !== undefined
      );
      conversation.emit(new AgentUpdatedEvent({ changed }));
    });
  }

  /**
   * Hands over to another agent, as a tool says where there is a `run`; see `Agent.handoff`.
   *
   * @param options.check throws where it must not be done any more
   */
  async handoff(
    to: HandoffOptions,
    { run, check }: { run?: ToolRun; check?: () => void } = {},
  ): Promise<void> {
    checkHandoff(to);
    const { name, instructions, onEnter } = to;
    const history = followedHook(to.history ?? "all", this);
    await this.#enqueue(async (conversation) => {
      check?.();
      this.#checkKind(to);
      const options: ConversationOptions = { ...this.#base.options, tools: [], ...changesOf(to) };
      const before = this.#settings;
      const settings = settingsOf(options, { instructions, agentName: name, before });
      this.#check(settings);
      await this.#replace(conversation, settings, { history, run });
      const { user } = conversation.agent;
      const from = before.agentName ?? user.name ?? user.id;
      conversation.emit(new AgentHandoffEvent({ from, to: name, call: run?.call }));
      this.#enter(conversation, { onEnter, run });
    });
  }

  /** Whether another agent has taken over. */
  get isHandedOver(): boolean {
    return this.#settings.agentName !== undefined;
  }

  /** Changes nothing any more. */
  close(): void {
    const error = new ClosedError("the agent");
    this.#closing.abort(error);
    this.#opened.reject(error);
  }

  /** Closes all components. */
  async release(): Promise<void> {
    await this.#latest;
    if (!this.#context) return;
    await this.#leases.releaseAll({ clock: this.#context.clock, report: this.#report });
  }

  #updated(update: AgentUpdate): ConversationSettings {
    const before = this.#settings;
    const { agentName } = before;
    const { instructions = before.instructions } = update;
    this.#checkKind(update);
    const options = { ...before.options, ...changesOf(update) };
    const settings = settingsOf(options, { instructions, agentName, before });
    this.#check(settings);
    return settings;
  }

  /** Runs one change after the other. */
  async #enqueue(act: (conversation: ChangedConversation) => Promise<void>): Promise<void> {
    this.#closing.signal.throwIfAborted();
    if (isInHook(this)) {
      throw new TypeError(
        "the agent cannot be changed in the hook history, since its handoff waits for the hook: " +
          "change it in onEnter, or before the handoff",
      );
    }
    const done = this.#latest.then(async () => {
      const conversation = await this.#opened.promise;
      this.#closing.signal.throwIfAborted();
      await act(conversation);
    });
    this.#latest = done.catch(() => {});
    await done;
  }

  /** Puts other settings in the place of those there are. Rejects, with nothing changed, where it cannot. */
  async #replace(
    conversation: ChangedConversation,
    settings: ConversationSettings,
    handoff?: { history: HandoffHistory; run: ToolRun | undefined },
  ): Promise<void> {
    const { toolLedger, agent, prepare, onTaken } = conversation;
    const { clock, logger } = agent;
    const closing = { clock, report: this.#report };
    const executor = new ToolExecutor(settings.options.tools ?? [], { clock, logger });
    const components = componentsOf(settings);
    const before = this.#components;
    using limit = limitTime("starting the new parts", {
      timeoutMs: START_LIMIT_MS,
      signals: [this.#closing.signal],
      clock,
    });
    await this.#leases.take(components, { ...this.#context!, signal: limit.signal });
    let take: Take;
    try {
      const preparing = prepare(settings, handoff?.history, handoff?.run);
      take = await waitFor(preparing, "preparing", { signal: this.#closing.signal, clock });
    } catch (error) {
      await this.#leases.release(components, closing);
      throw error;
    }
    this.#set(settings);
    this.#components = components;
    toolLedger.use(executor, { isHandoff: handoff !== undefined });
    const released = take({ isHandoff: handoff !== undefined });
    onTaken(settings);
    attempt(
      async () => {
        await released;
        await this.#leases.release(before, closing);
      },
      (error) => this.#report(error, "closing what was replaced"),
    );
  }

  #set(settings: ConversationSettings): void {
    this.#settings = settings;
    if (settings.agentName === undefined) this.#base = settings;
    if (!this.#context) this.#components = componentsOf(settings);
  }

  /** Lets the next agent begin, when the tool that handed over has its result. */
  #enter(
    { agent, reply, untilPerson }: ChangedConversation,
    { onEnter, run }: { onEnter: HandoffOptions["onEnter"]; run: ToolRun | undefined },
  ): void {
    const { signal } = this.#closing;
    attempt(async () => {
      await run?.ended;
      if (signal.aborted || run?.isInText) return;
      if (!onEnter) return run && reply(run);
      await untilPerson(signal);
      if (!signal.aborted) await onEnter(agent);
    }, (error) => signal.aborted || this.#report(error, "handoff: onEnter"));
  }

  /** Throws a TypeError for a realtime model in the place of a text model, and the other way round. */
  #checkKind({ llm }: AgentUpdate): void {
    if (typeof llm !== "object" || llm === null) return;
    const before = this.#settings.llm;
    const isNow = isRealtime(before);
    if (isRealtime(llm) === isNow) return;
    throw new TypeError(
      before === noLLM
        ? `llm: the agent has no model, and ${llm.name} is a realtime model, which cannot join a ` +
          "call under way: create the agent with it"
        : `llm: the agent was created with a ${isNow ? "realtime" : "text"} model, whose place ` +
          `${llm.name} cannot take in a call: it is of the other kind`,
    );
  }

  /** Throws a TypeError for what goes together with other options, and cannot be changed alone. */
  #check({ llm, options }: ConversationSettings): void {
    const { llm: before, options: optionsBefore } = this.#settings;
    if (llm.acceptsImages && !this.#receivesVideo) {
      throw new TypeError(
        `llm: ${llm.name} accepts images, and this agent receives none, since the llm that it was ` +
          "created with accepts none",
      );
    }
    if (mixes(options) !== mixes(optionsBefore)) {
      throw new TypeError("turnHandling.mixSpeakers cannot be changed in a call");
    }
    if (isRealtime(llm) && isRealtime(before) && llm.inputRate !== before.inputRate) {
      throw new TypeError(
        `llm: ${llm.name} takes ${llm.inputRate} samples per second, and the one in use ` +
          `${before.inputRate}: expected the same rate`,
      );
    }
  }
}

function mixes({ turnHandling }: ConversationOptions): boolean {
  return turnHandling?.mixSpeakers ?? false;
}
