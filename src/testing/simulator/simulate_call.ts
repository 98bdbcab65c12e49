import type { Processor } from "../../agent/processor.ts";
import type { CallScript, ScriptedPerson, Simulation } from "./script.ts";
import type { Call } from "../../edge/call.ts";
import { Agent } from "../../agent/agent.ts";
import * as events from "../../edge/events.ts";
import { audibleMs } from "../conformance/fixture.ts";
import { checkMethods, checkObject } from "../../events/checks.ts";
import { promised, promiseIn } from "../../events/user_code.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { SLOT_MS } from "../../audio/grid.ts";
import { Random } from "../random.ts";
import type { MemoryParticipant } from "../memory_participant.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { assertScript } from "./assert_script.ts";
import { CallRecord } from "./call_record.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { Intervals } from "./intervals.ts";
import { SimulatedEdge } from "./simulated_edge.ts";
import { StallableClock } from "./stallable_clock.ts";
import { messageOf } from "../../events/error_text.ts";

/** A simulated call or its check failed; the message carries the seed, the timeline and the log. */
export class SimulationError extends Error {
  /** The class's name. */
  override name = "SimulationError";

  /** Errors come from `simulateCall`. */
  constructor(readonly record: CallRecord, cause: unknown) {
    checkMethods(record, "record", "a CallRecord", ["timeline"]);
    const what = messageOf(cause);
    super(`${what}\n\n${record.timeline()}\n${record.log}`, { cause });
  }
}

/**
 * Runs a call from beginning to end: the real agent, over the networks of the script, in virtual time.
 * Ten minutes take a second or two, and the same seed gives the same log to the byte.
 *
 * @param check called when the call is over; `simulateCall` throws what it throws, with the seed, a
 *   timeline and the log of the call
 * @throws {SimulationError} the call, or `check`, failed.
 * @throws {TypeError} a field of the script is missing or has the wrong type.
 * @throws {RangeError} a number in the script is out of range, or an id is empty or a duplicate.
 *
 * @example
 * ```ts
 * import { simulateCall, tone } from "@ringline/edge/testing";
 *
 * const record = await simulateCall({
 *   seed: 1,
 *   people: [{ userId: "anna", says: [{ atMs: 500, pcm: tone(1000) }] }],
 *   agent: (simulation) => ({
 *     audioMode: "live",
 *     onAudio: ({ pcm }) => simulation.agent.audio.write(pcm),
 *   }),
 *   endsAtMs: 3000,
 * });
 * console.log(record.heardMs("anna"), record.said.totalMs, record.reason); // 1000 1000 call-ended
 * ```
 */
export async function simulateCall(
  script: CallScript,
  check?: (record: CallRecord) => void | Promise<void>,
): Promise<CallRecord> {
  assertScript(script);
  const simulator = new Simulator(script);
  try {
    await simulator.run();
    await check?.(simulator.record);
    return simulator.record;
  } catch (error) {
    throw new SimulationError(simulator.record, error);
  }
}

class Simulator implements Simulation {
  readonly clock = new VirtualClock();
  readonly record: CallRecord;
  readonly edge: SimulatedEdge;
  readonly #script: CallScript;
  readonly #agentClock: StallableClock;
  readonly #network: SimulatedNetwork;
  readonly #participants = new Map<string, MemoryParticipant>();
  #agent: Agent | undefined;
  /** Whether the agent's current 10 ms are audible. */
  #sounds = false;

  constructor(script: CallScript) {
    this.#script = script;
    this.#agentClock = new StallableClock(this.clock);
    const networks = new Map(script.people.map((one) => [idOf(one), one.network ?? {}]));
    const cuts = script.reconnects ?? [];
    this.#network = new SimulatedNetwork({
      clock: this.clock,
      agentClock: this.#agentClock,
      random: new Random(script.seed),
      conditions: (id) => {
        const conditions = networks.get(id) ?? {};
        return { ...conditions, cuts: [...conditions.cuts ?? [], ...cuts] };
      },
      heardDelayMs: 0,
      onHeard: ({ id }, atMs) => {
        if (this.#sounds) this.record.heardBy.get(id)?.mark(atMs, atMs + 10);
      },
    });
    this.edge = new SimulatedEdge({
      clock: this.clock,
      agentClock: this.#agentClock,
      network: this.#network,
    });
    this.record = new CallRecord(script, (id) => this.#network.delayMs(id));
  }

  get agent(): Agent {
    if (this.#agent) return this.#agent;
    throw new TypeError("the agent does not exist yet: use it in its callbacks, or after joining");
  }

  note(text: string): void {
    this.record.note(this.clock.now(), text);
  }

  async run(): Promise<void> {
    const { clock, edge, record } = this;
    const script = this.#script;
    this.#listen();
    const options = script.agent(this);
    checkObject(options, "agent", "a function that returns an agent's options");
    const promise = promiseIn<unknown>(options);
    promise?.catch(() => {});
    if (promise) {
      throw new TypeError(
        "agent: expected an agent's options, got a promise: prepare them before simulateCall",
      );
    }
    const agent = this.#agent = new Agent({
      ...options,
      edge,
      clock: this.#agentClock,
      agentUser: { id: "agent", name: "Agent" },
      processors: [this.#recorder(), ...options.processors ?? []],
    });
    const call = await agent.createCall("default", "simulated");
    for (const person of script.people) this.#play(person, call);
    for (const stall of script.stalls ?? []) this.#at(stall.atMs, () => this.#stall(stall));
    for (const [from, until] of script.reconnects ?? []) {
      this.#at(from, () => this.edge.dropNetwork(agent.connection!, true));
      this.#at(until, () => this.edge.dropNetwork(agent.connection!, false));
    }
    let failure: { error: unknown } | undefined;
    this.#at(script.agentJoinsAtMs ?? 0, () => {
      const { participantWaitTimeoutMs = 0 } = script;
      agent.join(call, { participantWaitTimeoutMs })
        .then(() => promised<void>(() => script.onJoined?.(this)))
        .catch((error) => failure = { error });
    });
    await clock.advance(script.endsAtMs);
    const { ends = "call-ended" } = script;
    if (ends === "left") void agent.close();
    else if (ends === "call-ended") edge.endCall(call);
    else edge.end(agent.connection!, ends);
    await clock.until(agent.close());
    record.state = agent.connection?.state ?? "establishing";
    record.reason = agent.connection?.closeReason;
    record.droppedSlots = agent.droppedSlots;
    record.droppedSlotsByParticipant = Object.fromEntries(agent.droppedSlotsByParticipant);
    record.network = this.#network.figures;
    record.durationMs = script.endsAtMs;
    this.note(`over: ${record.reason}, ${record.droppedSlots} slots dropped`);
    await clock.until(edge.close());
    if (failure) throw failure.error;
  }

  #play(person: ScriptedPerson, call: Call): void {
    const { userId, trackDelayMs } = person;
    const id = idOf(person);
    const spoken = new Intervals();
    this.record.spoken.set(id, spoken);
    const act = (atMs: number, what: string, action: (participant: MemoryParticipant) => void) => {
      this.#at(atMs, () => {
        const participant = this.#participants.get(id);
        if (!participant) return;
        this.note(`${id} ${what}`);
        action(participant);
      });
    };
    this.#at(person.joinsAtMs ?? 0, () => {
      this.note(`${id} joins`);
      const participant = this.edge.enter(call, { userId, id, trackDelayMs });
      this.#participants.set(id, participant);
      this.#listenTo(participant, spoken);
    });
    for (const { atMs, pcm } of person.says ?? []) {
      act(
        atMs,
        `says ${pcm.durationMs.toFixed(0)} ms`,
        (participant) => void participant.speak(pcm),
      );
    }
    for (const [from, until] of person.mutes ?? []) {
      act(from, "mutes", (participant) => participant.mute());
      act(until, "unmutes", (participant) => participant.unmute());
    }
    if (person.leavesAtMs === undefined) return;
    act(person.leavesAtMs, "leaves", (participant) => {
      participant.leave();
      this.#participants.delete(id);
    });
  }

  /** Records what a participant says, as it leaves the microphone. */
  #listenTo(participant: MemoryParticipant, spoken: Intervals): void {
    if (!this.record.heardBy.has(participant.id)) {
      this.record.heardBy.set(participant.id, new Intervals(20));
    }
    participant.onSpoken = () => {
      if (!participant.isMuted) spoken.mark(this.clock.now(), this.clock.now() + SLOT_MS);
    };
  }

  #stall(stall: { atMs: number; forMs: number }): void {
    this.note(`the agent stalls for ${stall.forMs} ms`);
    this.#network.stall(stall);
  }

  /** Returns the agent's first processor, which records what reached it, and when. */
  #recorder(): Processor {
    return {
      name: "recorder",
      processAudio: ({ participant, row, pcm }) => {
        const atMs = row * SLOT_MS;
        const lateMs = this.clock.now() - atMs;
        this.record.worstLatenessMs = Math.max(this.record.worstLatenessMs, lateMs);
        if (audibleMs(pcm) === 0) return;
        let heard = this.record.heard.get(participant.id);
        if (!heard) this.record.heard.set(participant.id, heard = new Intervals());
        const before = heard.list.length;
        heard.mark(atMs, atMs + SLOT_MS);
        if (heard.list.length > before) this.note(`agent hears ${participant.id}`);
      },
    };
  }

  #listen(): void {
    const { events: manager } = this.edge;
    const classes = [
      events.ParticipantJoinedEvent,
      events.ParticipantLeftEvent,
      events.TrackAddedEvent,
      events.TrackRemovedEvent,
      events.TrackUpdatedEvent,
      events.CallEndedEvent,
      events.ConnectionStateChangedEvent,
      events.ErrorEvent,
    ];
    manager.subscribe(classes, (event) => {
      const text = describe(event);
      if (event instanceof events.ErrorEvent) this.record.errors.push(text);
      if (event instanceof events.ParticipantJoinedEvent) {
        this.record.joined.add(event.participant.id);
      }
      this.note(text);
    });
    this.edge.onAgentAudio = (samples) => {
      this.#sounds = audibleMs(new PcmChunk(samples, { sampleRate: 48_000 })) > 0;
      if (!this.#sounds) return;
      const { said } = this.record;
      const before = said.list.length;
      said.mark(this.clock.now(), this.clock.now() + 10);
      if (said.list.length > before) this.note("agent sounds");
    };
  }

  #at(atMs: number, act: () => void): void {
    this.clock.schedule(act, atMs);
  }
}

function idOf(person: ScriptedPerson): string {
  return person.id ?? person.userId;
}

function describe(event: object): string {
  if (event instanceof events.ParticipantJoinedEvent) {
    return `event: ${event.participant.id} joined`;
  }
  if (event instanceof events.ParticipantLeftEvent) return `event: ${event.participant.id} left`;
  if (event instanceof events.CallEndedEvent) return `event: call ended, ${event.reason}`;
  if (event instanceof events.ErrorEvent) {
    const { error, context } = event;
    return `event: error, ${context}: ${messageOf(error)}`;
  }
  if (event instanceof events.ConnectionStateChangedEvent) {
    const repairing = event.reconnecting ? ", reconnecting" : "";
    return `event: ${event.previous} -> ${event.state}${repairing}`;
  }
  const { track } = event as events.TrackEvent;
  const what = event instanceof events.TrackAddedEvent
    ? "added"
    : event instanceof events.TrackRemovedEvent
    ? "removed"
    : track.muted
    ? "muted"
    : "unmuted";
  return `event: track ${track.id} of ${track.participant.id} ${what}`;
}
