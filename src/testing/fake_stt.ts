/** A recogniser for tests. @module */
import { checkClock, type Clock } from "../events/clock.ts";
import type { PcmChunk } from "../audio/pcm_chunk.ts";
import type { STT, SttEvent, SttSession, SttSessionOptions } from "../inference/contracts/stt.ts";
import { rms } from "../audio/level.ts";
import { Channel } from "../events/channel.ts";
import { checkOptions } from "../events/checks.ts";
import { sleep } from "../events/waiting.ts";

/** The transcript of one segment of speech, or one turn, by a {@linkcode FakeSTT}. */
export interface FakeTranscript {
  /** The final text. */
  text: string;
  /** Partial transcripts, after so much audio. */
  partials?: { afterMs: number; text: string }[];
  /** Milliseconds from the end of the audio to the final text. Default 0. */
  delayMs?: number;
  /** The language, as a BCP 47 tag. */
  language?: string;
  /** An error instead of a final text. */
  error?: unknown;
  /** Whether it hangs and never returns a final text. */
  hangs?: boolean;
  /**
   * Of a recogniser that detects turns: the silence after which the turn is probably over; sound that
   * comes later resumes it. Default: it does not say so.
   */
  eagerAfterMs?: number;
  /** Of a recogniser that detects turns: the silence after which the turn is over. Default 500. */
  endsAfterMs?: number;
}

/** Options for a {@linkcode FakeSTT}. */
export interface FakeSTTOptions {
  /**
   * Whether it detects turns: one begins with 100 ms of sound, and ends as the script says. A turn
   * whose text is empty is noise to it, of which it says nothing. Default `false`.
   */
  detectsTurns?: boolean;
}

type Script = Map<string, (string | FakeTranscript)[]>;

/** A turn begins with so much sound. */
const START_MS = 100;
const SOUND_LEVEL = 0.003;

/** Speech to text that follows a script, in a clock's time, and measures its audio. */
export class FakeSTT implements STT {
  /** The name in messages. */
  readonly name = "fake-stt";
  /** Whether it detects turns. */
  readonly detectsTurns: boolean;
  /** The segments of speech so far, or the turns. */
  readonly segments: { speakerId: string; audioMs: number }[] = [];
  /** All sessions, in order. */
  readonly sessions: FakeSttSession[] = [];
  /** Errors that the next calls of `open` throw, one each. */
  readonly openErrors: unknown[] = [];
  readonly #clock: Clock;
  readonly #script: Script;

  /**
   * Creates a recogniser.
   *
   * @param script one entry for each segment of any speaker, or a list for each speaker; later segments
   *   have empty transcripts
   */
  constructor(
    clock: Clock,
    script: readonly (string | FakeTranscript)[] | {
      readonly [speakerId: string]: readonly (string | FakeTranscript)[];
    } = [],
    options: FakeSTTOptions = {},
  ) {
    checkClock(clock);
    const expected = "an object like { detectsTurns: true }, or nothing";
    checkOptions(options, "options", { detectsTurns: true }, expected);
    this.#clock = clock;
    this.detectsTurns = options.detectsTurns ?? false;
    const lists = Array.isArray(script) ? { "": script } : script;
    this.#script = new Map(Object.entries(lists).map(([id, list]) => [id, [...list]]));
  }

  /** Opens a session, or throws the next of `openErrors`. */
  open(options: SttSessionOptions): FakeSttSession {
    if (this.openErrors.length > 0) throw this.openErrors.shift();
    const { speakerId } = options;
    const begin = () => {
      const entry = (this.#script.get(speakerId) ?? this.#script.get(""))?.shift() ?? "";
      const segment = { speakerId, audioMs: 0 };
      this.segments.push(segment);
      return new Segment(typeof entry === "string" ? { text: entry } : entry, segment);
    };
    const session = new FakeSttSession(this.#clock, options, begin, this.detectsTurns);
    this.sessions.push(session);
    return session;
  }
}

/** A segment of speech, or a turn, and what the script says of it. */
class Segment {
  readonly partials: { afterMs: number; text: string }[];
  soundMs = 0;
  silenceMs = 0;
  isEager = false;

  constructor(readonly script: FakeTranscript, readonly measured: { audioMs: number }) {
    this.partials = [...script.partials ?? []];
  }
}

/** A session of a {@linkcode FakeSTT}. */
export class FakeSttSession implements SttSession {
  /** Milliseconds of audio that it got. */
  audioMs = 0;
  /** How often a segment or turn was ended by `commit`. */
  commits = 0;
  /** Whether it was told that no more audio comes. */
  ended = false;
  /** Whether it was disposed. */
  disposed = false;
  readonly #clock: Clock;
  readonly #begin: () => Segment;
  readonly #detectsTurns: boolean;
  readonly #events = new Channel<SttEvent>();
  readonly #controller = new AbortController();
  /** Settles when all events before have been sent. */
  #sent: Promise<void> = Promise.resolve();
  #segment: Segment | undefined;
  #soundMs = 0;

  /** Sessions come from `open`. */
  constructor(
    clock: Clock,
    readonly options: SttSessionOptions,
    begin: () => object,
    detectsTurns: boolean,
  ) {
    this.#clock = clock;
    this.#begin = begin as () => Segment;
    this.#detectsTurns = detectsTurns;
  }

  /** Iterates over its events. */
  [Symbol.asyncIterator](): AsyncIterator<SttEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  /** Breaks the session off with an error. */
  lose(error: unknown = new Error("the socket was closed")): void {
    this.#events.fail(error);
    this.#controller.abort(new DOMException("the session is lost", "AbortError"));
  }

  /** Receives audio. */
  sendAudio(pcm: PcmChunk): void {
    this.audioMs += pcm.durationMs;
    if (this.#detectsTurns) this.#detect(pcm);
    else this.#segment ??= this.#begin();
    const segment = this.#segment;
    if (!segment) return;
    segment.measured.audioMs += pcm.durationMs;
    while (segment.partials[0] && segment.measured.audioMs >= segment.partials[0].afterMs) {
      this.#transcript(segment, segment.partials.shift()!.text, false);
    }
  }

  /** Ends the segment or the turn. */
  commit(): void {
    this.commits++;
    this.#finish({ type: "committed" });
  }

  /** Ends the session after the last text. */
  end(): void {
    this.ended = true;
    if (this.#segment) this.#finish();
    this.#sent = this.#sent.then(() => this.#events.end());
  }

  /** Stops immediately. */
  [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    this.#events.end();
    this.#controller.abort(new DOMException("the session is closed", "AbortError"));
    return Promise.resolve();
  }

  #detect(pcm: PcmChunk): void {
    const isSound = rms(pcm.samples) > SOUND_LEVEL;
    const segment = this.#segment;
    if (!segment) {
      this.#soundMs = isSound ? this.#soundMs + pcm.durationMs : 0;
      if (this.#soundMs < START_MS) return;
      this.#soundMs = 0;
      this.#segment = this.#begin();
      if (this.#segment.script.text !== "") this.#send({ type: "speech-started" });
      return;
    }
    segment.silenceMs = isSound ? 0 : segment.silenceMs + pcm.durationMs;
    const { text, eagerAfterMs = Infinity, endsAfterMs = 500, hangs } = segment.script;
    const isTurn = text !== "" && !hangs;
    if (isSound && segment.isEager) {
      segment.isEager = false;
      this.#send({ type: "turn-resumed" });
    } else if (segment.silenceMs >= endsAfterMs && !hangs) {
      this.#finish(...isTurn ? [{ type: "turn-ended" } as const] : []);
    } else if (segment.silenceMs >= eagerAfterMs && !segment.isEager && isTurn) {
      segment.isEager = true;
      this.#transcript(segment, text, false);
      this.#send({ type: "eager-turn-ended" });
    }
  }

  #transcript({ script: { language } }: Segment, text: string, final: boolean): void {
    this.#send({ type: "transcript", text, final, ...language ? { language } : {} });
  }

  /** Sends the final text of what is being said, and these events after it. */
  #finish(...after: SttEvent[]): void {
    const segment = this.#segment;
    this.#segment = undefined;
    if (!segment) return this.#send(...after);
    const { text, error, hangs, delayMs = 0, language } = segment.script;
    const isNoise = this.#detectsTurns && text === "";
    const last: SttEvent = error
      ? { type: "error", error }
      : { type: "transcript", text, final: true, ...language ? { language } : {} };
    this.#sendLater(hangs ? Infinity : delayMs, ...isNoise ? [] : [last], ...after);
  }

  #send(...events: SttEvent[]): void {
    this.#sent = this.#sent.then(() => events.forEach((event) => this.#events.push(event)));
  }

  #sendLater(delayMs: number, ...events: SttEvent[]): void {
    const before = this.#sent;
    this.#sent = sleep(delayMs, { clock: this.#clock, signal: this.#controller.signal })
      .then(() => before)
      .then(() => events.forEach((event) => this.#events.push(event)), () => {});
  }
}
