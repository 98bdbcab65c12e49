/** A conversation that goes on where another agent's ended, and that the application keeps. @module */
import type { Conversation, Message, MessageChange, MessageInit } from "../edge/conversation.ts";
import type { Clock } from "../events/clock.ts";
import { promised, type Report } from "../events/user_code.ts";
import { waitFor } from "../events/waiting.ts";

/** How long loading may take: an agent that joins is waited for. */
const LOAD_MS = 3000;
/** How long saving may take. */
const SAVE_MS = 5000;
/** How much later than a change it is saved, with all that has changed until then. */
const DELAY_MS = 250;

/** Where an application keeps a conversation, so that another agent can go on with it. */
export interface ConversationHistory {
  /** Returns the messages so far, within 3 seconds; none where there was no agent before. */
  load(): readonly Message[] | undefined | Promise<readonly Message[] | undefined>;
  /**
   * Keeps all messages, those of before included, a moment after each change. What takes longer than
   * 5 seconds counts as failed, and is saved again with the next change.
   */
  save(messages: readonly Message[]): void | Promise<void>;
}

/** Options for {@linkcode KeptConversation.open}. */
interface KeptConversationInit {
  conversation: Conversation;
  history: ConversationHistory;
  clock: Clock;
  report: Report;
}

/** The conversation of a call, after the messages that were kept. */
export class KeptConversation implements Conversation {
  readonly #init: KeptConversationInit;
  readonly #earlier: readonly Message[];
  #timer: Disposable | undefined;
  #saving: Promise<void> = Promise.resolve();

  private constructor(init: KeptConversationInit, earlier: readonly Message[]) {
    this.#init = init;
    // Ids are unique in a call's own conversation, which numbers its messages from the start.
    this.#earlier = earlier.map((message, index) => ({ ...message, id: `earlier-${index}` }));
  }

  /**
   * Returns the conversation with what was kept of it. Where that cannot be loaded, the conversation
   * itself: then nothing is saved either, since it would take the place of what is kept.
   */
  static async open(init: KeptConversationInit): Promise<Conversation> {
    const { conversation, history, clock, report } = init;
    try {
      const loading = promised(() => history.load());
      const limit = { timeoutMs: LOAD_MS, clock };
      const messages = await waitFor(loading, "loading the history", limit) ?? [];
      if (!Array.isArray(messages)) {
        throw new TypeError("history.load: expected a list of messages");
      }
      return new KeptConversation(init, messages.filter(({ complete }) => complete));
    } catch (error) {
      report(error, "loading the history; going on without, and saving none");
      return conversation;
    }
  }

  get id(): string {
    return this.#init.conversation.id;
  }

  get instructions(): string {
    return this.#init.conversation.instructions;
  }

  get messages(): readonly Message[] {
    return [...this.#earlier, ...this.#init.conversation.messages];
  }

  append(message: MessageInit): Message {
    this.#schedule();
    return this.#init.conversation.append(message);
  }

  update(messageId: string, change: MessageChange): Message {
    this.#schedule();
    return this.#init.conversation.update(messageId, change);
  }

  remove(messageId: string): void {
    this.#schedule();
    this.#init.conversation.remove(messageId);
  }

  async flush(): Promise<void> {
    if (this.#timer) this.#save();
    await Promise.all([this.#saving, this.#init.conversation.flush()]);
  }

  #schedule(): void {
    this.#timer ??= this.#init.clock.schedule(() => this.#save(), DELAY_MS);
  }

  #save(): void {
    const { history, clock, report } = this.#init;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    // One after the other, so that an older state never comes last.
    this.#saving = this.#saving.then(async () => {
      const saving = promised(() => history.save(this.messages));
      const limit = { timeoutMs: SAVE_MS, clock };
      await waitFor(saving, "saving the history", limit)
        .catch((error) => report(error, "saving the history"));
    });
  }
}
