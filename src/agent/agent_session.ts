import type { Connection } from "../edge/connection.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { Agent } from "./agent.ts";

/**
 * An agent's stay in a call, as a block: `await using session = await agent.join(call)`. Leaving
 * the block closes the agent. What goes wrong while leaving is reported as an event, and so never
 * hides the error that the block itself was left with.
 */
export class AgentSession implements AsyncDisposable {
  /** Makes an agent session. */
  constructor(
    readonly agent: Agent,
    readonly connection: Connection,
    readonly conversation: Conversation,
  ) {}

  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.agent.close();
  }
}
