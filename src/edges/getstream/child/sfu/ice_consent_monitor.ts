import type { Clock } from "@ringline/edge/toolkit";

/** How often is looked. */
const LOOK_MS = 1000;
/** Questions without an answer for so long mean that nobody is there. */
const DEAD_MS = 5000;
const FEWEST_QUESTIONS = 2;

/** What is watched. */
export interface IceConsentMonitorOptions {
  clock: Clock;
  /** wrtc's statistics of a connection; empty while there is nothing to watch. */
  stats: () => Promise<readonly Record<string, unknown>[]>;
  /** The path is dead; called once for each time it dies. */
  onDead: () => void;
  /** It lives again. */
  onAlive: () => void;
}

/**
 * Notices that the other end of a connection is gone. ICE itself takes 18 s to say so, and says
 * nothing before; but it asks the other end every 2.5 s at least, and counts the answers.
 */
export class IceConsentMonitor {
  readonly #options: IceConsentMonitorOptions;
  #timer: Disposable | undefined;
  #answers = 0;
  #questions = 0;
  #answeredAt = 0;
  #isDead = false;
  #stopped = false;

  constructor(options: IceConsentMonitorOptions) {
    this.#options = options;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.[Symbol.dispose]();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.schedule(() => {
      this.#look().catch(() => {}).finally(() => this.#schedule());
    }, LOOK_MS);
  }

  async #look(): Promise<void> {
    const reports = await this.#options.stats();
    if (this.#stopped) return;
    let questions = 0;
    let answers = 0;
    for (const report of reports) {
      if (report.type !== "candidate-pair") continue;
      questions += Number(report.requestsSent) || 0;
      answers += Number(report.responsesReceived) || 0;
    }
    const now = this.#options.clock.now();
    const isReset = questions < this.#questions || answers < this.#answers;
    if (answers > this.#answers || isReset || questions === 0) {
      // Fewer than before: ICE was restarted and counts anew, which says nothing yet.
      const isAlive = answers > this.#answers && !isReset;
      this.#answers = answers;
      this.#questions = questions;
      this.#answeredAt = now;
      if (isAlive && this.#isDead) {
        this.#isDead = false;
        this.#options.onAlive();
      }
      return;
    }
    if (this.#isDead || now - this.#answeredAt < DEAD_MS) return;
    if (questions - this.#questions < FEWEST_QUESTIONS) return;
    this.#isDead = true;
    this.#options.onDead();
  }
}
