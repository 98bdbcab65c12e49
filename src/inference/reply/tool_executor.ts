/** Runs tools: checks their arguments, limits their time, keeps what they throw. @module */
import type { Participant } from "../../edge/types.ts";
import type { ToolCall } from "../contracts/messages.ts";
import {
  type Tool,
  type ToolAgent,
  ToolOutput,
  type ToolResult,
  toolText,
} from "../contracts/tool.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { type Logger, silentLogger } from "../../events/logger.ts";
import { promised } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { type ArgumentCheck, argumentCheck } from "../schema/argument_check.ts";
import { standardArguments } from "../schema/standard_check.ts";
import { messageOf } from "../../events/error_text.ts";
import { Handoff } from "./handoff.ts";

/** Options for a call of a tool. */
export interface ToolCallOptions {
  /** Aborts the tool, which may take no notice. */
  signal: AbortSignal;
  /** Aborted when its outcome is not waited for any more. Default: it is waited for as long as it may take. */
  closing?: AbortSignal;
  /** The participant the reply is for, where known. */
  participant: Participant | undefined;
  /** The agent, for the tool. Default: there is none. */
  agent?: ToolAgent;
  /** Called before the tool acts, and waited for; it does not act when this rejects. */
  onStarted?: () => void | Promise<void>;
  /** Called when the tool reports how far it is. */
  onProgress?: (text: string) => void;
  /** Called when its time is up: whether it acts is not known. */
  onTimeUp?: () => void;
  /** Called when the tool ends after its time was up: with its outcome, without where it failed. */
  onLate?: (outcome: ToolOutcome | undefined) => void;
}

/** The outcome of a call: its result, unless the tool hands the call over. */
export type ToolOutcome = ToolResult & { readonly handoff?: Handoff };

/** A tool's result may be no longer than this: it is read by a model, aloud as a rule. */
const MAX_RESULT_CHARS = 20_000;

/** Tools whose schemas were logged: once per program, however many calls it joins. */
const complained = new WeakSet<Tool>();

/** The tools of an agent, by name. Calling one never throws: what goes wrong is its result. */
export class ToolExecutor {
  readonly #tools = new Map<string, Tool>();
  readonly #checks = new Map<Tool, ArgumentCheck>();
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor(tools: Iterable<Tool>, options: { clock?: Clock; logger?: Logger } = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.add(tools);
  }

  /**
   * Adds tools. Logs the parts of their schemas that cannot be checked, once for each tool.
   *
   * @throws {TypeError} there is one of the same name.
   */
  add(tools: Iterable<Tool>): void {
    for (const tool of tools) {
      if (this.#tools.has(tool.name)) {
        throw new TypeError(`there are two tools named ${JSON.stringify(tool.name)}`);
      }
      this.#tools.set(tool.name, tool);
      this.#logFaults(tool);
    }
  }

  /** All tools, in the order in which they were added. */
  get tools(): readonly Tool[] {
    return [...this.#tools.values()];
  }

  /** Returns the tool of this name, if there is one. */
  get(name: string): Tool | undefined {
    return this.#tools.get(name);
  }

  /** Calls a tool within its time limit. Never rejects. */
  async call(call: ToolCall, options: ToolCallOptions): Promise<ToolOutcome> {
    const tool = this.#tools.get(call.name);
    if (!tool) {
      const known = [...this.#tools.keys()].join(", ") || "none";
      return failure(`there is no tool ${JSON.stringify(call.name)}; there are: ${known}`);
    }
    const { argumentSchema } = tool;
    const wrong = call.inputError ??
      (argumentSchema === undefined ? this.#faultOf(tool, call.input) : undefined);
    if (wrong) return failure(wrong);
    const { participant, agent = noAgent, onStarted, onProgress, onTimeUp, onLate, closing } =
      options;
    let isOver = false;
    const limit = new AbortController();
    const signal = AbortSignal.any([options.signal, limit.signal]);
    const running = promised(async () => {
      const input = argumentSchema === undefined
        ? call.input
        : await standardArguments(argumentSchema, call.input);
      await onStarted?.();
      // What takes too long to record, or was interrupted meanwhile, does not begin.
      signal.throwIfAborted();
      return await tool.execute(input as never, {
        callId: call.id,
        signal,
        participant,
        agent,
        progress: (text) => onProgress?.(String(text)),
      });
    }).then(outcomeOf).finally(() => isOver = true);
    try {
      const { timeoutMs } = tool;
      const limits = { timeoutMs, signal: closing, clock: this.#clock };
      return await waitFor(running, `the tool ${tool.name}`, limits);
    } catch (error) {
      limit.abort(error);
      if (!isOver) {
        onTimeUp?.();
        running.then((outcome) => onLate?.(outcome), () => onLate?.(undefined));
      }
      return failure(messageOf(error));
    }
  }

  /** Returns the fault of the arguments. The schema may come from another program. */
  #faultOf(tool: Tool, input: unknown): string | undefined {
    try {
      const wrong = this.#checkOf(tool)(input);
      return wrong && `the arguments do not fit: ${wrong}`;
    } catch (error) {
      return `the arguments of ${tool.name} cannot be checked: ${messageOf(error)}`;
    }
  }

  #checkOf(tool: Tool): ArgumentCheck {
    const check = this.#checks.get(tool) ?? argumentCheck(tool.parameters);
    this.#checks.set(tool, check);
    return check;
  }

  /** Logs the faults of a schema, so that developers see them before the model calls the tool. */
  #logFaults(tool: Tool): void {
    if (complained.has(tool) || tool.argumentSchema !== undefined) return;
    try {
      const { unchecked } = this.#checkOf(tool);
      if (unchecked.length === 0) return;
      this.#logger.warn(
        `the tool ${tool.name}: its arguments are not checked against ${unchecked.join("; ")}`,
      );
    } catch (error) {
      this.#logger.warn(`the tool ${tool.name} cannot be called: ${messageOf(error)}`);
    }
    complained.add(tool);
  }
}

/** What a tool has that is called without an agent. */
const noAgent: ToolAgent = {
  say: () => Promise.reject(new TypeError("there is no agent")),
  hangUp: () => Promise.reject(new TypeError("there is no agent")),
  update: () => Promise.reject(new TypeError("there is no agent")),
};

function outcomeOf(value: unknown): ToolOutcome {
  return value instanceof Handoff ? { text: "", isError: false, handoff: value } : success(value);
}

/** Returns the outcome of a call that failed, for the reason in the message. */
export function failure(message: string): ToolResult {
  return { text: shorten(`error: ${message}`), isError: true };
}

/** Returns the outcome of a call that succeeded, with this value. */
export function success(value: unknown): ToolResult {
  if (!(value instanceof ToolOutput)) return { text: shorten(toolText(value)), isError: false };
  const { text, images } = value;
  return { text: shorten(text), isError: false, ...images.length > 0 ? { images } : {} };
}

function shorten(text: string): string {
  return text.length <= MAX_RESULT_CHARS ? text : `${text.slice(0, MAX_RESULT_CHARS)} [cut off]`;
}
