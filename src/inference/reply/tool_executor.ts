import type { Participant } from "../../edge/types.ts";
import type { ToolCall } from "../contracts/messages.ts";
import { type Tool, type ToolResult, toolText } from "../contracts/tool.ts";
import { type Clock, systemClock } from "../../events/clock.ts";
import { type Logger, silentLogger } from "../../events/logger.ts";
import { promised } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { type ArgumentCheck, argumentCheck } from "../schema/argument_check.ts";
import { messageOf } from "../../events/error_text.ts";

/** How a call of a tool went. */
export interface ToolReport {
  readonly call: ToolCall;
  readonly result: ToolResult;
  readonly durationMs: number;
}

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
  readonly #onCall: (report: ToolReport) => void;

  constructor(
    tools: Iterable<Tool>,
    options: { clock?: Clock; logger?: Logger; onCall?: (report: ToolReport) => void } = {},
  ) {
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#onCall = options.onCall ?? (() => {});
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

  /** Calls a tool within its time limit. Rejects only with the signal's reason. */
  async call(
    call: ToolCall,
    options: { signal: AbortSignal; participant: Participant | undefined },
  ): Promise<ToolResult> {
    const startedAt = this.#clock.now();
    const result = await this.#run(call, options);
    options.signal.throwIfAborted();
    this.#onCall({ call, result, durationMs: this.#clock.now() - startedAt });
    return result;
  }

  async #run(
    call: ToolCall,
    { signal, participant }: { signal: AbortSignal; participant: Participant | undefined },
  ): Promise<ToolResult> {
    const tool = this.#tools.get(call.name);
    if (!tool) {
      const known = [...this.#tools.keys()].join(", ") || "none";
      return failure(`there is no tool ${JSON.stringify(call.name)}; there are: ${known}`);
    }
    const wrong = call.inputError ?? this.#faultOf(tool, call.input);
    if (wrong) return failure(wrong);
    const limit = new AbortController();
    try {
      const running = promised(() =>
        tool.execute(call.input as never, {
          signal: AbortSignal.any([signal, limit.signal]),
          participant,
        })
      );
      const value = await waitFor(running, `the tool ${tool.name}`, {
        timeoutMs: tool.timeoutMs,
        signal,
        clock: this.#clock,
      });
      const text = toolText(value);
      return { text: shorten(text), isError: false };
    } catch (error) {
      limit.abort(error);
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
    if (complained.has(tool)) return;
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

function failure(message: string): ToolResult {
  return { text: shorten(`error: ${message}`), isError: true };
}

function shorten(text: string): string {
  return text.length <= MAX_RESULT_CHARS ? text : `${text.slice(0, MAX_RESULT_CHARS)} [cut off]`;
}
