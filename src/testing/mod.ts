/**
 * For tests of agents and of edges: an edge without a network, time that passes when told to, and
 * the contract of an edge as tests.
 *
 * @module
 */
export {
  type ConformanceTest,
  conformanceTests,
  edgeConformance,
} from "./conformance/conformance.ts";
export type {
  ConformanceOptions,
  EdgeFactory,
  EdgeUnderTest,
  RemoteParty,
} from "./conformance/under_test.ts";
export { memoryEdgeUnderTest } from "./memory_under_test.ts";
export { MemoryEdge, type MemoryEdgeOptions } from "./memory_edge.ts";
export { MemoryConnection, type RoomMessage } from "./memory_connection.ts";
export { MemoryParty, type MemoryPartyOptions, MemoryVideo } from "./memory_party.ts";
export { VirtualClock } from "./virtual_clock.ts";
export { type FakeAnswer, FakeLLM, type FakeReply } from "./fake_llm.ts";
export { type FakeExchange, FakeRealtimeLLM, FakeRealtimeSession } from "./fake_realtime_llm.ts";
export { FakeSTT, type FakeTranscript } from "./fake_stt.ts";
export { FakeTTS, type FakeTTSOptions } from "./fake_tts.ts";
export { FakeVAD, type FakeVADOptions } from "./fake_vad.ts";
