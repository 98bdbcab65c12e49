/** What the tests of the contract of an edge work with. @module */
import type { AudioRow, EdgeAgent } from "../../edge/edge_agent.ts";
import type { Call } from "../../edge/call.ts";
import type { CallConnection } from "../../edge/call_connection.ts";
import type { EventClass } from "../../events/event_manager.ts";
import type {
  ConformanceOptions,
  ConformanceParts,
  EdgeUnderTest,
  RemoteParticipant,
} from "./under_test.ts";
import type { PcmChunk } from "../../audio/pcm_chunk.ts";
import * as events from "../../edge/events.ts";
import { tone as sineTone } from "../sounds.ts";
import { TestTime } from "./test_time.ts";

/** Milliseconds within which the last audio must arrive. */
const MAX_DELAY_MS = 3000;

/** An agent that only measures what it hears. */
export class RecordingAgent implements EdgeAgent {
  readonly user: { id: string; name: string };
  readonly audioSubscription: { sampleRate: 16_000; agents: boolean };
  /** Audible milliseconds by participant id. */
  readonly heardMs = new Map<string, number>();
  /** All milliseconds by participant id, silence included. */
  readonly receivedMs = new Map<string, number>();

  constructor(id: string, options: { hearsAgents?: boolean } = {}) {
    this.user = { id, name: id };
    this.audioSubscription = { sampleRate: 16_000, agents: options.hearsAgents ?? false };
  }

  receiveRow(row: AudioRow): void {
    for (let index = 0; index < row.count; index++) {
      const { participant, pcm } = row.entries[index]!;
      add(this.receivedMs, participant.id, pcm.durationMs);
      add(this.heardMs, participant.id, audibleMs(pcm));
    }
  }
}

/** The fixture of a test: the edge, its time, and a log of its events. */
export class Fixture extends TestTime {
  readonly log: string[] = [];
  readonly #subscription: Disposable;

  constructor(readonly edgeUnderTest: EdgeUnderTest, readonly options: ConformanceOptions) {
    super(edgeUnderTest.clock, options.limitMs ?? 10_000);
    const classes = [
      events.ParticipantJoinedEvent,
      events.ParticipantLeftEvent,
      events.TrackAddedEvent,
      events.TrackRemovedEvent,
      events.TrackUpdatedEvent,
      events.CallEndedEvent,
      events.ConnectionStateChangedEvent,
      events.CustomEventReceivedEvent,
      events.DtmfReceivedEvent,
      events.TextReceivedEvent,
    ];
    this.#subscription = edgeUnderTest.edge.events.subscribe(classes, (event) => {
      this.log.push(describe(event));
    });
  }

  get edge(): EdgeUnderTest["edge"] {
    return this.edgeUnderTest.edge;
  }

  get toleranceMs(): number {
    return this.options.toleranceMs ?? 40;
  }

  /**
   * Returns the promise, which the test awaits later: where the test fails before that, its rejection
   * is not an uncaught error, which would end all tests of the file.
   */
  later<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {});
    return promise;
  }

  /** Authenticates an agent, creates a call and joins it. */
  async join(
    agent: EdgeAgent = new RecordingAgent("agent"),
    callId = "kit",
  ): Promise<{ connection: CallConnection; call: Call }> {
    const call = await this.call(agent, callId);
    const connection = await this.until(this.edge.join(agent, call), "joining");
    return { connection, call };
  }

  /** Authenticates an agent and creates a call. */
  async call(agent: EdgeAgent = new RecordingAgent("agent"), callId = "kit"): Promise<Call> {
    await this.until(this.edge.authenticate(agent.user), "authenticating");
    return await this.until(this.edge.createCall(callId, { callType: "default" }), "creating");
  }

  async enter(call: Call, userId: string): Promise<RemoteParticipant> {
    return await this.until(this.edgeUnderTest.enter(call, { userId }), `${userId} entering`);
  }

  /** Returns a function of the test's author; throws if a part was declared without it. */
  own<T>(name: string, value: T | undefined): T {
    if (value !== undefined) return value;
    throw new TypeError(`this part of the contract needs ${name}: write it, or leave the part out`);
  }

  /** Adds a person, and waits until the agent sees them. */
  async enterAndBeSeen(connection: CallConnection, userId: string): Promise<RemoteParticipant> {
    const participant = await this.enter(connection.call, userId);
    await this.eventually(
      () => connection.participants.has(participant.participantId),
      `${userId} is seen`,
    );
    return participant;
  }

  async close(): Promise<void> {
    this.#subscription[Symbol.dispose]();
    await this.until(this.edgeUnderTest[Symbol.asyncDispose](), "closing the edge");
  }
}

/** A test of the contract. */
export type Test = (fixture: Fixture) => Promise<void>;

/** A test of a part that not every edge has. */
export interface PartTest {
  readonly part: keyof ConformanceParts;
  /** Whether it is the test of an edge without this part. */
  readonly without: boolean;
  readonly test: Test;
}

/** Tests by name: a sentence of what an edge does. */
export type Contract = { [sentence: string]: Test | PartTest };

/** Returns a test that is ignored for an edge without this part. */
export function part(name: keyof ConformanceParts, test: Test): PartTest {
  return { part: name, without: false, test };
}

/** Returns a test that is ignored for an edge with this part. */
export function without(name: keyof ConformanceParts, test: Test): PartTest {
  return { part: name, without: true, test };
}

/** Throws unless an error says that this edge cannot do something. */
export function expectCannot(error: unknown, edge: object): void {
  const { name } = edge.constructor;
  expect(
    error instanceof TypeError && error.message.includes(name),
    `expected a TypeError that names ${name}, got ${error}`,
  );
}

/** Returns a clearly audible tone. */
export function tone(ms: number, sampleRate = 48_000, channels = 1): PcmChunk {
  return sineTone(ms, { sampleRate, channels });
}

/** Whether this is no silence: any sample of it that is loud enough. */
export function isAudible(samples: Int16Array): boolean {
  for (let at = 0; at < samples.length; at++) if (Math.abs(samples[at]!) > 500) return true;
  return false;
}

/** How much of this is no silence, judged by pieces of 5 ms. */
export function audibleMs(pcm: PcmChunk): number {
  const step = Math.round(pcm.sampleRate / 200) * pcm.channels;
  let audible = 0;
  for (let start = 0; start < pcm.samples.length; start += step) {
    const end = Math.min(pcm.samples.length, start + step);
    if (isAudible(pcm.samples.subarray(start, end))) audible += end - start;
  }
  return audible * 1000 / pcm.channels / pcm.sampleRate;
}

/** Fails with a message. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Fails unless both are equal as JSON. */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  expect(a === b, `${what}: expected ${b}, got ${a}`);
}

/** Returns what a promise rejects with; fails when it does not reject. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`${what}: expected a rejection, got ${String(value)}`);
}

function add(map: Map<string, number>, key: string, ms: number): void {
  map.set(key, (map.get(key) ?? 0) + ms);
}

function describe(event: InstanceType<EventClass>): string {
  if (event instanceof events.ParticipantJoinedEvent) return `joined ${event.participant.id}`;
  if (event instanceof events.ParticipantLeftEvent) return `left ${event.participant.id}`;
  if (event instanceof events.TrackAddedEvent) return `track of ${event.track.participant.id}`;
  if (event instanceof events.TrackRemovedEvent) return `no track of ${event.track.participant.id}`;
  if (event instanceof events.TrackUpdatedEvent) {
    const { participant, muted } = event.track;
    return `track of ${participant.id} ${muted ? "muted" : "unmuted"}`;
  }
  if (event instanceof events.CallEndedEvent) return `ended ${event.reason}`;
  if (event instanceof events.CustomEventReceivedEvent) {
    return `custom ${JSON.stringify(event.data)} of ${event.participant?.id}`;
  }
  if (event instanceof events.DtmfReceivedEvent) {
    return `dtmf ${event.digit} of ${event.participant.id}`;
  }
  if (event instanceof events.TextReceivedEvent) {
    return `text ${JSON.stringify(event.text)} of ${event.participant.id}`;
  }
  if (event instanceof events.ConnectionStateChangedEvent) {
    return event.state === event.previous
      ? (event.reconnecting ? "reconnecting" : "reconnected")
      : `${event.previous} -> ${event.state}`;
  }
  return event.constructor.name;
}

/** Throws unless a duration is as expected, within the tolerance. */
export function near(
  fixture: Fixture,
  actual: number | undefined,
  expected: number,
  what: string,
): void {
  const off = Math.abs((actual ?? 0) - expected);
  expect(off <= fixture.toleranceMs, `${what}: expected about ${expected} ms, got ${actual}`);
}

/** As `near`, after waiting for audio in jitter buffers and on busy machines. */
export async function comesNear(
  fixture: Fixture,
  read: () => number | undefined,
  expected: number,
  what: string,
): Promise<void> {
  for (let passed = 0; passed < MAX_DELAY_MS; passed += 50) {
    if (Math.abs((read() ?? 0) - expected) <= fixture.toleranceMs) break;
    await fixture.pass(50);
  }
  near(fixture, read(), expected, what);
}
