/** The time of a room: that of its sinks. @module */
import type { Clock } from "../../events/clock.ts";
import { TICK_MS } from "../../audio/grid.ts";

/** How long a tick waits for sinks that have not delivered. */
const GRACE_MS = 2;
/** A timer that fires later than this was held up. */
const HELD_UP_MS = 1.5;
/** Sinks tick together: a sink's first frame this soon after a tick belongs to it. */
const SAME_TICK_MS = 5;
/** How long without a frame until the timer stands in. */
const SILENT_MS = 35;
/** Late ticks after which the clock no longer waits for a sink, or counts its frames anew. */
const LATE_TICKS = 10;
/** Ticks that the timer catches up of the time it missed. */
const CATCH_UP_TICKS = 3;

/** A sink's place on the room's grid. */
export interface ClockMember {
  /** The tick of the latest frame; -1 before the first. */
  readonly number: number;
}

interface Member extends ClockMember {
  number: number;
  live: boolean;
  lateTicks: number;
  framesWhileLate: number;
}

/** Options of a {@linkcode RoomClock}. */
export interface RoomClockInit {
  clock: Clock;
  /**
   * Called when all live sinks have delivered for this tick, or its grace has passed. `behind` further
   * ticks are due already.
   */
  onTick(number: number, behind: number): void;
  /** Called when so many ticks passed without a turn: the timer was held up for longer than it makes up. */
  onSkip?(ticks: number): void;
}

/**
 * The room's time, in ticks of 10 ms. It is the sinks' time: all sinks tick on one clock of wrtc, so
 * that the n-th frame of each belongs to the same tick, even when backlogs arrive sink by sink after
 * a stall. Where no sink delivers, a timer without drift stands in.
 */
export class RoomClock {
  readonly #clock: Clock;
  readonly #onTick: (number: number, behind: number) => void;
  readonly #onSkip: (ticks: number) => void;
  readonly #members = new Set<Member>();
  /** The latest tick that is due, and the latest that is complete. */
  #due = -1;
  #complete = -1;
  /** When the latest ticks became due, by number. */
  readonly #dueAt = new Float64Array(64);
  #lastFrameAt = -Infinity;
  #running = false;
  #completing = false;
  #grace: Disposable | undefined;
  #timer: Disposable | undefined;
  /** When the timer's next tick is due; `undefined` while the sinks tick. */
  #timerAt: number | undefined;
  #lateTicks = 0;

  constructor(options: RoomClockInit) {
    this.#clock = options.clock;
    this.#onTick = options.onTick;
    this.#onSkip = (ticks) => options.onSkip?.(ticks);
  }

  /** The latest tick that is due. */
  get number(): number {
    return this.#due;
  }

  /** Ticks that a sink was late for. */
  get lateTicks(): number {
    return this.#lateTicks;
  }

  /** Whether the timer stands in for sinks. */
  get isTimed(): boolean {
    return this.#timerAt !== undefined;
  }

  /** Starts ticking. Idempotent. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#lastFrameAt = -Infinity;
    this.#startTimer();
  }

  /** Stops ticking; a later start continues the numbers. Idempotent. */
  stop(): void {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    this.#grace?.[Symbol.dispose]();
    this.#timer = this.#grace = this.#timerAt = undefined;
    this.#complete = this.#due;
  }

  /** Adds a sink. */
  attach(): ClockMember {
    const member: Member = { number: -1, live: false, lateTicks: 0, framesWhileLate: 0 };
    this.#members.add(member);
    return member;
  }

  /** Removes a sink. */
  detach(member: ClockMember): void {
    this.#members.delete(member as Member);
    if (!this.#running) return;
    this.#completeDelivered();
    if (this.#members.size > 0 || this.#timerAt !== undefined) return;
    // No sink is left to wait for: those who only listen miss no tick.
    this.#timer?.[Symbol.dispose]();
    this.#startTimer(Math.max(this.#lastFrameAt, this.#clock.now() - TICK_MS));
  }

  /**
   * Returns the tick of a sink's new frame, or -1 when it is too late. The frame must be in its place
   * before {@linkcode RoomClock.delivered} is called.
   */
  arrive(clockMember: ClockMember): number {
    const member = clockMember as Member;
    const now = this.#clock.now();
    this.#lastFrameAt = now;
    if (this.#running && this.#timerAt !== undefined) this.#stopTimer();
    if (!member.live || this.#isShifted(member)) {
      const isNew = this.#due < 0 || now - this.#dueAt[this.#due % 64]! >= SAME_TICK_MS;
      member.number = this.#due + (isNew ? 1 : 0);
      member.live = true;
      member.lateTicks = member.framesWhileLate = 0;
    } else {
      member.number++;
    }
    while (this.#due < member.number) this.#dueAt[++this.#due % 64] = now;
    if (member.number > this.#complete) return member.number;
    member.framesWhileLate++;
    return -1;
  }

  /** Completes the ticks that all sinks have delivered for. */
  delivered(): void {
    if (!this.#running) {
      this.#complete = this.#due;
      return;
    }
    this.#completeDelivered();
  }

  #completeDelivered(): void {
    if (this.#completing) return;
    this.#completing = true;
    try {
      while (this.#complete < this.#due && this.#isDelivered(this.#complete + 1)) this.#tick();
    } finally {
      this.#completing = false;
    }
    this.#awaitGrace();
  }

  #isDelivered(number: number): boolean {
    for (const member of this.#members) if (member.live && member.number < number) return false;
    return true;
  }

  /** A member whose frames keep arriving a tick too late has lost one somewhere. */
  #isShifted(member: Member): boolean {
    return member.lateTicks >= LATE_TICKS && member.framesWhileLate >= LATE_TICKS - 2;
  }

  #tick(): void {
    const number = ++this.#complete;
    for (const member of this.#members) {
      if (member.live && member.number >= number) member.lateTicks = member.framesWhileLate = 0;
    }
    this.#onTick(number, this.#due - number);
  }

  #awaitGrace(): void {
    if (!this.#running || this.#grace !== undefined || this.#complete >= this.#due) return;
    const next = this.#complete + 1;
    const passed = this.#clock.now() - this.#dueAt[next % 64]!;
    const delayMs = Math.max(0, GRACE_MS - passed);
    const dueAt = this.#clock.now() + delayMs;
    this.#grace = this.#clock.schedule(() => {
      // A late timer means that the process was held up, and the frames too: they get their turn.
      if (this.#clock.now() - dueAt <= HELD_UP_MS) this.#endGrace();
      else this.#grace = this.#clock.schedule(() => this.#endGrace(), 0);
    }, delayMs);
  }

  #endGrace(): void {
    this.#grace = undefined;
    const now = this.#clock.now();
    while (
      this.#running && this.#complete < this.#due &&
      (this.#due - this.#complete > 64 ||
        now - this.#dueAt[(this.#complete + 1) % 64]! >= GRACE_MS - 0.5)
    ) {
      this.#noteLate(this.#complete + 1);
      this.#tick();
    }
    this.#completeDelivered();
  }

  #noteLate(number: number): void {
    let late = false;
    for (const member of this.#members) {
      if (!member.live || member.number >= number) continue;
      late = true;
      member.lateTicks++;
      if (member.lateTicks >= LATE_TICKS && member.framesWhileLate === 0) member.live = false;
    }
    if (late) this.#lateTicks++;
  }

  #startTimer(latestTickAt = this.#clock.now()): void {
    this.#timerAt = latestTickAt + TICK_MS;
    this.#scheduleTimer();
  }

  #scheduleTimer(): void {
    this.#timer = this.#clock.schedule(
      () => this.#onTimer(),
      Math.max(0, this.#timerAt! - this.#clock.now()),
    );
  }

  #onTimer(): void {
    const now = this.#clock.now();
    // Timers have whole milliseconds: one that fires a little early is on time.
    const passed = Math.floor((now - this.#timerAt! + 1) / TICK_MS) + 1;
    if (passed <= 0) return this.#scheduleTimer();
    this.#timerAt! += passed * TICK_MS;
    const skipped = Math.max(0, passed - CATCH_UP_TICKS);
    if (skipped > 0) {
      this.#due += skipped;
      this.#complete = this.#due;
      this.#onSkip(skipped);
    }
    for (let tick = skipped; tick < passed; tick++) this.#dueAt[++this.#due % 64] = now;
    this.#completeDelivered();
    if (this.#running && this.#timerAt !== undefined) this.#scheduleTimer();
  }

  #stopTimer(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = undefined;
    this.#watch(this.#clock.now());
  }

  /** Checks at intervals whether the sinks still deliver. */
  #watch(from: number): void {
    this.#timer = this.#clock.schedule(() => {
      const now = this.#clock.now();
      // A late timer means a stall: the sinks' backlog arrives only now.
      const stalled = now - from > 2 * SILENT_MS;
      if (!stalled && now - this.#lastFrameAt > SILENT_MS) this.#startTimer();
      else this.#watch(now);
    }, SILENT_MS);
  }
}
