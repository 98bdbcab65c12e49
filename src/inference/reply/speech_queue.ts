import type { Clock } from "../../events/clock.ts";
import type { OutboundAudioTrack } from "../../edge/audio_track.ts";
import type { PlaybackReference } from "../echo/playback_reference.ts";
import type { SpokenSentence } from "../text/played_text.ts";
import type { SpeechPart } from "../contracts/tts.ts";
import type { SpeechHandle } from "./speech_handle.ts";
import { PcmChunk } from "../../audio/pcm_chunk.ts";
import { promised } from "../../events/user_code.ts";
import { sleep, waitFor } from "../../events/waiting.ts";
import { untilAborted } from "../../events/until_aborted.ts";

/** What a {@linkcode SpeechQueue} is made of. */
export interface SpeechQueueOptions {
  track: OutboundAudioTrack;
  clock: Clock;
  ownVoice: PlaybackReference;
  report: (error: unknown, context: string) => void;
}

/** How often it is looked whether something was heard. */
const LOOK_MS = 10;
/** What the listener's delay can be at most: nothing is waited for longer. */
const MAX_DELAY_MS = 2000;
/** A track that does not say within this time what it threw away is not waited for. */
const FLUSH_LIMIT_MS = 3000;
/** More than this waiting to be said is not going to be. */
const MAX_WAITING = 32;

/** The right to speak: one speech after another goes to the track. */
export class SpeechQueue {
  readonly #options: SpeechQueueOptions;
  readonly #waiting: SpeechHandle[] = [];
  readonly #closing = new AbortController();
  #active: SpeechHandle | undefined;
  #held = false;
  #cutting: Promise<number> | undefined;
  #look: Disposable | undefined;

  constructor(options: SpeechQueueOptions) {
    this.#options = options;
  }

  /** Whether something is being said, or waits to be. */
  get isBusy(): boolean {
    return this.#active !== undefined || this.#waiting.length > 0;
  }

  /** What is being said, or prepared. */
  get active(): SpeechHandle | undefined {
    return this.#active;
  }

  /** How many speeches wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Says it after everything that was to be said before.
   *
   * @throws {RangeError} too much waits already.
   */
  add(speech: SpeechHandle): void {
    if (this.#closing.signal.aborted) return this.#drop(speech);
    this.checkRoom();
    this.#waiting.push(speech);
    if (!this.#active) this.#next();
  }

  /**
   * Throws where nothing more can be added.
   *
   * @throws {RangeError} too much waits already.
   */
  checkRoom(): void {
    if (this.#waiting.length < MAX_WAITING || this.#closing.signal.aborted) return;
    throw new RangeError(`${MAX_WAITING} things wait to be said already`);
  }

  /** Falls silent and keeps everything. */
  hold(): void {
    this.#held = true;
    this.#options.track.pause();
  }

  /** Goes on where it was held. */
  release(): void {
    this.#held = false;
    this.#options.track.resume();
  }

  /**
   * Cuts off what is being said and drops what waits. Silent at once; resolves with what was
   * written and never played, in milliseconds, when everything is over.
   */
  interrupt(): Promise<number> {
    if (this.#cutting) {
      // What came since is dropped too, and nothing stays silent that is said after it.
      this.release();
      for (const speech of this.#waiting.splice(0)) this.#drop(speech);
      return this.#cutting;
    }
    return this.#cutting = this.#cut().finally(() => {
      this.#cutting = undefined;
      // What was to be said meanwhile has waited for this.
      this.#next();
    });
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("the conversation is over", "AbortError"));
    await this.interrupt();
  }

  async #cut(): Promise<number> {
    const { track, report } = this.#options;
    const active = this.#active;
    const waiting = this.#waiting.splice(0);
    for (const speech of active ? [active, ...waiting] : waiting) this.#silence(speech);
    let discardedMs = 0;
    try {
      const flushing = promised(() => track.flush());
      // In this order: what is left of the old must not be heard.
      this.release();
      const options = { timeoutMs: FLUSH_LIMIT_MS, clock: this.#options.clock };
      discardedMs = (await waitFor(flushing, "flushing the track", options)).discardedMs;
    } catch (error) {
      report(error, "falling silent");
    }
    if (active) this.#finish(active, false);
    for (const speech of waiting) this.#finish(speech, false);
    if (this.#active === active) this.#active = undefined;
    return discardedMs;
  }

  #next(): void {
    if (this.#active || this.#closing.signal.aborted || this.#cutting) return;
    const speech = this.#active = this.#waiting.shift();
    if (speech) this.#say(speech);
  }

  async #say(speech: SpeechHandle): Promise<void> {
    const { clock, report } = this.#options;
    const { signal } = speech;
    try {
      const utterances = untilAborted(() => speech.utterances(), "the speech", signal, clock);
      for await (const { words, audio } of utterances) {
        const spoken: SpokenSentence = Object.assign(words, { ms: 0, complete: false, marks: [] });
        speech.sentences.push(spoken);
        if (audio) {
          const parts = untilAborted(() => audio, "the voice", signal, clock);
          for await (const part of parts) await this.#write(speech, spoken, part);
        }
        spoken.complete = true;
      }
      await this.#playOut(speech);
      signal.throwIfAborted();
    } catch (error) {
      // Whoever cut it sees to the rest.
      if (signal.aborted) return;
      report(error, "speaking");
      this.#try(() => speech.stop());
      await this.#playOut(speech).catch(() => {});
      if (signal.aborted) return;
      this.#over(speech, false);
      return;
    }
    this.#over(speech, true);
  }

  async #write(speech: SpeechHandle, sentence: SpokenSentence, part: SpeechPart): Promise<void> {
    const { track, clock, ownVoice } = this.#options;
    const { pcm, alignedChars } = part;
    if (pcm.frames === 0) return;
    speech.signal.throwIfAborted();
    if (speech.startMs === undefined) {
      speech.times.sound = clock.now();
      speech.startMs = track.playedMs + track.bufferedMs;
      this.#watchFirst(speech);
    }
    const mono = pcm.channels === 1 ? pcm : pcm.toMono();
    ownVoice.wrote(mono, speech.startMs + speech.writtenMs);
    speech.writtenMs += pcm.durationMs;
    sentence.ms += pcm.durationMs;
    if (Number.isFinite(alignedChars)) {
      sentence.marks.push({ ms: sentence.ms, chars: alignedChars! });
    }
    await track.write(pcm, { signal: speech.signal });
  }

  /** Waits until all that was written of it was heard. */
  async #playOut(speech: SpeechHandle): Promise<void> {
    if (speech.startMs === undefined) return;
    const { track, clock } = this.#options;
    const { signal } = speech;
    const nothing = new PcmChunk(new Int16Array(0), { sampleRate: 48_000 });
    await track.write(nothing, { final: true, signal });
    await track.drain({ signal });
    const giveUpAt = clock.now() + MAX_DELAY_MS;
    // What is left of a sample when rates are converted is not waited for.
    const endMs = Math.min(track.playedMs, speech.startMs + speech.writtenMs) - 1;
    while (track.heardMs < endMs && clock.now() < giveUpAt) {
      await sleep(LOOK_MS, { clock, signal });
    }
  }

  #watchFirst(speech: SpeechHandle): void {
    const { track, clock } = this.#options;
    const look = (): void => {
      if (speech.isOver || speech.signal.aborted) return;
      if (track.heardMs > speech.startMs!) this.#try(() => speech.heard(clock.now()));
      else this.#look = clock.schedule(look, LOOK_MS);
    };
    this.#look = clock.schedule(look, LOOK_MS);
  }

  #over(speech: SpeechHandle, all: boolean): void {
    this.#finish(speech, all);
    if (this.#active === speech) this.#active = undefined;
    this.#next();
  }

  #finish(speech: SpeechHandle, all: boolean): void {
    if (speech === this.#active) this.#look?.[Symbol.dispose]();
    const trackHeardMs = this.#options.track.heardMs;
    this.#try(() => speech.finish({ all, trackHeardMs }));
  }

  #drop(speech: SpeechHandle): void {
    this.#silence(speech);
    this.#finish(speech, false);
  }

  #silence(speech: SpeechHandle): void {
    this.#try(() => speech.cut());
  }

  /** What is told of a speech may fail; the next is said all the same. */
  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.report(error, "speaking");
    }
  }
}
