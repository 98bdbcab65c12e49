import type { Clock } from "../../../events/clock.ts";
import type { Turn } from "../../hearing/turn.ts";
import type { Floor } from "../../speaking/floor.ts";
import { BargeInEvent, BargeInSuspectedEvent, FalseAlarmEvent } from "../../events.ts";
import { isBackChannel } from "../../text/back_channel.ts";

/** When speech over the agent interrupts it. */
export interface BargeInOptions {
  /** Speech that lasts so long interrupts, whatever it says. Default 700. */
  confirmMs?: number;
  /**
   * How long after the last sound the agent stays silent when it is not known what was said.
   * Default 1500.
   */
  patienceMs?: number;
}

/** What a {@linkcode BargeIn} works with. */
export interface BargeInInit extends BargeInOptions {
  floor: Floor;
  clock: Clock;
  emit: (event: object) => void;
}

/** Somebody who speaks over the agent, and may mean it. */
interface Suspect {
  readonly heldMs: number;
  timer: Disposable | undefined;
}

/**
 * Speech over the agent: it is silenced at the first word, and then either what was said means that
 * it is to stop, or it goes on where it was.
 */
export class BargeIn {
  readonly #floor: Floor;
  readonly #clock: Clock;
  readonly #emit: (event: object) => void;
  readonly #confirmMs: number;
  readonly #patienceMs: number;
  readonly #suspects = new Map<Turn, Suspect>();
  /** Turns that began over the agent: a sign of listening in one of these is no turn. */
  readonly #over = new WeakSet<Turn>();
  #cutting: Promise<void> | undefined;

  constructor(init: BargeInInit) {
    this.#floor = init.floor;
    this.#clock = init.clock;
    this.#emit = init.emit;
    this.#confirmMs = init.confirmMs ?? 700;
    this.#patienceMs = init.patienceMs ?? 1500;
  }

  /** Whether somebody might be interrupting. */
  get isSuspected(): boolean {
    return this.#suspects.size > 0;
  }

  /** Settles when an interruption that is under way is complete; it is not, as a rule. */
  get settled(): Promise<void> | undefined {
    return this.#cutting;
  }

  /** He began to speak, or goes on. */
  speech(turn: Turn): void {
    if (!this.#floor.isBusy || this.#cutting) return;
    const now = this.#clock.now();
    const known = this.#suspects.get(turn);
    known?.timer?.[Symbol.dispose]();
    const suspect = known ?? { heldMs: now, timer: undefined };
    this.#suspects.set(turn, suspect);
    this.#over.add(turn);
    const sinceFirstMs = now - Math.max(turn.firstSoundMs, turn.endOfSpeechMs);
    suspect.timer = this.#clock.schedule(
      () => this.#confirm(turn),
      Math.max(0, this.#confirmMs - sinceFirstMs),
    );
    if (known) return;
    this.#floor.hold();
    this.#emit(new BargeInSuspectedEvent({ participant: turn.participant }));
  }

  /** More of what he says was understood. */
  text(turn: Turn): void {
    if (this.#suspects.has(turn) && !isBackChannel(turn.text)) this.#confirm(turn);
  }

  /** He paused. */
  pause(turn: Turn): void {
    const suspect = this.#suspects.get(turn);
    if (!suspect) return;
    suspect.timer?.[Symbol.dispose]();
    suspect.timer = this.#clock.schedule(() => this.#dismiss(turn), this.#patienceMs);
  }

  /** He paused, and all that he said is known. */
  understood(turn: Turn): void {
    if (!this.#suspects.has(turn)) {
      // The agent goes on already, but now it is known that it was meant.
      if (this.#over.has(turn) && this.#floor.isBusy && !isBackChannel(turn.text)) {
        this.#interrupt(turn, this.#clock.now());
      }
    } else if (isBackChannel(turn.text)) this.#dismiss(turn);
    else this.#confirm(turn);
  }

  /** His turn is over; gives whether it was no more than a sign that he listens. */
  ended(turn: Turn): boolean {
    if (turn.text === "") this.#dismiss(turn);
    else this.understood(turn);
    return this.#over.has(turn) && isBackChannel(turn.text);
  }

  /** Something else interrupted the agent. */
  clear(): void {
    for (const { timer } of this.#suspects.values()) timer?.[Symbol.dispose]();
    this.#suspects.clear();
  }

  #confirm(turn: Turn): void {
    const { heldMs } = this.#suspects.get(turn)!;
    this.clear();
    this.#interrupt(turn, heldMs);
  }

  #interrupt(turn: Turn, silentMs: number): void {
    this.#over.delete(turn);
    this.#cutting ??= this.#floor.interrupt().then((discardedMs) => {
      this.#cutting = undefined;
      const { participant, firstSoundMs } = turn;
      const silenceMs = silentMs - firstSoundMs;
      this.#emit(new BargeInEvent({ participant, silenceMs, discardedMs }));
    });
  }

  #dismiss(turn: Turn): void {
    const suspect = this.#suspects.get(turn);
    if (!suspect) return;
    suspect.timer?.[Symbol.dispose]();
    this.#suspects.delete(turn);
    if (this.#suspects.size > 0) return;
    this.#floor.release();
    const pausedMs = this.#clock.now() - suspect.heldMs;
    this.#emit(new FalseAlarmEvent({ participant: turn.participant, pausedMs }));
  }
}
