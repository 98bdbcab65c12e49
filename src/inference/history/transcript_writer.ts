/** The conversation as people see it, written as it is said. @module */
import type { Message, MessageChange, MessageInit } from "../../edge/conversation.ts";
import type { Participant } from "../../edge/types.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { UserTurn } from "../turns/user_turn.ts";
import type { UserTurnObserver } from "../turns/user_turn_observer.ts";
import { type Expected, UserHook } from "../../events/user_code.ts";
import type { ToolRun } from "../reply/tool_run.ts";
import { TranscriptEvent } from "../contracts/events.ts";

/** A message of the conversation that changes while it is said. */
export interface TranscriptMessage {
  update(change: MessageChange): void;
}

type Write =
  | { readonly init: MessageInit }
  | { readonly id: string; readonly change: MessageChange };

const writtenMessage: Expected<Message> = {
  what: "the message as it is now",
  is: (value): value is Message =>
    typeof value === "object" && value !== null && "id" in value && typeof value.id === "string",
};

/**
 * Writes to the edge's conversation what is said, as it is said, and emits transcripts. What goes
 * wrong in the conversation is reported, and does not disturb the call.
 */
export class TranscriptWriter implements UserTurnObserver {
  readonly #context: PipelineContext;
  readonly #write: UserHook<Write>;
  readonly #remove: UserHook<string>;
  /** The messages of the turns in progress. */
  readonly #turns = new Map<unknown, TranscriptMessage>();

  constructor(context: PipelineContext) {
    const { conversation, clock, report, toolLedger } = context;
    this.#context = context;
    this.#write = new UserHook<Write>(
      (one) =>
        "init" in one ? conversation.append(one.init) : conversation.update(one.id, one.change),
      { clock, report, context: "writing the conversation" },
    );
    this.#remove = new UserHook<string>((id) => conversation.remove(id), {
      clock,
      report,
      context: "removing an empty message from the conversation",
    });
    toolLedger.observe((run) => this.#showCall(run));
  }

  textChanged(turn: UserTurn): void {
    const { participant, text } = turn;
    this.writeTurn(turn, { participant, text, final: false });
  }

  turnEnded(turn: UserTurn): void {
    const { participant, text } = turn;
    this.writeTurn(turn, { participant, text, final: true });
  }

  /**
   * Shows the text of a participant's turn, in the conversation and as an event.
   *
   * @param turn what tells this turn from others, such as its id
   * @param transcript all of its text so far; `interrupted`: what comes after it is not known
   */
  writeTurn(
    turn: unknown,
    transcript: {
      participant: Participant;
      text: string;
      final: boolean;
      interrupted?: boolean;
    },
  ): void {
    const { participant, text, final, interrupted = false } = transcript;
    const { userId, id: participantId } = participant;
    const message = this.#turns.get(turn) ??
      this.#appendWithText({ role: "user", userId, participantId });
    if (final) this.#turns.delete(turn);
    else this.#turns.set(turn, message);
    if (!/\S/.test(text)) {
      // The interim text turned out to be none, or is to be forgotten.
      if (final) {
        message.update({ ...interrupted ? {} : { text: "" }, complete: true, interrupted });
      }
      return;
    }
    message.update({ text, complete: final, interrupted });
    this.#context.emit(new TranscriptEvent({ participant, text, final }));
  }

  /**
   * Shows a text that the agent replies to, of a participant or else of the application.
   *
   * @param to the only participant who hears the reply
   */
  writePrompt(text: string, participant: Participant | undefined, to?: Participant): void {
    const { agentUser } = this.#context;
    const role = participant ? "user" : "system";
    const author = participant
      ? { userId: participant.userId, participantId: participant.id }
      : { userId: agentUser.id };
    this.#append({ role, ...author, ...to && { to: to.id }, text });
  }

  /**
   * Opens a message of the agent: with this text, or as soon as it has some.
   *
   * @param to the only participant who hears it
   */
  openAgentMessage(text?: string, to?: Participant): TranscriptMessage {
    const init = {
      role: "assistant",
      ...this.#agent,
      ...to && { to: to.id },
      complete: false,
    } as const;
    return !text ? this.#appendWithText(init) : this.#append({ ...init, text });
  }

  /** Completes the messages of turns that are still in progress. */
  close(): void {
    for (const message of this.#turns.values()) message.update({ complete: true });
    this.#turns.clear();
  }

  /** Appends a message as soon as it has a text. */
  #appendWithText(init: Omit<MessageInit, "text">): TranscriptMessage {
    let message: TranscriptMessage | undefined;
    return {
      update: (change) => {
        if (message) message.update(change);
        else if (change.text && /\S/.test(change.text)) {
          const { text, complete = false } = change;
          message = this.#append({ ...init, text, complete });
        }
      },
    };
  }

  #append(init: MessageInit): TranscriptMessage {
    let current = this.#write.ask({ init }, undefined, writtenMessage);
    return {
      update: (change) => {
        if (!current) return;
        const { text = current.text, complete = current.complete } = change;
        if (complete && !/\S/.test(text)) {
          // Nothing of it was heard: there was no such message.
          void this.#remove.run(current.id);
          current = undefined;
          return;
        }
        if (isAsBefore(current, change)) return;
        current = this.#write.ask({ id: current.id, change }, undefined, writtenMessage) ?? current;
      },
    };
  }

  /** The agent as an author, by its name where another one has taken over. */
  get #agent(): Pick<MessageInit, "userId" | "agentName"> {
    const { agentUser: { id: userId }, agentName } = this.#context;
    return agentName === undefined ? { userId } : { userId, agentName };
  }

  /** Shows a call, before the tool acts, and each outcome. */
  #showCall(run: ToolRun): void {
    const { call: { id, name, input }, to } = run;
    const call = `${name}(${JSON.stringify(input)})`;
    const toolCall = { id, name, input };
    const init = {
      role: "tool",
      ...this.#agent,
      ...to && { to: to.id },
      complete: false,
    } as const;
    const message = this.#append({ ...init, text: call, toolCall });
    run.follow((progress) => {
      if (progress !== undefined) return;
      const { text: result, isError } = run.result!;
      message.update({
        text: `${call}: ${result}`,
        complete: true,
        toolCall: { ...toolCall, result, isError },
      });
    });
  }
}

function isAsBefore(message: Message, change: MessageChange): boolean {
  return Object.entries(change).every(([key, value]) =>
    value === undefined || message[key as keyof Message] === value
  );
}
