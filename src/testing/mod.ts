/**
 * For tests of agents and of edges: an edge without a network, and time that passes when told to.
 *
 * @module
 */
export { MemoryEdge, type MemoryEdgeOptions } from "./memory_edge.ts";
export { MemoryConnection, type RoomMessage } from "./memory_connection.ts";
export { MemoryParty, type MemoryPartyOptions, MemoryVideo } from "./memory_party.ts";
export { VirtualClock } from "./virtual_clock.ts";
