/** Tool calls put together from the pieces of a stream, in the ways that services cut them. @module */
import type { JsonValue } from "../../edge/types.ts";
import type { ToolCall } from "../../inference/contracts/messages.ts";
import { messageOf } from "../../events/error_text.ts";

/** A piece of a tool call. */
export interface CallPiece {
  readonly index?: number | null;
  readonly id?: string | null;
  readonly name: string;
  readonly arguments: string;
  /** What the service wants back with the call. */
  readonly extraContent?: unknown;
}

interface PartialCall {
  readonly index: number | undefined;
  id: string;
  name: string;
  arguments: string;
  extraContent?: unknown;
}

/** A cut-off value is shown in errors up to this length. */
const MAX_SHOWN_CHARS = 80;

/** Collects the pieces of one reply's tool calls. */
export class ChatCalls {
  readonly #calls: PartialCall[] = [];
  readonly #tools: ReadonlySet<string>;

  /** @param tools the names of the tools that the model was given */
  constructor(tools: Iterable<string>) {
    this.#tools = new Set(tools);
  }

  get size(): number {
    return this.#calls.length;
  }

  /** Adds a piece to the call that it continues, or begins one. */
  add(piece: CallPiece): void {
    const call = this.#continuedBy(piece) ?? this.#begin(piece);
    if (piece.id && !call.id) call.id = piece.id;
    call.name = this.#joinNames(call.name, piece.name);
    // Some services begin with the arguments of a call that has none.
    const isPlaceholder = call.arguments === "{}" && piece.arguments !== "";
    call.arguments = isPlaceholder ? piece.arguments : call.arguments + piece.arguments;
    if (piece.extraContent != null) call.extraContent = piece.extraContent;
  }

  /**
   * Returns the calls, each with an id that no other call of the conversation has. Arguments that
   * cannot be read are told to the model, and do not cost the other calls.
   *
   * @param usedIds the ids of the conversation's earlier calls
   * @param message fields of the message that the service wants back with its calls
   */
  finish(usedIds: Iterable<string>, message?: Readonly<Record<string, unknown>>): ToolCall[] {
    const used = new Set(usedIds);
    return this.#calls.map(({ id, name, arguments: text, extraContent }, index) => {
      const unique = id === "" || used.has(id) ? newId() : id;
      used.add(unique);
      const metadata = {
        ...extraContent === undefined ? {} : { extra_content: extraContent },
        ...index === 0 && message ? { message } : {},
      } as JsonValue & object;
      return {
        id: unique,
        name,
        ...readArguments(text),
        ...Object.keys(metadata).length > 0 ? { metadata } : {},
      };
    });
  }

  /**
   * Returns the call that a piece continues. Services disagree: some give each call an index, from 0
   * or from 1, some all of them 0, some none; some repeat the id and the name in each piece; some send
   * an empty id.
   */
  #continuedBy({ index, id, name, arguments: text }: CallPiece): PartialCall | undefined {
    const last = index == null
      ? this.#calls.at(-1)
      : this.#calls.findLast((call) => call.index === index);
    if (!last) return undefined;
    if (id && last.id && id !== last.id) return undefined;
    if (name === "") return last;
    // Without an index calls come whole, as a rule; what repeats the id continues.
    if (index == null && !(id && id === last.id)) return undefined;
    const isComplete = isJsonObject(last.arguments);
    if (isComplete && text.trim() !== "") return undefined;
    // A name after a whole other one begins the next call.
    const isOther = this.#tools.has(last.name) && this.#tools.has(name) && name !== last.name &&
      !this.#tools.has(last.name + name);
    return isOther && !id ? undefined : last;
  }

  #begin({ index }: CallPiece): PartialCall {
    const call = { index: index ?? undefined, id: "", name: "", arguments: "" };
    this.#calls.push(call);
    return call;
  }

  /** Joins a name that comes in pieces; one that is repeated, or grows, is not doubled. */
  #joinNames(name: string, piece: string): string {
    if (piece.startsWith(name)) return piece;
    if (this.#tools.has(name) && !this.#tools.has(name + piece)) return name;
    return name + piece;
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

function readArguments(text: string): Pick<ToolCall, "input" | "inputError"> {
  if (text.trim() === "") return { input: {} };
  try {
    return { input: JSON.parse(text) };
  } catch (error) {
    const shown = text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}...` : text;
    return { input: text, inputError: `the arguments are not JSON: ${messageOf(error)}: ${shown}` };
  }
}

/** Nine letters and digits: the one form that all services accept. */
function newId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 9);
}
