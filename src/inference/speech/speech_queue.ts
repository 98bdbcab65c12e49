/** The speeches that wait, and what becomes of them when one is interrupted. @module */
import type { Clock } from "../../events/clock.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { PlaybackReference } from "../echo/playback_reference.ts";
import type { Participant } from "../../edge/types.ts";
import type { SpeechHandle } from "./speech_handle.ts";
import { attempt, promised, type Report } from "../../events/user_code.ts";
import { sleep, waitFor } from "../../events/waiting.ts";
import { hasWords } from "../contracts/words.ts";
import { POLL_MS, SpeechPlayer } from "./speech_player.ts";

/** Options for a {@linkcode SpeechQueue}. */
export interface SpeechQueueInit {
  track: OutboundAudioTrack;
  clock: Clock;
  /** Waits until there is a person to hear it; returns `undefined` where there is one already. */
  untilHeard?: (signal: AbortSignal) => Promise<unknown> | undefined;
  /** Called with what is written to the track. */
  playback: Pick<PlaybackReference, "write">;
  /**
   * Called with what waits, and people cannot interrupt, when they interrupt what is said before it:
   * adds it again, or drops it. Default: it is said next.
   */
  onKept?: (speech: SpeechHandle) => void;
  /** Called when fewer speeches wait than before. */
  onFewer?: () => void;
  report: Report;
}

/** A track that takes longer than this to flush is not waited for. */
const FLUSH_LIMIT_MS = 3000;
/** A speech that waits for a tool lets others be said, if its voice has returned nothing for so long. */
const SILENT_MS = 200;
/** What the track may withhold of a speech until more is written. */
const WITHHELD_MS = 30;
/** How long a speech may be silent, and its model or voice at work, when the last words are said. */
const LAST_SILENCE_MS = 3000;
/** How many speeches may wait. */
const MAX_WAITING = 32;

interface SuspendedSpeech {
  readonly speech: SpeechHandle;
  readonly resume: () => void;
  readonly resumed: Promise<void>;
}

/**
 * Plays one speech after another, on the agent's track or on that of the only participant who hears it.
 * What is added while a speech waits in silence for a tool is played meanwhile, as soon as it has
 * something to say.
 */
export class SpeechQueue {
  readonly #options: SpeechQueueInit;
  readonly #player: SpeechPlayer;
  readonly #waiting: SpeechHandle[] = [];
  readonly #closing = new AbortController();
  #active: SpeechHandle | undefined;
  /** Speeches that wait in silence while another one is played, and what lets each go on. */
  readonly #suspended: SuspendedSpeech[] = [];
  #interludeTimer: Disposable | undefined;
  #interrupting: Promise<number> | undefined;
  /** The track that was paused. */
  #paused: OutboundAudioTrack | undefined;
  /** The latest speech that has ended during which what people said is forgotten. */
  #discarding: { speech: SpeechHandle; toMs: number } | undefined;

  constructor(options: SpeechQueueInit) {
    this.#options = options;
    this.#player = new SpeechPlayer({
      ...options,
      resumed: (speech) => this.#resumed(speech),
      suspended: () => this.#suspended.map(({ speech }) => speech),
      onStale: (speech) => {
        this.drop(speech);
        if (this.#active === speech) this.#active = undefined;
        this.#playNext();
      },
      onEnded: (speech, all) => this.#end(speech, all),
    });
  }

  /** Whether a speech is being played, or waits. */
  get isBusy(): boolean {
    return this.#active !== undefined || this.#waiting.length > 0 || this.#suspended.length > 0;
  }

  /** Whether what is being said, and what waits in silence, allows people to interrupt it. */
  get allowsInterruption(): boolean {
    return this.#begun.every((speech) => speech.allowsInterruption);
  }

  /** Whether a participant hears nothing that does not allow them to interrupt it. */
  allowsInterruptionBy(participant: Participant): boolean {
    return this.#begunFor(participant).every((speech) => speech.allowsInterruption);
  }

  /** Whether a participant can interrupt what is being said: they hear it, and it allows that. */
  canBeInterruptedBy(participant: Participant): boolean {
    const isHeard = this.#active?.isHeardBy(participant) ?? true;
    return isHeard && this.allowsInterruptionBy(participant);
  }

  /** How much of the current speech the listener has heard, in milliseconds. */
  get spokenMs(): number {
    const { startMs = Infinity } = this.#active ?? {};
    return Math.max(0, this.#trackOf(this.#active).heardMs - startMs);
  }

  /** How much is still to be heard, in milliseconds; `Infinity` while more may come. */
  get remainingMs(): number {
    if (this.#waiting.length > 0) return Infinity;
    if (!this.#active) return 0;
    const { spoken, startMs } = this.#active;
    if (!spoken.isComplete || startMs === undefined) return Infinity;
    return Math.max(0, startMs + spoken.audioMs - this.#trackOf(this.#active).heardMs);
  }

  /** Since when the listener has heard the speech that is being played; `undefined` where not. */
  get playingSinceMs(): number | undefined {
    return this.#active?.times.playbackStartedMs || undefined;
  }

  /**
   * Whether what a participant said at that time is to be forgotten, because of what the agent said to
   * them then.
   */
  discards(atMs: number, participant: Participant): boolean {
    const isDuring = (speech: SpeechHandle, toMs: number) => {
      const { playbackStartedMs } = speech.times;
      return speech.discardsUserTurns && speech.isHeardBy(participant) &&
        playbackStartedMs !== 0 && atMs >= playbackStartedMs && atMs <= toMs;
    };
    const { speech, toMs } = this.#discarding ?? {};
    return this.#active !== undefined && isDuring(this.#active, Infinity) ||
      speech !== undefined && isDuring(speech, toMs!);
  }

  /** Whether a speech to all has begun of which nothing is heard: its model, its voice or a tool works. */
  get isThinking(): boolean {
    const speech = this.#active;
    return speech !== undefined && !speech.track &&
      (speech.startMs === undefined || speech.isWaiting && this.#isSilent(speech));
  }

  /** Whether there is something of the current speech that the listener has not heard yet. */
  get isSounding(): boolean {
    const { spoken, endMs = 0 } = this.#active ?? {};
    return spoken !== undefined && spoken.audioMs > 0 &&
      this.#trackOf(this.#active).heardMs < endMs - WITHHELD_MS;
  }

  /** How many speeches wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Plays a speech after everything that was added before.
   *
   * @throws {RangeError} the queue is full.
   */
  add(speech: SpeechHandle): void {
    if (this.#closing.signal.aborted) return this.drop(speech);
    this.checkCapacity();
    this.#waiting.push(speech);
    if (this.#active) this.checkInterlude();
    else this.#playNext();
  }

  /** Plays what has something to say as soon as the speech in progress waits in silence. */
  checkInterlude(): void {
    this.#interludeTimer?.[Symbol.dispose]();
    const speech = this.#active;
    const isAlone = this.#waiting.length === 0 && this.#suspended.length === 0;
    if (!speech?.isWaiting || isAlone || this.#interrupting) return;
    const isNext = this.#ready !== undefined || this.#waiting.some(({ isThinking }) => !isThinking);
    if (!isNext || !this.#isSilent(speech)) {
      this.#interludeTimer = this.#options.clock.schedule(() => this.checkInterlude(), POLL_MS);
      return;
    }
    const { promise: resumed, resolve: resume } = Promise.withResolvers<void>();
    this.#suspended.push({ speech, resume, resumed });
    this.#active = undefined;
    this.#playNext();
  }

  /**
   * Checks that a speech can be added.
   *
   * @param more how many are going to be added before it
   * @throws {RangeError} the queue is full.
   */
  checkCapacity(more = 0): void {
    const room = MAX_WAITING + (this.#active ? 0 : 1);
    if (this.#waiting.length + more < room || this.#closing.signal.aborted) return;
    throw new RangeError(
      `speech queue full (${MAX_WAITING} waiting): await say() or interrupt() first`,
    );
  }

  /**
   * Resolves when the listener has heard all that is to be said, but for what waits for a tool. A speech
   * of which nothing comes for three seconds is dropped.
   */
  async drained(): Promise<void> {
    const { clock } = this.#options;
    const isHeard = () =>
      this.#waiting.length === 0 &&
      this.#begun.every((speech) => speech.isWaiting && this.#isSilent(speech));
    let soundMs = clock.now();
    while (!isHeard()) {
      const speech = this.#active;
      // What waits besides one that waits for a tool has nothing to say yet.
      const thinking = speech?.isWaiting ? this.#waiting[0] : speech;
      if (!thinking || this.isSounding) soundMs = clock.now();
      await sleep(POLL_MS, { clock });
      if (speech !== this.#active || clock.now() - soundMs < LAST_SILENCE_MS) continue;
      if (thinking) this.#skip(thinking);
      soundMs = clock.now();
    }
  }

  /** Falls silent and keeps everything. */
  pause(): void {
    const track = this.#trackOf(this.#active);
    if (track !== this.#paused) this.#paused?.resume();
    this.#paused = track;
    track.pause();
  }

  /** Goes on where it was paused. */
  resume(): void {
    (this.#paused ?? this.#options.track).resume();
    this.#paused = undefined;
  }

  /**
   * Interrupts the speech that is being played and drops those that wait, but for those that people
   * cannot interrupt. The track falls silent immediately; resolves, when all of them have ended, with
   * the milliseconds that were written and never played.
   *
   * @param options.all drops those, too
   * @param options.by who interrupts: what they do not hear goes on, or is said all the same
   */
  interrupt(options: { all?: boolean; by?: Participant } = {}): Promise<number> {
    if (this.#interrupting) {
      // What was added since is dropped too, and what is added later must not stay paused.
      this.resume();
      for (const speech of this.#takeWaiting(options)) this.drop(speech);
      // What the one who interrupts does not hear has gone on.
      const isLeft = this.#begunFor(options.by).some(({ signal }) => !signal.aborted);
      return isLeft ? this.#interrupting.then(() => this.interrupt(options)) : this.#interrupting;
    }
    return this.#interrupting = this.#interruptAll(options).finally(() => {
      this.#interrupting = undefined;
      // What was added meanwhile has waited for this.
      this.#playNext();
    });
  }

  /** Interrupts everything; what is added later is dropped. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
    await this.interrupt({ all: true });
  }

  /** Ends what only this participant was to hear, also what waits: they have left. */
  leave({ id }: Participant): void {
    const isTheirs = (speech: SpeechHandle) => speech.track?.to?.id === id;
    const waiting = this.#waiting.filter(isTheirs);
    for (const speech of waiting) this.#waiting.splice(this.#waiting.indexOf(speech), 1);
    if (waiting.length > 0) this.#options.onFewer?.();
    for (const speech of [...this.#begun.filter(isTheirs), ...waiting]) this.drop(speech);
    if (this.#active?.isEnded) this.#active = undefined;
    this.#playNext();
  }

  /** Ends a speech that is not to be played. */
  drop(speech: SpeechHandle): void {
    this.#stop(speech);
    this.#finish(speech, false);
  }

  /** Takes what waits and is to be dropped out of the queue. */
  #takeWaiting({ all = false, by }: { all?: boolean; by?: Participant }): SpeechHandle[] {
    const waiting = this.#waiting.splice(0);
    const { onKept = (speech) => void this.#waiting.push(speech) } = this.#options;
    const isKept = (speech: SpeechHandle) =>
      !speech.allowsInterruption || by !== undefined && !speech.isHeardBy(by);
    const kept = all ? [] : waiting.filter(isKept);
    for (const speech of kept) onKept(speech);
    if (this.#waiting.length < waiting.length) this.#options.onFewer?.();
    return waiting.filter((speech) => !kept.includes(speech));
  }

  async #interruptAll(options: { all?: boolean; by?: Participant }): Promise<number> {
    const { clock, report } = this.#options;
    const begun = this.#begunFor(options.by);
    const waiting = this.#takeWaiting(options);
    const tracks = new Set([this.#options.track, ...begun.map((one) => this.#trackOf(one))]);
    for (const speech of [...begun, ...waiting]) this.#stop(speech);
    let discardedMs = 0;
    try {
      const flushing = Promise.all([...tracks].map((track) => promised(() => track.flush())));
      // After the flush: what is left of the old speech must not be heard.
      this.resume();
      const limit = { timeoutMs: FLUSH_LIMIT_MS, clock };
      const flushed = await waitFor(flushing, "flushing the track", limit);
      discardedMs = flushed.reduce((sum, one) => sum + one.discardedMs, 0);
    } catch (error) {
      report(error, "interrupting the speech");
    }
    for (const speech of [...begun, ...waiting]) {
      this.#finish(speech, false);
      if (this.#active === speech) this.#active = undefined;
    }
    return discardedMs;
  }

  /** The speeches that have begun and not ended, the latest first. */
  get #begun(): SpeechHandle[] {
    const suspended = this.#suspended.map(({ speech }) => speech).reverse();
    return this.#active ? [this.#active, ...suspended] : suspended;
  }

  /** Those that a participant hears, or any. */
  #begunFor(participant: Participant | undefined): SpeechHandle[] {
    return this.#begun.filter((speech) => !participant || speech.isHeardBy(participant));
  }

  #playNext(): void {
    if (this.#active || this.#closing.signal.aborted || this.#interrupting) return;
    const next = this.#waiting.findIndex(({ isThinking }) => !isThinking);
    const suspended = this.#ready ?? (next < 0 ? this.#suspended.at(-1) : undefined);
    if (suspended) {
      this.#suspended.splice(this.#suspended.indexOf(suspended), 1);
      this.#active = suspended.speech;
      suspended.resume();
      return this.checkInterlude();
    }
    // In their order, but while one waits for a tool what has something to say is first.
    const [speech] = this.#waiting.splice(this.#suspended.length > 0 ? next : 0, 1);
    this.#active = speech;
    if (speech) this.#options.onFewer?.();
    if (speech && speech.staleAtMs <= this.#options.clock.now()) {
      this.drop(speech);
      this.#active = undefined;
      return this.#playNext();
    }
    if (!speech) return;
    this.#player.play(speech);
    // It may wait for a tool that speaks.
    this.checkInterlude();
  }

  /** The track that a speech is said on. */
  #trackOf(speech: SpeechHandle | undefined): OutboundAudioTrack {
    return speech?.track ?? this.#options.track;
  }

  /** The first one that does not wait any more of those that are suspended. */
  get #ready(): SuspendedSpeech | undefined {
    return this.#suspended.find(({ speech }) => !speech.isWaiting);
  }

  /** Whether all that there is of a speech was heard, some time ago. */
  #isSilent(speech: SpeechHandle): boolean {
    const { clock } = this.#options;
    const { spoken, endMs, writtenMs } = speech;
    const track = this.#trackOf(speech);
    if (spoken.audioMs === 0) return !hasWords(spoken.written);
    return track.heardMs >= endMs - WITHHELD_MS && clock.now() - writtenMs >= SILENT_MS;
  }

  /** Waits until a speech that was suspended is the one that is played. */
  async #resumed(speech: SpeechHandle): Promise<void> {
    const suspended = this.#suspended.find((one) => one.speech === speech);
    if (!suspended) return;
    const { clock } = this.#options;
    await waitFor(suspended.resumed, "its turn to speak", { signal: speech.signal, clock });
  }

  #end(speech: SpeechHandle, all: boolean): void {
    this.#finish(speech, all);
    if (this.#active === speech) this.#active = undefined;
    this.#playNext();
  }

  #finish(speech: SpeechHandle, all: boolean): void {
    if (speech === this.#active) {
      this.#player.stopWatching();
      this.#interludeTimer?.[Symbol.dispose]();
    }
    const index = this.#suspended.findIndex((one) => one.speech === speech);
    if (index >= 0) this.#suspended.splice(index, 1);
    const { clock } = this.#options;
    const trackHeardMs = this.#trackOf(speech).heardMs;
    const { startMs = Infinity, signal, times } = speech;
    // A short speech may be over before the next poll sees that it has begun.
    if (!signal.aborted && times.playbackStartedMs === 0 && trackHeardMs > startMs) {
      this.#try(() => speech.playbackStarted(clock.now()));
    }
    if (speech.discardsUserTurns && times.playbackStartedMs !== 0) {
      this.#discarding = { speech, toMs: clock.now() };
    }
    this.#try(() => speech.end({ all, trackHeardMs }));
  }

  /** Drops a speech, and goes on with the next. */
  #skip(speech: SpeechHandle): void {
    const index = this.#waiting.indexOf(speech);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#options.onFewer?.();
    this.drop(speech);
    if (this.#active === speech) this.#active = undefined;
    this.#playNext();
  }

  #stop(speech: SpeechHandle): void {
    this.#try(() => speech.interrupt());
  }

  /** Calls the callbacks of a speech: where they fail, the next speech is played all the same. */
  #try(act: () => void): void {
    attempt(act, (error) => this.#options.report(error, "speaking"));
  }
}
