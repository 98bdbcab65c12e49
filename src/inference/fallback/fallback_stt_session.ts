/** A session of several recognisers for one speaker. @module */
import type { STT, SttEvent, SttSession, SttSessionOptions } from "../contracts/stt.ts";
import { allFailed, type ComponentHealth } from "./component_health.ts";
import { SilentRecogniser } from "./silent_recogniser.ts";
import { SLOT_MS } from "../../audio/grid.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { ReplayBuffer } from "../../audio/replay_buffer.ts";
import { Channel } from "../../events/channel.ts";
import { describeError, messageOf } from "../../events/error_text.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { attempt, promised, type Report } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";
import { InferenceError } from "../contracts/errors.ts";

/** Audio that waits for its text longer than a minute is too old to be of use. */
const CAPACITY_MS = 60_000;
/** After all recognisers have failed, they are not asked again for so long. */
const PAUSE_MS = 1000;
/** A session that takes longer than this to close is abandoned. */
const CLOSE_LIMIT_MS = 2000;

/** A recogniser's session, and where in the audio it began. */
interface OpenSession {
  readonly stt: STT;
  readonly session: SttSession;
  readonly startMs: number;
  readonly reading: AbortController;
}

/** A commit whose text is not complete yet. */
interface PendingCommit {
  readonly atMs: number;
  limit: Disposable | undefined;
}

/** Sends one speaker's audio to a recogniser, and to the next one what that has no final text of. */
export class FallbackSttSession implements SttSession {
  readonly #health: ComponentHealth<STT>;
  readonly #options: SttSessionOptions;
  readonly #events = new Channel<SttEvent>();
  readonly #audio: ReplayBuffer;
  readonly #commits: PendingCommit[] = [];
  /** The recognisers that failed since the last text, and why. */
  readonly #failed = new Map<STT, unknown>();
  /** Where turns end is known by what the recogniser says: no commit is followed by its text. */
  readonly #silence: SilentRecogniser | undefined;
  #open: OpenSession | undefined;
  #openAgainAtMs = -Infinity;
  #isInTurn = false;
  #isEnding = false;
  #isClosed = false;
  readonly #closing = new Set<Promise<void>>();

  constructor(health: ComponentHealth<STT>, options: SttSessionOptions) {
    this.#health = health;
    this.#options = options;
    const { sampleRate, clock, continuous, logger } = options;
    this.#audio = new ReplayBuffer({ sampleRate, capacityMs: CAPACITY_MS });
    if (continuous) {
      const { timeoutMs } = health;
      const onSilent = () => this.#open && this.#hasOther(this.#open.stt) && this.#timedOut();
      const report: Report = (error, context) => logger.warn(`${context}: ${describeError(error)}`);
      this.#silence = new SilentRecogniser({ sampleRate, clock, timeoutMs, onSilent, report });
    }
    this.#openNext();
  }

  sendAudio(pcm: PcmChunk): void {
    if (this.#isClosed || this.#isEnding) return;
    if (this.#mayReturn()) this.#leave();
    this.#audio.push(pcm);
    this.#silence?.audioSent(pcm);
    if (this.#open) this.#call(this.#open, (session) => session.sendAudio(pcm));
    else if (this.#options.clock.now() >= this.#openAgainAtMs) this.#openNext();
  }

  commit(): void {
    if (this.#isClosed || this.#isEnding) return;
    const commit: PendingCommit = { atMs: this.#audio.endMs, limit: undefined };
    this.#commits.push(commit);
    // Where no recogniser works, no text comes.
    if (!this.#open) return this.#giveUp();
    this.#expectText(commit);
    this.#call(this.#open, (session) => session.commit());
  }

  end(): void {
    if (this.#isEnding || this.#isClosed) return;
    this.#isEnding = true;
    if (this.#open) this.#call(this.#open, (session) => session.end());
    else this.#events.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#leave();
    this.#silence?.[Symbol.dispose]();
    for (const { limit } of this.#commits.splice(0)) limit?.[Symbol.dispose]();
    this.#events.end();
    await Promise.all(this.#closing);
  }

  [Symbol.asyncIterator](): AsyncIterator<SttEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /** Whether a better recogniser works again, and nothing is being said that it would miss. */
  #mayReturn(): boolean {
    const isQuiet = this.#commits.length === 0 && !this.#isInTurn &&
      this.#audio.startMs === this.#audio.endMs;
    const { best } = this.#health;
    return isQuiet && this.#open !== undefined && best !== undefined && best !== this.#open.stt;
  }

  /** Opens a session with the next recogniser, and sends it what has no final text yet. */
  #openNext(): void {
    while (!this.#open && !this.#isClosed) {
      const stt = this.#health.order.find((one) => !this.#failed.has(one));
      if (!stt) return this.#giveUp();
      if (this.#failed.size > 0) this.#health.takenOver();
      try {
        const session = stt.open(this.#options);
        this.#open = { stt, session, startMs: this.#audio.startMs, reading: new AbortController() };
      } catch (error) {
        this.#failed.set(stt, error);
        this.#health.failed(stt, error);
        continue;
      }
      const open = this.#open;
      this.#read(open).then(
        () => this.#ended(open),
        (error) => this.#lost(open, error),
      );
      this.#replay(open);
    }
  }

  #replay(open: OpenSession): void {
    const { samples, sampleRate } = this.#audio.read();
    const step = sampleRate * SLOT_MS / 1000;
    let from = 0;
    const sendUntil = (ms: number): void => {
      const until = Math.round((ms - open.startMs) * sampleRate / 1000);
      for (; from < until; from = Math.min(until, from + step)) {
        const slot = samples.subarray(from, Math.min(until, from + step));
        this.#call(open, (session) => session.sendAudio(new PcmChunk(slot, { sampleRate })));
      }
    };
    for (const commit of this.#commits) {
      sendUntil(commit.atMs);
      this.#expectText(commit);
      this.#call(open, (session) => session.commit());
    }
    sendUntil(this.#audio.endMs);
    if (this.#isEnding) this.#call(open, (session) => session.end());
  }

  async #read(open: OpenSession): Promise<void> {
    const { stt, session, startMs, reading: { signal } } = open;
    const { clock } = this.#options;
    for await (const event of untilAborted(() => session, `${stt.name}.open`, signal, clock)) {
      this.#silence?.heard(event);
      switch (event.type) {
        case "error":
          if (this.#hasOther(stt)) throw event.error;
          // There is no other: this one's session goes on.
          this.#failed.set(stt, event.error);
          this.#health.failed(stt, event.error);
          this.#emitFailures();
          continue;
        case "committed":
          this.#committed(stt);
          continue;
        case "speech-started": {
          const isKnown = this.#isInTurn;
          this.#isInTurn = true;
          // The next recogniser finds the beginning of the same turn.
          if (isKnown) continue;
          break;
        }
        case "turn-ended":
          this.#isInTurn = false;
          this.#audio.acknowledge(this.#audio.endMs);
          this.#worked(stt);
          break;
        case "transcript":
          this.#transcribed(event, startMs);
          continue;
      }
      this.#events.push(event);
    }
  }

  #transcribed(event: Extract<SttEvent, { type: "transcript" }>, startMs: number): void {
    const words = event.words?.map((word) => ({
      ...word,
      startMs: startMs + word.startMs,
      endMs: startMs + word.endMs,
    }));
    // Of a final text it is known by its words, or else by its commit, which audio it is of.
    const untilMs = words?.at(-1)?.endMs ?? this.#commits[0]?.atMs ?? this.#audio.endMs;
    if (event.final) this.#audio.acknowledge(untilMs);
    this.#events.push(words ? { ...event, words } : event);
  }

  #committed(stt: STT): void {
    const commit = this.#commits.shift();
    if (!commit) return;
    commit.limit?.[Symbol.dispose]();
    this.#audio.acknowledge(commit.atMs);
    this.#worked(stt);
    this.#events.push({ type: "committed" });
  }

  #worked(stt: STT): void {
    if (!this.#failed.has(stt)) this.#health.succeeded(stt);
    this.#failed.clear();
  }

  /** The text of a commit has to come in time. */
  #expectText(commit: PendingCommit): void {
    commit.limit?.[Symbol.dispose]();
    const { timeoutMs } = this.#health;
    commit.limit = this.#options.clock.schedule(() => this.#timedOut(), timeoutMs);
  }

  #timedOut(): void {
    const open = this.#open;
    if (!open) return;
    const message = `${open.stt.name} returned no text for ${this.#health.timeoutMs} ms`;
    this.#lost(open, new InferenceError(message, { code: "timeout", retryable: true }));
  }

  #hasOther(stt: STT): boolean {
    return this.#health.order.some((one) => one !== stt && !this.#failed.has(one));
  }

  #ended(open: OpenSession): void {
    if (this.#isEnding && this.#open === open) return this.#events.end();
    const message = `${open.stt.name} ended its session`;
    this.#lost(open, new InferenceError(message, { code: "cut-off", retryable: true }));
  }

  #lost(open: OpenSession, error: unknown): void {
    if (this.#open !== open || this.#isClosed) return;
    this.#failed.set(open.stt, error);
    this.#health.failed(open.stt, error);
    this.#leave();
    this.#openNext();
  }

  /** No recogniser works: what waits for its text gets none, and what comes later is tried again. */
  #giveUp(): void {
    this.#openAgainAtMs = this.#options.clock.now() + PAUSE_MS;
    this.#emitFailures();
    this.#failed.clear();
    this.#audio.acknowledge(this.#audio.endMs);
    for (const { limit } of this.#commits.splice(0)) {
      limit?.[Symbol.dispose]();
      this.#events.push({ type: "committed" });
    }
    if (this.#isEnding) this.#events.end();
  }

  #emitFailures(): void {
    if (this.#failed.size === 0) return;
    const error = allFailed("no recogniser works", [...this.#failed.values()]);
    this.#events.push({ type: "error", error });
  }

  #call(open: OpenSession, call: (session: SttSession) => unknown): void {
    if (this.#open !== open) return;
    attempt(() => call(open.session), (error) => this.#lost(open, error));
  }

  /** Closes the session that is open. */
  #leave(): void {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    this.#silence?.reset();
    open.reading.abort(new DOMException("the session is closed", "AbortError"));
    const { clock, logger } = this.#options;
    const what = `closing a session of ${open.stt.name}`;
    const closing = waitFor(promised(() => open.session[Symbol.asyncDispose]()), what, {
      timeoutMs: CLOSE_LIMIT_MS,
      clock,
    }).catch((error) => logger.warn(`${what}: ${messageOf(error)}`))
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
