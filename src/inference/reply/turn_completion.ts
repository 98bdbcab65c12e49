/** The application's hook between a turn and its reply. @module */
import type { Participant } from "../../edge/types.ts";
import type { ChatMessage } from "../contracts/messages.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import { type Expected, UserHook } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";

/** How long the application may take; after that the turn goes on as it was said. */
const LIMIT_MS = 5000;

/** A participant's turn that is over, before the model is asked for a reply. */
export interface CompletedUserTurn {
  /** The participant. */
  readonly participant: Participant;
  /** The text of the turn. */
  readonly text: string;
  /** The conversation before it, oldest message first. */
  readonly messages: readonly ChatMessage[];
}

/** What the application makes of a turn. */
export interface UserTurnChange {
  /**
   * What the model is told instead of the text of the turn; a blank text drops the turn. The transcript
   * keeps what was said.
   */
  readonly text?: string;
  /**
   * What the model is told besides for the reply to this turn, e.g. what a search found. It is not
   * remembered; a turn without a reply does without it.
   */
  readonly context?: string;
  /** Whether the agent replies. Default: as `shouldReply` says. */
  readonly reply?: boolean;
  /** Whether the model never learns of the turn. Default `false`. */
  readonly drop?: boolean;
}

/** Called when a participant's turn is over, before the model is asked. */
export type UserTurnHook = (
  turn: CompletedUserTurn,
) => UserTurnChange | void | Promise<UserTurnChange | void>;

const change: Expected<UserTurnChange | undefined> = {
  what: "nothing, or an object like { text, context, reply, drop }",
  is: (value): value is UserTurnChange | undefined => {
    if (value === undefined) return true;
    if (typeof value !== "object" || value === null || "then" in value) return false;
    const { text = "", context = "", reply = true, drop = false } = value as UserTurnChange;
    return typeof text === "string" && typeof context === "string" &&
      typeof reply === "boolean" && typeof drop === "boolean";
  },
};

/**
 * Asks the application what to make of turns. Where it fails, or takes longer than five seconds, the turn
 * goes on as it was said, and that is reported.
 */
export class TurnCompletion {
  readonly #hook: UserHook<CompletedUserTurn>;
  readonly #clock: PipelineContext["clock"];
  readonly #closing = new AbortController();

  constructor(hook: UserTurnHook, { clock, report }: Pick<PipelineContext, "clock" | "report">) {
    this.#clock = clock;
    this.#hook = new UserHook<CompletedUserTurn>(hook, {
      clock,
      report,
      context: "turnHandling.onUserTurnCompleted; the turn goes on as it was said",
    });
  }

  /** Resolves with what the application makes of a turn. Never rejects. */
  async ask(turn: CompletedUserTurn): Promise<UserTurnChange> {
    try {
      const asking = this.#hook.askLater(turn, undefined, change);
      const { signal } = this.#closing;
      const options = { timeoutMs: LIMIT_MS, signal, clock: this.#clock };
      return await waitFor(asking, "the hook's result", options) ?? {};
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#hook.fail(error);
      return {};
    }
  }

  /** Stops waiting for the application. */
  close(): void {
    this.#closing.abort();
  }
}
