/** An agent's stay in a call. @module */
import type { CallConnection } from "../edge/call_connection.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { AgentContext } from "./agent_context.ts";

/**
 * An agent's stay in a call, as a block: `await using session = await agent.join(call)`. Leaving
 * the block closes the agent. A failure to leave is an `ErrorEvent` of the edge, so that it never hides
 * an error thrown in the block.
 */
export class AgentSession implements AsyncDisposable {
  /** Creates an agent session. */
  constructor(
    readonly agent: AgentContext,
    readonly connection: CallConnection,
    readonly conversation: Conversation,
  ) {}

  /** Closes it, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.agent.close();
  }
}
