/** What the application asks the agent to say, until it would talk over no participant. @module */
import type { Participant } from "../../edge/types.ts";
import type { Clock } from "../../events/clock.ts";
import type { UnheardSpeechTimeout } from "../turns/unheard_speech_timeout.ts";
import type { UserTurn } from "../turns/user_turn.ts";
import type { UserTurnObserver } from "../turns/user_turn_observer.ts";
import type { SpeechOutcome } from "./speech_handle.ts";
import { promised } from "../../events/user_code.ts";

/** What {@linkcode SpeechAdmission} needs. */
export interface SpeechAdmissionInit {
  clock: Clock;
  unheardSpeech: Pick<UnheardSpeechTimeout, "mayBeWords">;
  /** Returns the turns in progress. */
  turnsInProgress: () => readonly UserTurn[];
  /** Returns whether a turn is over of which it is not decided yet whether it gets a reply. */
  isDeciding: () => boolean;
  /** Throws a RangeError where no more can be said, with so many requests waiting. */
  checkCapacity: (waiting: number) => void;
}

/** The longest that people are waited for. */
const LIMIT_MS = 3000;
/** How often to see whether a sound has turned out to be noise. */
const POLL_MS = 100;

interface Request {
  readonly askedMs: number;
  readonly staleAtMs: number;
  /** The only participant who hears it, where others do not. */
  readonly to: Participant | undefined;
  readonly start: () => Promise<SpeechOutcome>;
  readonly outcome: PromiseWithResolvers<SpeechOutcome>;
  /** Resolves when it waits no more. */
  readonly begun: PromiseWithResolvers<void>;
  /** Whether a turn has ended since: the reply to it comes before it. */
  isAfterReply: boolean;
}

const DROPPED: SpeechOutcome = { text: "", interrupted: true };

/**
 * Has what the application wants said wait while the words of a participant are being transcribed,
 * for a limited time. Noise is not waited for.
 */
export class SpeechAdmission implements UserTurnObserver {
  readonly #init: SpeechAdmissionInit;
  readonly #waiting: Request[] = [];
  #timer: Disposable | undefined;

  constructor(init: SpeechAdmissionInit) {
    this.#init = init;
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Starts a speech as soon as no one is talked over; resolves when it has ended.
   *
   * @param start adds the speech to the queue, and resolves or rejects when it has ended
   * @param options.staleAtMs when it is not to be started any more
   * @param options.to the only participant who hears it: no other is talked over
   * @throws {RangeError} too much waits already.
   */
  async admit(
    start: () => Promise<SpeechOutcome>,
    { staleAtMs, to }: { staleAtMs: number; to?: Participant },
  ): Promise<SpeechOutcome> {
    const { clock, checkCapacity } = this.#init;
    checkCapacity(this.#waiting.length);
    // What waits for a reply does not hold up what is asked for since: the hook that decides may wait for it.
    const isNext = this.#waiting.every(({ isAfterReply }) => isAfterReply);
    if (isNext && !this.#isTalkedOver(to)) return await start();
    const outcome = Promise.withResolvers<SpeechOutcome>();
    const begun = Promise.withResolvers<void>();
    const askedMs = clock.now();
    this.#waiting.push({ askedMs, staleAtMs, to, start, outcome, begun, isAfterReply: false });
    this.#check();
    return await outcome.promise;
  }

  turnEnded(): void {
    for (const request of this.#waiting) request.isAfterReply = true;
    this.#check();
  }

  speakerLeft(): void {
    this.#check();
  }

  /** Settles when none of the requests waits any more that wait now. */
  get idle(): Promise<unknown> {
    return Promise.all(this.#waiting.map(({ begun }) => begun.promise));
  }

  /** Drops everything that waits. */
  clear(): void {
    this.#timer?.[Symbol.dispose]();
    for (const request of this.#waiting.splice(0)) drop(request);
  }

  /** Drops what only this participant was to hear: they have left. */
  leave({ id }: Participant): void {
    for (const request of this.#waiting.filter(({ to }) => to?.id === id)) {
      this.#waiting.splice(this.#waiting.indexOf(request), 1);
      drop(request);
    }
  }

  #check(): void {
    const { clock } = this.#init;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    for (const request of [...this.#waiting]) {
      const now = clock.now();
      const { askedMs, staleAtMs, outcome } = request;
      if (now - askedMs < LIMIT_MS && this.#isHeld(request)) {
        this.#timer ??= clock.schedule(() => this.#check(), POLL_MS);
        if (this.#isTalkedOver(request.to)) return;
        continue;
      }
      this.#waiting.splice(this.#waiting.indexOf(request), 1);
      request.begun.resolve();
      if (now >= staleAtMs) outcome.resolve(DROPPED);
      else outcome.resolve(promised(request.start));
    }
  }

  /** Whether people are waited for, or the reply that this request comes after. */
  #isHeld({ isAfterReply, to }: Request): boolean {
    return isAfterReply && this.#init.isDeciding() || this.#isTalkedOver(to);
  }

  /** Whether a participant who would hear it is speaking. */
  #isTalkedOver(to: Participant | undefined): boolean {
    const { clock, turnsInProgress, unheardSpeech } = this.#init;
    const now = clock.now();
    return turnsInProgress().some((turn) =>
      (!to || turn.participant.id === to.id) && unheardSpeech.mayBeWords(turn, now)
    );
  }
}

function drop({ outcome, begun }: Request): void {
  outcome.resolve(DROPPED);
  begun.resolve();
}
