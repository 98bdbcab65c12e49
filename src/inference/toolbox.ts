import type { Participant } from "../edge/types.ts";
import type { ToolCall } from "./messages.ts";
import { type Tool, type ToolResult, toolText } from "./tool.ts";
import { type Clock, systemClock } from "../events/clock.ts";
import { promised } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";
import { type ArgumentCheck, argumentCheck } from "./argument_check.ts";

/** How a call of a tool went. */
export interface ToolReport {
  readonly call: ToolCall;
  readonly result: ToolResult;
  readonly durationMs: number;
}

/** A tool's result may be no longer than this: it is read by a model, aloud as a rule. */
const MAX_RESULT_CHARS = 20_000;

/** The tools of an agent, by name. Calling one never throws: what goes wrong is its result. */
export class Toolbox {
  readonly #tools = new Map<string, Tool>();
  readonly #checks = new Map<Tool, ArgumentCheck>();
  readonly #clock: Clock;
  readonly #onCall: (report: ToolReport) => void;

  constructor(
    tools: Iterable<Tool>,
    options: { clock?: Clock; onCall?: (report: ToolReport) => void } = {},
  ) {
    this.#clock = options.clock ?? systemClock;
    this.#onCall = options.onCall ?? (() => {});
    this.add(tools);
  }

  /**
   * Adds tools.
   *
   * @throws {TypeError} there is one of the same name.
   */
  add(tools: Iterable<Tool>): void {
    for (const tool of tools) {
      if (this.#tools.has(tool.name)) {
        throw new TypeError(`there are two tools named ${JSON.stringify(tool.name)}`);
      }
      this.#tools.set(tool.name, tool);
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
    const wrong = this.#wrongWith(tool, call.input);
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
      return failure(error instanceof Error ? error.message : String(error));
    }
  }

  /** What is wrong with the arguments. The schema may be another program's, and anything. */
  #wrongWith(tool: Tool, input: unknown): string | undefined {
    try {
      const check = this.#checks.get(tool) ?? argumentCheck(tool.parameters);
      this.#checks.set(tool, check);
      const wrong = check(input);
      return wrong && `the arguments do not fit: ${wrong}`;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return `the arguments of ${tool.name} cannot be checked: ${reason}`;
    }
  }
}

function failure(message: string): ToolResult {
  return { text: shorten(`error: ${message}`), isError: true };
}

function shorten(text: string): string {
  return text.length <= MAX_RESULT_CHARS ? text : `${text.slice(0, MAX_RESULT_CHARS)} [cut off]`;
}
