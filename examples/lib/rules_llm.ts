import type { ChatMessage, JsonValue, LLM, LLMPart, LLMRequest } from "@ringline/edge";

/** What follows from a participant's words: text, or a tool whose result is put into words. */
export type RuleResult =
  | string
  | { readonly tool: string; readonly input: JsonValue; readonly say: (result: string) => string };

/** A rule: what it listens for, and what it answers. */
export interface Rule {
  readonly when: RegExp;
  readonly then: (found: RegExpExecArray, messages: readonly ChatMessage[]) => RuleResult;
}

/** A language model of plain rules, behind the same contract as a real one; the first rule wins. */
export class RulesLLM implements LLM {
  readonly name = "rules";
  readonly #rules: readonly Rule[];
  readonly #otherwise: string;

  constructor(rules: readonly Rule[], otherwise: string) {
    this.#rules = rules;
    this.#otherwise = otherwise;
  }

  async *generate({ messages, signal }: LLMRequest): AsyncGenerator<LLMPart, void, void> {
    const last = messages.findLastIndex(({ role }) => role === "user");
    const result = this.#apply(messages[last]?.text ?? "", messages.slice(0, last));
    if (typeof result === "string") {
      // Word by word, as models do.
      for (const word of result.match(/\S+\s*/g) ?? []) {
        signal.throwIfAborted();
        yield { type: "text", text: word };
        await Promise.resolve();
      }
      return;
    }
    const done = messages.slice(last).find((one) => one.role === "tool");
    if (done) yield { type: "text", text: done.isError ? "That failed." : result.say(done.text) };
    else {
      const { tool: name, input } = result;
      yield { type: "tool-call", call: { id: crypto.randomUUID(), name, input } };
    }
  }

  #apply(text: string, messages: readonly ChatMessage[]): RuleResult {
    for (const { when, then } of this.#rules) {
      const found = when.exec(text.toLowerCase());
      if (found) return then(found, messages);
    }
    return this.#otherwise;
  }
}
