/** The checks of a script. @module */
import type { CallScript, NetworkConditions, ScriptedPerson, Stall } from "./script.ts";
import { checkOptions, shown } from "../../events/checks.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";

const SCRIPT = {
  seed: true,
  people: true,
  agent: true,
  agentJoinsAtMs: true,
  endsAtMs: true,
  ends: true,
  participantWaitTimeoutMs: true,
  stalls: true,
  reconnects: true,
  onJoined: true,
} as const;
const PERSON = {
  userId: true,
  id: true,
  joinsAtMs: true,
  leavesAtMs: true,
  says: true,
  mutes: true,
  trackDelayMs: true,
  network: true,
} as const;
const NETWORK = {
  delayMs: true,
  jitterMs: true,
  bufferMs: true,
  loss: true,
  burst: true,
  reordering: true,
  duplication: true,
  cuts: true,
} as const;
const BACKLOGS: readonly unknown[] = ["rows", "sinks", "permuted"];

/**
 * Throws when a script is wrong. A mistake in a script could otherwise be a call in which nothing
 * happens, and a test that passes because of it.
 *
 * @throws {TypeError} a field is missing or has the wrong type.
 * @throws {RangeError} a number is out of range, or an id is empty or a duplicate.
 */
export function assertScript(script: CallScript): void {
  checkOptions(script, "script", SCRIPT);
  const { people, agent, endsAtMs, stalls, reconnects } = script;
  assertNumber("endsAtMs", endsAtMs, { finite: true });
  assertOptional("agentJoinsAtMs", script.agentJoinsAtMs, { finite: true });
  assertOptional("participantWaitTimeoutMs", script.participantWaitTimeoutMs);
  if (typeof agent !== "function") {
    throw new TypeError(`agent: expected a function, got ${shown(agent)}`);
  }
  if (script.onJoined !== undefined && typeof script.onJoined !== "function") {
    throw new TypeError(`onJoined: expected a function, got ${shown(script.onJoined)}`);
  }
  if (!Array.isArray(people)) throw new TypeError(`people: expected a list, got ${shown(people)}`);
  const ids = new Map<string, string>();
  people.forEach((person: ScriptedPerson, index) => {
    const name = `people[${index}]`;
    assertPerson(name, person, endsAtMs);
    const id = person.id ?? person.userId;
    const field = `${name}.${person.id === undefined ? "userId" : "id"}`;
    const other = ids.get(id);
    if (other !== undefined) {
      throw new RangeError(
        `${field}: expected another than ${other}, got ${shown(id)} twice: ` +
          `give each device of a user its own id`,
      );
    }
    ids.set(id, field);
  });
  each("stalls", stalls, assertStall);
  each("reconnects", reconnects, assertRange);
}

function assertPerson(name: string, person: ScriptedPerson, endsAtMs: number): void {
  checkOptions(person, name, PERSON);
  assertId(`${name}.userId`, person.userId);
  if (person.id !== undefined) assertId(`${name}.id`, person.id);
  const { joinsAtMs = 0, leavesAtMs = Infinity } = person;
  assertNumber(`${name}.joinsAtMs`, joinsAtMs, { finite: true });
  assertNumber(`${name}.leavesAtMs`, leavesAtMs);
  if (leavesAtMs <= joinsAtMs) {
    throw new RangeError(
      `${name}.leavesAtMs: expected a time after joinsAtMs (${joinsAtMs}), got ${leavesAtMs}`,
    );
  }
  assertOptional(`${name}.trackDelayMs`, person.trackDelayMs);
  each(`${name}.says`, person.says, (field, utterance) => {
    checkOptions(utterance, field, { atMs: true, pcm: true });
    const { atMs, pcm } = utterance;
    assertNumber(`${field}.atMs`, atMs);
    if (atMs > endsAtMs) {
      throw new RangeError(`${field}.atMs: expected at most endsAtMs (${endsAtMs}), got ${atMs}`);
    }
    if (!(pcm instanceof PcmChunk)) {
      throw new TypeError(`${field}.pcm: expected a PcmChunk, got ${shown(pcm)}`);
    }
  });
  each(`${name}.mutes`, person.mutes, assertRange);
  if (person.network !== undefined) assertNetwork(`${name}.network`, person.network);
}

function assertNetwork(name: string, network: NetworkConditions): void {
  checkOptions(network, name, NETWORK);
  for (const key of ["delayMs", "jitterMs", "bufferMs"] as const) {
    assertOptional(`${name}.${key}`, network[key], { finite: true });
  }
  for (const key of ["loss", "reordering", "duplication"] as const) {
    assertOptional(`${name}.${key}`, network[key], { most: 1 });
  }
  assertOptional(`${name}.burst`, network.burst, { least: 1, finite: true });
  each(`${name}.cuts`, network.cuts, assertRange);
}

function assertStall(name: string, stall: Stall): void {
  checkOptions(stall, name, { atMs: true, forMs: true, backlog: true });
  assertNumber(`${name}.atMs`, stall.atMs, { finite: true });
  assertNumber(`${name}.forMs`, stall.forMs, { finite: true });
  if (stall.backlog !== undefined && !BACKLOGS.includes(stall.backlog)) {
    throw new TypeError(
      `${name}.backlog: expected "rows", "sinks" or "permuted", got ${shown(stall.backlog)}`,
    );
  }
}

function assertRange(name: string, range: readonly [fromMs: number, untilMs: number]): void {
  if (!Array.isArray(range) || range.length !== 2) {
    throw new TypeError(`${name}: expected [fromMs, untilMs], got ${shown(range)}`);
  }
  const [from, until] = range;
  assertNumber(`${name}[0]`, from, { finite: true });
  assertNumber(`${name}[1]`, until);
  if (until < from) throw new RangeError(`${name}[1]: expected at least ${from}, got ${until}`);
}

function each<T>(
  name: string,
  list: readonly T[] | undefined,
  assert: (name: string, one: T) => void,
): void {
  if (list === undefined) return;
  if (!Array.isArray(list)) throw new TypeError(`${name}: expected a list, got ${shown(list)}`);
  list.forEach((one: T, index) => assert(`${name}[${index}]`, one));
}

interface Limits {
  least?: number;
  most?: number;
  /** Whether `Infinity`, for never, is not allowed. */
  finite?: boolean;
}

function assertOptional(name: string, value: number | undefined, limits?: Limits): void {
  if (value !== undefined) assertNumber(name, value, limits);
}

function assertNumber(name: string, value: unknown, limits: Limits = {}): void {
  const { least = 0, most = Infinity, finite = false } = limits;
  const expected = most < Infinity
    ? `a number from ${least} to ${most}`
    : `a ${finite ? "finite " : ""}number >= ${least}`;
  const message = `${name}: expected ${expected}, got ${shown(value)}`;
  if (typeof value !== "number") throw new TypeError(message);
  if (!(value >= least && value <= most) || (finite && value === Infinity)) {
    throw new RangeError(message);
  }
}

function assertId(name: string, value: unknown): void {
  if (typeof value !== "string") {
    throw new TypeError(`${name}: expected a string, got ${shown(value)}`);
  }
  if (value === "") throw new RangeError(`${name}: expected a text, got ""`);
}
