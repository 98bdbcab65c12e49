/** What a voice does with text that comes in any way, and when its service fails. @module */
import type { Alignment, TTS, TtsSession, TtsStream } from "../../../inference/contracts/tts.ts";
import type { TTSAct, TTSUnderTest } from "./tts_under_test.ts";
import { systemClock } from "../../../events/clock.ts";
import { silentLogger } from "../../../events/logger.ts";
import { expect, expectSame } from "../fixture.ts";
import { expectInferenceError } from "./model_test.ts";
import { ServiceFixture } from "./service_fixture.ts";

/** What came of a stream. */
interface Spoken {
  readonly audioMs: number;
  readonly alignment: readonly Alignment[];
  readonly error: unknown;
}

/** Creates the voices of one test, and closes them. */
export class TTSFixture extends ServiceFixture<TTSAct, TTSUnderTest> {
  #session: TtsSession | undefined;

  /** The voice. */
  get tts(): TTS {
    return this.underTest.tts;
  }

  /** Creates a voice whose service does this, and opens a session; the one before is closed. */
  async open(...acts: TTSAct[]): Promise<TtsSession> {
    await this.replace(acts);
    return this.#session = this.openAnother();
  }

  /** Opens another session of the voice. */
  openAnother(): TtsSession {
    const { clock = systemClock, tts } = this.underTest;
    return tts.open({ clock, logger: silentLogger });
  }

  /** Reads a stream to its end. */
  async hear(stream: TtsStream, onAudio?: () => void): Promise<Spoken> {
    let audioMs = 0;
    const alignment: Alignment[] = [];
    let error: unknown;
    const reading = (async () => {
      for await (const { pcm, alignment: known = [], unspoken } of stream) {
        alignment.push(...known);
        audioMs += pcm?.durationMs ?? 0;
        if (pcm && pcm.frames > 0) onAudio?.();
        error ??= unspoken?.error;
      }
    })().catch((thrown) => void (error = thrown));
    await this.time.until(reading, "the end of the speech");
    return { audioMs: Math.round(audioMs), alignment, error };
  }

  /** Has a text spoken that is known as a whole. */
  async say(session: TtsSession, text: string): Promise<Spoken> {
    const stream = session.speak();
    stream.sendText(text);
    stream.end();
    return await this.hear(stream);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.[Symbol.asyncDispose]();
    this.#session = undefined;
    await this.nothingLeft();
    await super[Symbol.asyncDispose]();
  }
}

/** Tests by name: a sentence of what a voice does. */
export interface TTSContract {
  readonly [sentence: string]: {
    readonly part?: "network";
    readonly test: (fixture: TTSFixture) => Promise<void>;
  };
}

const TEXT = "Good day. How are you?";

/** Checks that a voice speaks again after a failure, and returns the failure. */
async function speaksAgain(fixture: TTSFixture, act: TTSAct): Promise<unknown> {
  let session = await fixture.open(...Array(4).fill(act), {});
  const failed = await fixture.say(session, "Hello.");
  for (let tries = 0; tries < 5; tries++) {
    if ((await fixture.say(session, "Hello.")).audioMs > 0) return failed.error;
    session = fixture.openAnother();
  }
  throw new Error("the voice does not speak again after a failure");
}

/** The contract of a voice. */
export const ttsContract: TTSContract = {
  "a text is spoken to its end, whole or letter by letter": {
    test: async (fixture) => {
      const session = await fixture.open({});
      const whole = await fixture.say(session, TEXT);
      expectSame(whole.error, undefined, "the error");
      expect(whole.audioMs > 0, "there is sound");
      const stream = session.speak();
      for (const letter of TEXT) stream.sendText(letter);
      stream.end();
      const { audioMs, error } = await fixture.hear(stream);
      expectSame([error, audioMs], [undefined, whole.audioMs], "the same letter by letter");
    },
  },

  "a stream without text ends without sound": {
    test: async (fixture) => {
      const session = await fixture.open({});
      for (const text of ["", "  \n"]) {
        const { audioMs, error } = await fixture.say(session, text);
        expectSame([audioMs, error], [0, undefined], `what comes of ${JSON.stringify(text)}`);
      }
      const flushed = session.speak();
      flushed.flush();
      flushed.end();
      expectSame((await fixture.hear(flushed)).error, undefined, "the error of an empty flush");
    },
  },

  "what was flushed is spoken before more text comes": {
    test: async (fixture) => {
      const session = await fixture.open({});
      const stream = session.speak();
      let isHeard = false;
      const hearing = fixture.hear(stream, () => {
        if (isHeard) return;
        isHeard = true;
        stream.sendText("It is done.");
        stream.end();
      });
      stream.sendText("One moment");
      stream.flush();
      expectSame((await hearing).error, undefined, "the error");
      expect(isHeard, "the flushed text was heard");
    },
  },

  "alignment goes forwards, and no further than text and audio": {
    test: async (fixture) => {
      const session = await fixture.open({});
      const { alignment, audioMs } = await fixture.say(session, TEXT);
      let [chars, ms] = [0, 0];
      for (const one of alignment) {
        expect(one.chars >= chars && one.atMs >= ms, `it goes back: ${JSON.stringify(alignment)}`);
        [chars, ms] = [one.chars, one.atMs];
      }
      expect(chars <= TEXT.length, `${chars} of ${TEXT.length} characters`);
      expect(ms <= audioMs + 1, `${ms} of ${audioMs} ms`);
    },
  },

  "two streams of a session are both spoken": {
    test: async (fixture) => {
      const session = await fixture.open({});
      const one = await fixture.say(session, TEXT);
      const both = await Promise.all([1, 2].map(() => fixture.say(session, TEXT)));
      for (const { audioMs, error } of both) {
        expectSame([audioMs, error], [one.audioMs, undefined], "a stream among two");
      }
    },
  },

  "a long text, and one with no word of letters, come to an end": {
    test: async (fixture) => {
      const session = await fixture.open({ audioMs: 20 });
      const long = await fixture.say(session, "This is one of many sentences. ".repeat(60));
      expectSame(long.error, undefined, "the error of a long text");
      await fixture.say(session, "\u{1F44B}\u{1F3FD} ... !");
      await fixture.say(session, "\u65E5\u672C\u8A9E\u3067\u3059\u3002");
    },
  },

  "a stream that is cancelled ends at any step, and so does its request": {
    test: async (fixture) => {
      const session = await fixture.open({ gapMs: 10, audioMs: 1000 });
      for (const ms of [0, 5, 20, 60]) {
        const stream = session.speak();
        stream.sendText(TEXT);
        stream.end();
        const hearing = fixture.hear(stream);
        await fixture.time.pass(ms);
        stream.cancel();
        stream.cancel();
        expectSame((await hearing).error, undefined, `the error of a cancel after ${ms} ms`);
        await fixture.nothingLeft();
      }
      const early = session.speak();
      early.cancel();
      early.sendText("Too late.");
      early.end();
      expectSame((await fixture.hear(early)).audioMs, 0, "the sound after a cancel");
      const left = session.speak();
      left.sendText(TEXT);
      left.end();
      const leaving = (async () => {
        for await (const { pcm } of left) if (pcm) break;
      })();
      await fixture.time.until(leaving, "leaving the speech");
      await fixture.nothingLeft();
      expect((await fixture.say(session, "Again.")).audioMs > 0, "the session goes on");
    },
  },

  "a session that is disposed ends its streams": {
    test: async (fixture) => {
      const session = await fixture.open({ gapMs: 20, audioMs: 2000 });
      const stream = session.speak();
      stream.sendText(TEXT);
      const hearing = fixture.hear(stream);
      await fixture.time.pass(50);
      await fixture.time.until(session[Symbol.asyncDispose](), "disposing the session");
      await hearing;
      await fixture.nothingLeft();
    },
  },

  "it may be started and closed as often as agents share it": {
    test: async (fixture) => {
      const session = await fixture.open({});
      const { tts, time } = fixture;
      const { signal } = new AbortController();
      const context = { clock: systemClock, logger: silentLogger, signal };
      for (let round = 0; round < 2; round++) {
        await time.until(Promise.resolve(tts.start?.(context)), "start");
        await time.until(Promise.resolve(tts.start?.(context)), "start");
        await time.until(Promise.resolve(tts.close?.()), "close");
        expect((await fixture.say(session, "Hello.")).audioMs > 0, "there is sound");
        await time.until(Promise.resolve(tts.close?.()), "close");
      }
    },
  },

  "a voice that is slow to begin is heard, and each byte of it may come alone": {
    part: "network",
    test: async (fixture) => {
      const session = await fixture.open({ beforeMs: 300, byByte: true, audioMs: 40 });
      const { audioMs, error } = await fixture.say(session, "Hello.");
      expectSame([audioMs, error], [40, undefined], "what was heard");
    },
  },

  "a silent service is given up when the stream is cancelled": {
    part: "network",
    test: async (fixture) => {
      for (const end of ["silent", "hang"] as const) {
        const session = await fixture.open({ end });
        const stream = session.speak();
        stream.sendText("Hello.");
        stream.end();
        const hearing = fixture.hear(stream);
        await fixture.time.pass(100);
        stream.cancel(new DOMException("it took too long", "TimeoutError"));
        await hearing;
        await fixture.nothingLeft();
      }
    },
  },

  "a voice that breaks off is an error to try again": {
    part: "network",
    test: async (fixture) => {
      const session = await fixture.open({ end: "cut" });
      const { audioMs, error } = await fixture.say(session, "Hello.");
      expect(audioMs > 0, "what had come is heard");
      expectInferenceError(error, { retryable: true });
    },
  },

  "a refused key is an error in the service's words, and is not tried again": {
    part: "network",
    test: async (fixture) => {
      for (const status of [401, 403]) {
        const session = await fixture.open({ status, message: "no such key" });
        const { error } = await fixture.say(session, "Hello.");
        expectInferenceError(error, { retryable: false, status, text: "no such key" });
        expect((fixture.requests ?? 1) === 1, `expected one request, got ${fixture.requests}`);
      }
    },
  },

  "a service that asks for a longer wait than a turn allows is an error to try again": {
    part: "network",
    test: async (fixture) => {
      const session = await fixture.open({ status: 429, retryAfter: 30, message: "busy" });
      const { error } = await fixture.say(session, "Hello.");
      expectInferenceError(error, { retryable: true, status: 429, text: "busy" });
    },
  },

  "a broken service is an error to try again, and its recovery is noticed": {
    part: "network",
    test: async (fixture) => {
      const error = await speaksAgain(fixture, { status: 503, message: "out of order" });
      expectInferenceError(error, { retryable: true, status: 503, text: "out of order" });
    },
  },

  "a body that is no sound is an error, and nothing of it is heard": {
    part: "network",
    test: async (fixture) => {
      const session = await fixture.open({ message: "ID3\u0004 and then noise" });
      const { audioMs, error } = await fixture.say(session, "Hello.");
      expectSame(audioMs, 0, "what was heard");
      expect(error instanceof Error, "there is an error");
    },
  },
};
