import type { CallConnection } from "../edge/call_connection.ts";
import type { Conversation } from "../edge/conversation.ts";
import type { AgentContext } from "./agent_context.ts";

/**
 * An agent's stay in a call, as a block: `await using session = await agent.join(call)`. Leaving
 * the block closes the agent. What goes wrong while leaving is reported as an event, and so never
 * hides the error that the block itself was left with.
 */
export class AgentSession implements AsyncDisposable {
  /** Makes an agent session. */
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
