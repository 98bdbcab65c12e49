/** What a simulated call was like, to be asserted. @module */
import type { CloseReason, ConnectionState } from "../../edge/types.ts";
import { checkOptions } from "../../events/checks.ts";
import type { NetworkFigures } from "./simulated_link.ts";
import type { CallScript } from "./script.ts";
import { type Interval, Intervals, uncovered } from "./intervals.ts";
import { drawTimeline, writeTimeline } from "./timeline.ts";

/** The record of a simulated call, with measurements for tests. */
export class CallRecord {
  /** The speech of people, by participant id: what left their microphones. */
  readonly spoken: Map<string, Intervals> = new Map();
  /** The audio that the agent received, by participant id and time of arrival. */
  readonly heard: Map<string, Intervals> = new Map();
  /** When the agent was audible, as its audio left for the network. */
  readonly said: Intervals = new Intervals(20);
  /** When each participant heard the agent, by participant id. */
  readonly heardBy: Map<string, Intervals> = new Map();
  /** Errors that the call survived. */
  readonly errors: string[] = [];
  /** The longest time between a slot's arrival and its processing. */
  worstLatenessMs = 0;
  /** Slots of 20 ms that were dropped because the agent was too slow. */
  droppedSlots = 0;
  /** Dropped slots per participant id. */
  droppedSlotsByParticipant: { [participantId: string]: number } = {};
  /** Counts of each person's packets. */
  network: { [participantId: string]: NetworkFigures } = {};
  /** The connection's last state. */
  state: ConnectionState = "establishing";
  /** Why it ended. */
  reason: CloseReason | undefined;
  /** How long the call lasted, in milliseconds. The agent may have left earlier. */
  durationMs = 0;
  /** When the agent left, or was removed, in milliseconds since the call began. */
  agentLeftAtMs: number | undefined;
  /** @ignore */
  readonly joined: Set<string> = new Set();
  readonly #lines: string[] = [];
  readonly #delays: (participantId: string) => number;

  /** @ignore */
  constructor(readonly script: CallScript, delays: (participantId: string) => number) {
    this.#delays = delays;
  }

  /** The seed of the call: run it again for the same log. */
  get seed(): number {
    return this.script.seed;
  }

  /** A line for each thing that happened: the same bytes for the same script and seed. */
  get log(): string {
    return this.#lines.join("\n") + "\n";
  }

  /** @ignore */
  note(atMs: number, text: string): void {
    this.#lines.push(`${atMs.toFixed(0).padStart(8)} ${text}`);
  }

  /**
   * Returns how much of a participant the agent heard, in milliseconds.
   *
   * @throws {RangeError} no participant of that id was in the call.
   */
  heardMs(participantId: string): number {
    this.#assertKnown(participantId);
    return this.heard.get(participantId)?.totalMs ?? 0;
  }

  /**
   * Returns the parts of a participant's speech that did not reach the agent's processors, by time
   * of arrival. Leaves out gaps of up to `toleratedMs` (default 20).
   *
   * @throws {RangeError} no participant of that id was in the call.
   */
  gaps(participantId: string, options: { toleratedMs?: number } = {}): Interval[] {
    this.#assertKnown(participantId);
    checkOptions(options, "options", { toleratedMs: true });
    const { toleratedMs = 20 } = options;
    const heard = this.heard.get(participantId)?.list ?? [];
    const delayMs = this.#delays(participantId);
    return (this.spoken.get(participantId)?.list ?? [])
      .map(({ fromMs, untilMs }) => ({ fromMs: fromMs + delayMs, untilMs: untilMs + delayMs }))
      .flatMap((whole) => uncovered(whole, heard))
      .filter((gap) => gap.untilMs - gap.fromMs > toleratedMs);
  }

  /**
   * Returns, for each time that a participant began to speak while hearing the agent, how long they
   * still heard it. Pauses of up to `silenceDurationMs` (default 400), as between words, are not
   * silence.
   *
   * @throws {RangeError} no participant of that id was in the call.
   */
  bargeInToSilenceMs(
    participantId: string,
    options: { silenceDurationMs?: number } = {},
  ): number[] {
    this.#assertKnown(participantId);
    checkOptions(options, "options", { silenceDurationMs: true });
    const agent = new Intervals(options.silenceDurationMs ?? 400);
    for (const { fromMs, untilMs } of this.heardBy.get(participantId)?.list ?? []) {
      agent.mark(fromMs, untilMs);
    }
    return (this.spoken.get(participantId)?.list ?? []).flatMap(({ fromMs }) => {
      const sounding = agent.list.find((one) => one.fromMs < fromMs && one.untilMs > fromMs);
      return sounding ? [sounding.untilMs - fromMs] : [];
    });
  }

  /** Returns the call as a picture in text: who spoke, who was heard, what the agent said. */
  timeline(options: { columns?: number } = {}): string {
    checkOptions(options, "options", { columns: true });
    return writeTimeline(this, options.columns ?? 100);
  }

  /** Returns the call as an SVG picture. */
  svg(): string {
    return drawTimeline(this);
  }

  /** With a misspelt id nothing would be missing, and a test would pass. */
  #assertKnown(participantId: string): void {
    const known = new Set([
      ...this.script.people.map((person) => person.id ?? person.userId),
      // Participants whom the application added itself are in no script.
      ...this.joined,
    ]);
    if (known.has(participantId)) return;
    const names = [...known].map((id) => JSON.stringify(id)).join(", ");
    const got = `got ${JSON.stringify(participantId)}`;
    throw new RangeError(
      known.size === 0
        ? `the call had no participants, ${got}`
        : `participantId: expected one of ${names}, ${got}`,
    );
  }
}
