/** The agent's state as an attribute, which LiveKit's front ends read. @module */
import { type Agent, type AgentState, AgentStateChangedEvent } from "@ringline/edge";
import { type CallConnection, checkObject, ErrorEvent } from "@ringline/edge/toolkit";
import type { LiveKitEdge } from "./livekit_edge.ts";

/** The attribute by which LiveKit's front ends know what an agent does. */
const STATE = "lk.agent.state";

/**
 * Shows a room what the agent does, in the attribute `lk.agent.state`: LiveKit's front ends draw it.
 * Until the result is disposed. It is for agents that converse: call it when the agent has joined.
 *
 * @throws {TypeError} the agent has no conversation.
 *
 * @example
 * ```ts ignore
 * await using session = await agent.join(call);
 * using _state = showAgentState(agent, edge);
 * ```
 */
export function showAgentState(
  agent: Pick<Agent, "events">,
  edge: LiveKitEdge,
  options: { connection?: CallConnection } = {},
): Disposable {
  checkObject(options, "options", "an object like { connection }, or nothing");
  const { connection } = options;
  let shown: AgentState | undefined;
  let state: AgentState = "listening";
  let isSending = false;
  const show = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    // Of several changes in a moment the last one counts.
    while (shown !== state) {
      shown = state;
      try {
        await edge.setAttributes({ [STATE]: state }, { connection });
      } catch (error) {
        if (!edge.isClosed && connection?.state !== "closed") {
          edge.events.emit(new ErrorEvent({ error, context: "showing the agent's state" }));
        }
      }
    }
    isSending = false;
  };
  const subscription = agent.events.subscribe(AgentStateChangedEvent, (event) => {
    state = event.state;
    show();
  });
  show();
  return subscription;
}
