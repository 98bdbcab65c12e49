/** Runs a call of a script in virtual time. @module */
import type { CallScript, ScriptedPerson, Simulation } from "./script.ts";
import type { Call } from "../../edge/call.ts";
import type { VAD } from "../../inference/contracts/vad.ts";
import { energyVad } from "../../inference/vad/energy_vad.ts";
import { Agent } from "../../agent/agent.ts";
import { checkMethods, checkObject } from "../../events/checks.ts";
import { promised, promiseIn } from "../../events/user_code.ts";
import { sleep } from "../../events/waiting.ts";
import { SLOT_MS } from "../../audio/grid.ts";
import { Random } from "../random.ts";
import type { MemoryParticipant } from "../memory_participant.ts";
import { VirtualClock } from "../virtual_clock.ts";
import { assertScript } from "./assert_script.ts";
import { CallRecord } from "./call_record.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { heldVad } from "./held_vad.ts";
import { Intervals } from "./intervals.ts";
import { recordAgentAudio, recorder, recordEvents } from "./recording.ts";
import { SIMULATED_CALL, SimulatedEdge } from "./simulated_edge.ts";
import { StallableClock } from "./stallable_clock.ts";
import { messageOf } from "../../events/error_text.ts";

/** How long the simulation waits for the agent's models to load, in real time. */
const LOADING_LIMIT_MS = 30_000;
/** No time limit of a component's start is shorter: a shorter timer is a sleep. */
const LEAST_LIMIT_MS = 1000;

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
 * Ten minutes take some seconds, and the same seed gives the same log to the byte.
 *
 * An agent with `stt` and no `vad` goes by loudness here, with `energyVad()`: the sounds of a script
 * are no voices, and its default would hear none in them. For recorded voices pass `neuralVad()`.
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
  #isOver = false;
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

  readonly note = (text: string): void => {
    this.record.note(this.clock.now(), text);
  };

  async run(): Promise<void> {
    const { clock, edge, record } = this;
    const script = this.#script;
    recordEvents(record, edge);
    recordAgentAudio(record, edge, (isAudible) => this.#sounds = isAudible);
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
      ...options.stt && !options.vad && { vad: energyVad() },
      ...isVad(options.vad) && { vad: heldVad(options.vad, clock) },
      edge,
      clock: this.#agentClock,
      agentUser: { id: "agent", name: "Agent" },
      processors: [recorder(this.record, clock), ...options.processors ?? []],
    });
    const call = await agent.createCall("default", SIMULATED_CALL);
    for (const person of script.people) this.#play(person, call);
    for (const stall of script.stalls ?? []) this.#at(stall.atMs, () => this.#stall(stall));
    for (const [from, until] of script.reconnects ?? []) {
      const drop = (isReconnecting: boolean) => {
        if (agent.connection) this.edge.dropNetwork(agent.connection, isReconnecting);
      };
      this.#at(from, () => drop(true));
      this.#at(until, () => drop(false));
    }
    let hasJoined = false;
    let failure: { error: unknown } | undefined;
    await clock.advance(script.agentJoinsAtMs ?? 0);
    const { participantWaitTimeoutMs = 0 } = script;
    const joined = agent.join(call, { participantWaitTimeoutMs })
      .then(() => {
        hasJoined = true;
        return promised<void>(() => script.onJoined?.(this));
      })
      .catch((error) => failure = { error });
    await this.#load(joined);
    const restMs = Math.max(0, script.endsAtMs - clock.now());
    await clock.until(Promise.race([edge.ended, sleep(restMs, { clock })]), Infinity);
    const isTooShort = !hasJoined && !failure;
    await this.#end(agent, call);
    if (isTooShort) {
      throw new Error(
        `the agent was still joining when the call ended, at ${record.durationMs} ms: expected a ` +
          "later endsAtMs or, if it waits for a file or a request, simulation.real(promise)",
      );
    }
    if (failure) throw failure.error;
  }

  // It may be taken out of the simulation: `({ agent, real }) => ...`.
  readonly real = <T>(promise: PromiseLike<T>): Promise<T> => this.clock.real(promise);

  /**
   * Waits until the agent has started its processors and models: a model loads in real time, for which
   * the call's time stands still. What they sleep in the call's own time passes.
   */
  async #load(joined: Promise<unknown>): Promise<void> {
    let isOver = false;
    void joined.then(() => isOver = true);
    const givenUpAt = performance.now() + LOADING_LIMIT_MS;
    while (!isOver && !this.edge.isJoining && performance.now() < givenUpAt) {
      const sleepsMs = this.#agentClock.nextAt - this.clock.now();
      // What is due later is a time limit, of a second or more.
      if (sleepsMs < LEAST_LIMIT_MS) await this.clock.advance(sleepsMs);
      else await sleep(1);
    }
  }

  /** Ends the call, unless the agent or the test has, and completes the record. */
  async #end(agent: Agent, call: Call): Promise<void> {
    const { clock, edge, record } = this;
    this.#isOver = true;
    const endedAtMs = clock.now();
    const { ends = "call-ended" } = this.#script;
    const isOpen = agent.connection && agent.connection.state !== "closed";
    if (!isOpen || ends === "left") void agent.close();
    else if (ends === "call-ended") void edge.endCall(call);
    else edge.end(agent.connection!, ends);
    await clock.until(agent.close());
    record.state = agent.connection?.state ?? "establishing";
    record.reason = agent.connection?.closeReason;
    record.droppedSlots = agent.droppedSlots;
    record.droppedSlotsByParticipant = Object.fromEntries(agent.droppedSlotsByParticipant);
    record.network = this.#network.figures;
    record.durationMs = Math.max(endedAtMs, record.agentLeftAtMs ?? 0);
    this.note(`over: ${record.reason}, ${record.droppedSlots} slots dropped`);
    await clock.until(edge.close());
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

  /** Acts at a time, unless the call is over by then. */
  #at(atMs: number, act: () => void): void {
    this.clock.schedule(() => {
      if (!this.#isOver) act();
    }, atMs);
  }
}

/** Whether it can be used: if not, the agent says what is wrong with it. */
function isVad(vad: VAD | undefined): vad is VAD {
  return typeof vad?.name === "string" && typeof vad.open === "function";
}

function idOf(person: ScriptedPerson): string {
  return person.id ?? person.userId;
}
