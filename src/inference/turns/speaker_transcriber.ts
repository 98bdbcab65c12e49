/** The recogniser's session for one speaker, replaced when it is lost. @module */
import { SLOT_MS } from "../../audio/grid.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { ReplayBuffer } from "../../audio/replay_buffer.ts";
import type { Clock } from "../../events/clock.ts";
import type { Logger } from "../../events/logger.ts";
import type { STT, SttEvent, SttSession } from "../contracts/stt.ts";
import type { ModelUsage } from "../pipeline_context.ts";
import { checkMethods, shown } from "../../events/checks.ts";
import { backOffMs } from "../../events/retry.ts";
import { untilAborted } from "../../events/until_aborted.ts";
import { attempt, promised, promiseIn, type Report } from "../../events/user_code.ts";
import { timeoutError, waitFor } from "../../events/waiting.ts";
import { InferenceError } from "../contracts/errors.ts";

/** Options for a {@linkcode SpeakerTranscriber}. */
export interface SpeakerTranscriberInit {
  stt: STT;
  speakerId: string;
  sampleRate: number;
  /** Whether all audio is sent, or speech only. */
  continuous: boolean;
  /** How long the recogniser may take for the text after a commit. */
  limitMs: number;
  /** Counts what the recogniser is given. */
  usage?: Pick<ModelUsage, "sttAudioMs">;
  clock: Clock;
  logger: Logger;
  /** Called with what the recogniser says, `committed` and `error` excepted. */
  onEvent: (event: SttEvent) => void;
  report: Report;
}

/** Audio that waits for its text longer than a minute is too old to be of use. */
const CAPACITY_MS = 60_000;
/** A session that takes longer than this to close is abandoned. */
const CLOSE_LIMIT_MS = 2000;
/** How soon another session may be opened. */
const RETRY = { firstMs: 1000, maxMs: 15_000 };
const SESSION_METHODS = ["sendAudio", "commit", "end"];

/** A commit whose text is not complete yet. */
interface PendingCommit {
  /** Where in the audio it is. */
  readonly atMs: number;
  /** Whether it ends a turn. */
  readonly endsTurn: boolean;
  /** Whether the text of the audio before it is not wanted. */
  discards: boolean;
  readonly settled: PromiseWithResolvers<void>;
  readonly limit: Disposable;
  /** Whether a second session has been asked for it. */
  isRetried: boolean;
}

/** A session, and what ends the reading of its events. */
interface OpenSession {
  readonly session: SttSession;
  /** Where in the audio it began. */
  readonly startMs: number;
  readonly reading: AbortController;
  isEnding: boolean;
}

/**
 * Sends the audio of one speaker to the recogniser. A session that is lost is reported and replaced:
 * the next one gets the audio that has no final text yet.
 */
export class SpeakerTranscriber {
  readonly #init: SpeakerTranscriberInit;
  readonly #audio: ReplayBuffer;
  readonly #commits: PendingCommit[] = [];
  readonly #closing = new Set<Promise<void>>();
  #open: OpenSession | undefined;
  #interim: SttEvent | undefined;
  /** How many sessions were lost in succession without an event. */
  #failures = 0;
  #openAgainAtMs = -Infinity;
  #isClosed = false;

  constructor(init: SpeakerTranscriberInit) {
    this.#init = init;
    const { sampleRate } = init;
    this.#audio = new ReplayBuffer({ sampleRate, capacityMs: CAPACITY_MS });
  }

  /** Whether the text of a commit is not complete yet. */
  get isCommitting(): boolean {
    return this.#commits.length > 0;
  }

  /** Sends audio; opens a session if there is none. */
  send(pcm: PcmChunk): void {
    if (this.#isClosed) return;
    this.#audio.push(pcm);
    if (this.#open) this.#sendTo(this.#open, pcm);
    else if (this.#init.clock.now() >= this.#openAgainAtMs) this.#reopen();
  }

  /** Keeps no more than the latest audio for a session that replaces this one. */
  forget({ keepMs }: { keepMs: number }): void {
    this.#audio.acknowledge(this.#audio.endMs - keepMs);
  }

  /**
   * Forces the end of the current segment or turn. Resolves when its text is complete, or no more of
   * it will come.
   *
   * @param options.endsTurn whether what follows is another turn
   * @param options.discards whether that text is not wanted, nor other text of the same turn
   */
  commit({ endsTurn = false, discards = false } = {}): Promise<void> {
    const { clock, limitMs } = this.#init;
    const atMs = this.#audio.endMs;
    if (this.#isClosed || !this.#open && this.#audio.startMs === atMs) return Promise.resolve();
    if (!this.#open && !this.#reopen()) {
      // No recogniser takes it: it is not sent to a later one, which would be too late.
      this.#audio.acknowledge(atMs);
      return Promise.resolve();
    }
    for (const commit of discards ? this.#commits.toReversed() : []) {
      if (commit.endsTurn) break;
      commit.discards = true;
    }
    const commit: PendingCommit = {
      atMs,
      endsTurn: endsTurn || discards,
      discards,
      settled: Promise.withResolvers<void>(),
      limit: clock.schedule(() => this.#giveUp(commit), limitMs),
      isRetried: false,
    };
    this.#commits.push(commit);
    this.#call(this.#open!, (session) => session.commit());
    return commit.settled.promise;
  }

  /** Ends the session after its last text; resolves when it is closed. */
  async end(): Promise<void> {
    await Promise.all(this.#commits.map(({ settled }) => settled.promise));
    const open = this.#open;
    if (open && !open.isEnding) {
      open.isEnding = true;
      this.#call(open, (session) => session.end());
    }
    await this.close();
  }

  /** Stops immediately; resolves when the session is closed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#settleUntil(Infinity);
    if (this.#open) this.#dispose(this.#open);
    await Promise.all(this.#closing);
  }

  /** Opens a session and sends it the audio that has no final text yet; returns whether there is one. */
  #reopen(): boolean {
    const { stt, speakerId, sampleRate, continuous, clock, logger } = this.#init;
    this.#openAgainAtMs = clock.now() + backOffMs(this.#failures + 1, RETRY);
    let session: SttSession;
    try {
      session = stt.open({ speakerId, sampleRate, continuous, clock, logger });
      promiseIn<unknown>(session)?.catch(() => {});
      checkMethods(session, `${stt.name}.open`, "an SttSession", SESSION_METHODS);
    } catch (error) {
      this.#failures++;
      this.#report(error);
      return false;
    }
    const { startMs } = this.#audio;
    const open: OpenSession = { session, startMs, reading: new AbortController(), isEnding: false };
    this.#open = open;
    this.#replay(open);
    this.#read(open).then(
      () => this.#lost(open, endedEarly(stt)),
      (error) => this.#lost(open, error),
    );
    return this.#open !== undefined;
  }

  /** Sends what has no final text yet, with the commits where they were. */
  #replay(open: OpenSession): void {
    const audio = this.#audio.read();
    let fromMs = this.#audio.startMs;
    const sendUntil = (ms: number): void => {
      const [from, until] = [fromMs, ms].map((one) =>
        Math.round((one - open.startMs) * audio.sampleRate / 1000)
      );
      fromMs = ms;
      this.#sendTo(open, new PcmChunk(audio.samples.subarray(from, until), audio));
    };
    for (const { atMs } of this.#commits) {
      sendUntil(atMs);
      this.#call(open, (session) => session.commit());
    }
    sendUntil(this.#audio.endMs);
  }

  #sendTo(open: OpenSession, pcm: PcmChunk): void {
    const { samples, sampleRate } = pcm;
    const step = sampleRate * SLOT_MS / 1000;
    for (let from = 0; from < samples.length; from += step) {
      const slot = new PcmChunk(samples.subarray(from, from + step), { sampleRate });
      if (this.#init.usage) this.#init.usage.sttAudioMs += slot.durationMs;
      this.#call(open, (session) => session.sendAudio(slot));
    }
  }

  /** Calls a session; one that fails at it is lost. */
  #call(open: OpenSession, call: (session: SttSession) => unknown): void {
    attempt(() => call(open.session), (error) => this.#lost(open, error));
  }

  async #read({ session, startMs, reading: { signal } }: OpenSession): Promise<void> {
    const { stt, clock, onEvent } = this.#init;
    for await (const event of untilAborted(() => session, `${stt.name}.open`, signal, clock)) {
      checkEvent(event, stt.name);
      this.#failures = 0;
      if (event.type === "committed") this.#committed();
      else if (event.type === "error") this.#report(event.error);
      else if (!this.#commits[0]?.discards) {
        if (event.type === "transcript") {
          this.#interim = event.final ? undefined : event;
          if (event.final) this.#acknowledge(event, startMs);
        }
        onEvent(event);
      }
    }
  }

  /** Of a final text it is known by its words, or else by its commit, which audio it is of. */
  #acknowledge({ words }: Extract<SttEvent, { type: "transcript" }>, startMs: number): void {
    const lastMs = words?.at(-1)?.endMs;
    this.#audio.acknowledge(
      Number.isFinite(lastMs) ? startMs + lastMs! : this.#commits[0]?.atMs ?? this.#audio.endMs,
    );
  }

  #committed(): void {
    const [commit] = this.#commits;
    if (commit) this.#settleUntil(commit.atMs, 1);
  }

  /** Settles the oldest commits up to a position: no more text comes of the audio before it. */
  #settleUntil(atMs: number, most = Infinity): void {
    while (most-- > 0 && this.#commits[0] && this.#commits[0].atMs <= atMs) {
      const { atMs, limit, settled } = this.#commits.shift()!;
      limit[Symbol.dispose]();
      this.#audio.acknowledge(atMs);
      settled.resolve();
    }
  }

  /** The text of a commit takes too long: what there is of it stands. */
  #giveUp(commit: PendingCommit): void {
    this.#report(timeoutError("a transcript", this.#init.limitMs));
    const interim = this.#interim;
    this.#interim = undefined;
    if (interim?.type === "transcript" && !commit.discards) {
      this.#init.onEvent({ ...interim, final: true });
    }
    this.#settleUntil(commit.atMs);
    if (this.#open) this.#dispose(this.#open);
    if (this.#commits.length > 0) this.#retry();
  }

  #lost(open: OpenSession, error: unknown): void {
    if (this.#open !== open) return;
    this.#failures++;
    if (!open.isEnding) this.#report(error);
    this.#dispose(open);
    this.#retry();
  }

  /** What is waited for is asked of one more session. */
  #retry(): void {
    const last = this.#commits.findLast(({ isRetried }) => isRetried);
    if (last) this.#settleUntil(last.atMs);
    if (this.#commits.length === 0) return;
    for (const commit of this.#commits) commit.isRetried = true;
    if (!this.#reopen()) this.#settleUntil(Infinity);
  }

  #dispose(open: OpenSession): void {
    if (this.#open === open) this.#open = undefined;
    const { clock, stt } = this.#init;
    open.reading.abort(new DOMException("the session is closed", "AbortError"));
    const closing = waitFor(
      promised(() => open.session[Symbol.asyncDispose]?.()),
      `closing a session of ${stt.name}`,
      { timeoutMs: CLOSE_LIMIT_MS, clock },
    ).catch((error) => this.#report(error)).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #report(error: unknown): void {
    const { report, stt } = this.#init;
    report(error, `${stt.name}, transcribing`);
  }
}

function endedEarly({ name }: STT): InferenceError {
  return new InferenceError(`${name} ended its session`, { code: "cut-off", retryable: true });
}

function checkEvent(event: SttEvent, name: string): void {
  if (typeof event?.type !== "string") {
    throw new TypeError(`${name} returned an event without a type: ${shown(event)}`);
  }
  if (event.type === "transcript" && typeof event.text !== "string") {
    throw new TypeError(`${name} returned a transcript without a text: ${shown(event.text)}`);
  }
}
