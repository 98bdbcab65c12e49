import type { CloseReason, ConnectionState } from "../../edge/types.ts";
import type { NetworkFigures } from "./network.ts";
import type { CallScript } from "./script.ts";
import { type Interval, Intervals, uncovered } from "./intervals.ts";
import { drawTimeline, writeTimeline } from "./timeline.ts";

/** What happened in a simulated call, and questions that tests ask of it. */
export class CallRecord {
  /** What people said, by participant id: what left their microphones. */
  readonly spoken: Map<string, Intervals> = new Map();
  /** Whom the agent heard, by participant id, by the time at which it was said and arrived. */
  readonly heard: Map<string, Intervals> = new Map();
  /** When the agent sounded, as it left its network. */
  readonly said: Intervals = new Intervals(20);
  /** When the agent was heard, by participant id. */
  readonly heardBy: Map<string, Intervals> = new Map();
  /** What went wrong and was survived. */
  readonly errors: string[] = [];
  /** How much later than it arrived something was processed, at worst. */
  worstLatenessMs = 0;
  /** Slots of 20 ms that were dropped because the agent was too slow. */
  droppedSlots = 0;
  /** The same by participant id: each has a ring of his own. */
  droppedBy: { [participantId: string]: number } = {};
  /** What became of each person's packets. */
  network: { [participantId: string]: NetworkFigures } = {};
  /** The connection's last state. */
  state: ConnectionState = "establishing";
  /** Why it ended. */
  reason: CloseReason | undefined;
  /** How long it lasted, in milliseconds. */
  durationMs = 0;
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

  /** Everything that happened, a line each: the same bytes for the same script and seed. */
  get log(): string {
    return this.#lines.join("\n") + "\n";
  }

  /** @ignore */
  note(atMs: number, text: string): void {
    this.#lines.push(`${atMs.toFixed(0).padStart(8)} ${text}`);
  }

  /**
   * How much of somebody was heard, in milliseconds.
   *
   * @throws {RangeError} nobody of that id was in the call.
   */
  heardMs(participantId: string): number {
    this.#assertKnown(participantId);
    return this.heard.get(participantId)?.totalMs ?? 0;
  }

  /**
   * What of somebody's words did not reach the agent's processors, by the time of their arrival.
   * Gaps up to `toleratedMs` (default 20) are left out.
   *
   * @throws {RangeError} nobody of that id was in the call.
   */
  gaps(participantId: string, options: { toleratedMs?: number } = {}): Interval[] {
    this.#assertKnown(participantId);
    const { toleratedMs = 20 } = options;
    const heard = this.heard.get(participantId)?.list ?? [];
    const delayMs = this.#delays(participantId);
    return (this.spoken.get(participantId)?.list ?? [])
      .map(({ fromMs, untilMs }) => ({ fromMs: fromMs + delayMs, untilMs: untilMs + delayMs }))
      .flatMap((whole) => uncovered(whole, heard))
      .filter((gap) => gap.untilMs - gap.fromMs > toleratedMs);
  }

  /**
   * For each time that somebody began to speak while he heard the agent: how long the agent still
   * sounded to him. Pauses up to `pauseMs` (default 400), as between words, are no silence.
   *
   * @throws {RangeError} nobody of that id was in the call.
   */
  bargeInToSilenceMs(participantId: string, options: { pauseMs?: number } = {}): number[] {
    this.#assertKnown(participantId);
    const agent = new Intervals(options.pauseMs ?? 400);
    for (const { fromMs, untilMs } of this.heardBy.get(participantId)?.list ?? []) {
      agent.mark(fromMs, untilMs);
    }
    return (this.spoken.get(participantId)?.list ?? []).flatMap(({ fromMs }) => {
      const sounding = agent.list.find((one) => one.fromMs < fromMs && one.untilMs > fromMs);
      return sounding ? [sounding.untilMs - fromMs] : [];
    });
  }

  /** The call as a picture in text: who spoke, who was heard, what the agent said. */
  timeline(options: { columns?: number } = {}): string {
    return writeTimeline(this, options.columns ?? 100);
  }

  /** The call as an SVG picture. */
  svg(): string {
    return drawTimeline(this);
  }

  /** A misspelt id would be somebody of whom nothing is missing. */
  #assertKnown(participantId: string): void {
    const known = new Set([
      ...this.script.people.map((person) => person.id ?? person.userId),
      // Whom the application let in by itself is in no script.
      ...this.joined,
    ]);
    if (known.has(participantId)) return;
    const names = [...known].map((id) => JSON.stringify(id)).join(", ");
    const got = `got ${JSON.stringify(participantId)}`;
    throw new RangeError(
      known.size === 0
        ? `nobody was in the call, ${got}`
        : `participantId must be one of ${names}, ${got}`,
    );
  }
}
