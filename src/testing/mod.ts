/**
 * For tests of agents and of edges: a call simulator, an edge without a network, a virtual clock, and
 * the contract of an edge as tests.
 *
 * Test an agent in a simulated call with {@linkcode simulateCall}, and an edge with
 * {@linkcode edgeConformance}.
 *
 * @example A test of an agent: it falls silent when a person speaks
 * ```ts
 * import type { Processor } from "@ringline/edge";
 * import { simulateCall, speechLike, tone } from "@ringline/edge/testing";
 *
 * Deno.test("my agent falls silent within 300 ms when a person speaks", async () => {
 *   await simulateCall({
 *     seed: 42,
 *     people: [{
 *       userId: "anna",
 *       says: [{ atMs: 2000, pcm: speechLike(1500) }],
 *       network: { delayMs: 40, jitterMs: 30, loss: 0.05 },
 *     }],
 *     agent: (call) => {
 *       const polite: Processor = {
 *         name: "polite",
 *         processAudio: () => void call.agent.audio.flush(),
 *       };
 *       return { processors: [polite] };
 *     },
 *     onJoined: async ({ agent }) => await agent.audio.write(tone(10_000)),
 *     endsAtMs: 5000,
 *   }, (record) => {
 *     const [silenceMs] = record.bargeInToSilenceMs("anna");
 *     if (!(silenceMs! < 300)) throw new Error(`it went on for ${silenceMs} ms`);
 *   });
 * });
 * ```
 *
 * @module
 */
export { CallRecord } from "./simulator/call_record.ts";
export { type Interval, Intervals } from "./simulator/intervals.ts";
export type { NetworkFigures } from "./simulator/simulated_link.ts";
export type {
  CallScript,
  NetworkConditions,
  ScriptedPerson,
  ScriptedUtterance,
  Simulation,
  Stall,
} from "./simulator/script.ts";
export { simulateCall, SimulationError } from "./simulator/simulate_call.ts";
export { Random } from "./random.ts";
export { concatenate } from "../audio/concatenate.ts";
export { silence, type SoundOptions, speechLike, tone } from "./sounds.ts";
export {
  type ConformanceTest,
  conformanceTests,
  edgeConformance,
} from "./conformance/conformance.ts";
export type {
  ConformanceOptions,
  ConformanceParts,
  EdgeFactory,
  EdgeUnderTest,
  RemoteParticipant,
  TestNumbers,
} from "./conformance/under_test.ts";
export { memoryEdgeParts, memoryEdgeUnderTest } from "./memory_under_test.ts";
export {
  type DialledCall,
  MemoryEdge,
  type MemoryEdgeOptions,
  type MemoryTransfer,
} from "./memory_edge.ts";
export {
  llmConformance,
  type LLMConformanceOptions,
  llmConformanceTests,
} from "./conformance/models/llm_conformance.ts";
export {
  type LLMAct,
  type LLMFactory,
  llmOverHttp,
  type LLMOverHttpOptions,
  type LLMUnderTest,
} from "./conformance/models/llm_under_test.ts";
export {
  realtimeConformance,
  type RealtimeConformanceOptions,
  realtimeConformanceTests,
} from "./conformance/models/realtime_conformance.ts";
export type {
  RealtimeConnectAct,
  RealtimeFactory,
  RealtimeReceived,
  RealtimeServiceEvent,
  RealtimeUnderTest,
} from "./conformance/models/realtime_under_test.ts";
export type { ServiceAct, ServiceUnderTest } from "./conformance/models/service_act.ts";
export {
  sttConformance,
  type STTConformanceOptions,
  sttConformanceTests,
} from "./conformance/models/stt_conformance.ts";
export {
  type STTAct,
  type STTFactory,
  sttOverHttp,
  type STTOverHttpOptions,
  type STTUnderTest,
} from "./conformance/models/stt_under_test.ts";
export {
  ttsConformance,
  type TTSConformanceOptions,
  ttsConformanceTests,
} from "./conformance/models/tts_conformance.ts";
export {
  type TTSAct,
  type TTSFactory,
  ttsOverHttp,
  type TTSOverHttpOptions,
  type TTSUnderTest,
} from "./conformance/models/tts_under_test.ts";
export {
  turnConformance,
  type TurnConformanceOptions,
  turnConformanceTests,
  type TurnDetectorFactory,
} from "./conformance/models/turn_conformance.ts";
export { MemoryConnection } from "./memory_connection.ts";
export type { RoomMessage } from "./room_message.ts";
export {
  MemoryParticipant,
  type MemoryParticipantOptions,
  MemoryVideo,
} from "./memory_participant.ts";
export { VirtualClock } from "./virtual_clock.ts";
export { FakeLLM, type FakeLLMReply, type FakeReply } from "./fake_llm.ts";
export { type FakeExchange, FakeRealtimeLLM, FakeRealtimeSession } from "./fake_realtime_llm.ts";
export { FakeSTT, type FakeSTTOptions, FakeSttSession, type FakeTranscript } from "./fake_stt.ts";
export { FakeTTS, type FakeTTSOptions } from "./fake_tts.ts";
export { FakeVAD, type FakeVADOptions } from "./fake_vad.ts";
