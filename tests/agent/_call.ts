import { Agent } from "../../src/agent/agent.ts";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { silentLogger } from "../../src/events/logger.ts";
import type { MemoryConnection } from "../../src/testing/memory_connection.ts";
import { MemoryEdge, type MemoryEdgeOptions } from "../../src/testing/memory_edge.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

export const agentUser = { id: "agent", name: "Agent" };

/** An agent and a call in memory that it may join, in virtual time. */
export async function setUp(
  options: Partial<AgentOptions> = {},
  edgeOptions: MemoryEdgeOptions = {},
) {
  const clock = new VirtualClock();
  const edge = new MemoryEdge({ clock, logger: silentLogger, ...edgeOptions });
  const errors: string[] = [];
  edge.events.subscribe(
    ErrorEvent,
    (event) => void errors.push(`${event.context}: ${event.error}`),
  );
  const agent = new Agent({ edge, agentUser, ...options });
  const call = await agent.createCall("default", "kitchen");
  return { clock, edge, agent, call, errors };
}

/** An agent in a call in memory, in which these people were before it. */
export async function join(options: Partial<AgentOptions> = {}, people: string[] = []) {
  const fixture = await setUp(options);
  const { clock, edge, agent, call } = fixture;
  const parties = people.map((userId) => edge.enter(call, { userId, id: userId }));
  const session = await clock.until(agent.join(call, { participantWaitTimeoutMs: 0 }));
  return { ...fixture, session, parties, connection: agent.connection as MemoryConnection };
}

/** The same with Anna. */
export async function joinAnna(options: Partial<AgentOptions> = {}) {
  const fixture = await join(options, ["anna"]);
  return { ...fixture, anna: fixture.parties[0]! };
}
