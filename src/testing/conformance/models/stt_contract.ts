/** What a recogniser does with speech that comes in any way, and when its service fails. @module */
import type { STT, SttEvent, SttSession } from "../../../inference/contracts/stt.ts";
import type { STTAct, STTUnderTest } from "./stt_under_test.ts";
import { SLOT_MS } from "../../../audio/grid.ts";
import { PcmChunk } from "../../../audio/pcm_chunk.ts";
import { systemClock } from "../../../events/clock.ts";
import { silentLogger } from "../../../events/logger.ts";
import { speechLike } from "../../sounds.ts";
import { expect, expectSame } from "../fixture.ts";
import { expectInferenceError } from "./model_test.ts";
import { ServiceFixture } from "./service_fixture.ts";

const SAMPLE_RATE = 16_000;
const SLOT = SAMPLE_RATE * SLOT_MS / 1000;

/** A session, and what it has said. */
interface Listening {
  readonly session: SttSession;
  /** All final texts, in order. */
  readonly texts: string[];
  readonly errors: unknown[];
  committed: number;
  /** Settles when the iteration has ended; its error is among `errors`. */
  readonly ended: Promise<void>;
  isOver: boolean;
}

/** Creates the recognisers of one test, and closes them. */
export class STTFixture extends ServiceFixture<STTAct, STTUnderTest> {
  readonly #open: Listening[] = [];

  get stt(): STT {
    return this.underTest.stt;
  }

  /** Creates a recogniser whose service does this; the one before is closed. */
  async create(...acts: STTAct[]): Promise<Listening> {
    await this.replace(acts);
    return this.listen("ann");
  }

  /** Opens a session, and reads its events. */
  listen(speakerId: string): Listening {
    const { clock = systemClock, stt } = this.underTest;
    const session = stt.open({
      speakerId,
      sampleRate: SAMPLE_RATE,
      clock,
      logger: silentLogger,
      continuous: false,
    });
    const read = async () => {
      try {
        for await (const event of session) this.#note(listening, event);
      } catch (error) {
        listening.errors.push(error);
      }
      listening.isOver = true;
    };
    const listening: Listening = {
      session,
      texts: [],
      errors: [],
      committed: 0,
      isOver: false,
      ended: Promise.resolve().then(read),
    };
    this.#open.push(listening);
    return listening;
  }

  /** Sends speech in slots of 20 ms, in one array that is overwritten. */
  speak({ session }: Listening, ms: number): void {
    const { samples } = speechLike(ms, { sampleRate: SAMPLE_RATE });
    const slot = new PcmChunk(new Int16Array(SLOT), { sampleRate: SAMPLE_RATE });
    for (let at = 0; at + SLOT <= samples.length; at += SLOT) {
      slot.samples.set(samples.subarray(at, at + SLOT));
      session.sendAudio(slot);
    }
    slot.samples.fill(0);
  }

  /** Sends speech and commits it; waits until that is settled, or the session is lost. */
  async say(listening: Listening, ms = 300): Promise<void> {
    const count = listening.committed + 1;
    this.speak(listening, ms);
    listening.session.commit();
    const isSettled = () => listening.committed >= count || listening.isOver;
    await this.time.eventually(isSettled, "the text of a commit");
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    for (const { session, ended } of this.#open.splice(0)) {
      await this.time.until(session[Symbol.asyncDispose](), "disposing a session");
      await this.time.until(ended, "the end of a session that was disposed");
    }
    await this.nothingLeft();
    await super[Symbol.asyncDispose]();
  }

  #note(listening: Listening, event: SttEvent): void {
    if (event.type === "committed") listening.committed++;
    else if (event.type === "error") listening.errors.push(event.error);
    else if (event.type === "transcript" && event.final) {
      if (event.text !== "") listening.texts.push(event.text);
    }
  }
}

/** Tests by name: a sentence of what a recogniser does. */
export interface STTContract {
  readonly [sentence: string]: {
    readonly part?: "network";
    readonly test: (fixture: STTFixture) => Promise<void>;
  };
}

/** Says something that fails, and returns the error. */
async function failure(fixture: STTFixture, act: STTAct): Promise<unknown> {
  let listening = await fixture.create(...Array(4).fill(act), { text: "Hello." });
  await fixture.say(listening);
  const [error] = listening.errors;
  // What comes later is understood again, in this session or in the next.
  for (let tries = 0; tries < 6; tries++) {
    if (listening.isOver) listening = fixture.listen("ann");
    await fixture.say(listening);
    if (listening.texts.includes("Hello.")) return error;
  }
  throw new Error("the recogniser does not recover from a failure");
}

/** The contract of a recogniser. */
export const sttContract: STTContract = {
  "each commit is settled once, in order, after the final text before it": {
    test: async (fixture) => {
      const listening = await fixture.create({ text: "One." }, { text: "Two." }, {
        text: "Three.",
      });
      for (let n = 0; n < 3; n++) {
        fixture.speak(listening, 200);
        listening.session.commit();
      }
      await fixture.time.eventually(() => listening.committed === 3, "three commits are settled");
      expectSame([...listening.texts].sort(), ["One.", "Three.", "Two."], "the texts");
      await fixture.time.pass(50);
      expectSame([listening.committed, listening.errors], [3, []], "commits and errors");
    },
  },

  "a commit of nothing is settled": {
    test: async (fixture) => {
      const listening = await fixture.create({ text: "Hello." });
      listening.session.commit();
      listening.session.commit();
      await fixture.time.eventually(() => listening.committed === 2, "two commits are settled");
      await fixture.say(listening);
      expectSame(listening.texts, ["Hello."], "the text of what comes after");
    },
  },

  "speech without words has no text, and is settled": {
    test: async (fixture) => {
      const listening = await fixture.create({ text: "" });
      await fixture.say(listening);
      expectSame([listening.texts, listening.errors], [[], []], "texts and errors");
    },
  },

  "text is whole, whatever its script": {
    test: async (fixture) => {
      const text = "Café, \u65E5\u672C\u8A9E \u{1F468}\u200D\u{1F469}\u200D\u{1F467}.";
      const listening = await fixture.create({ text, byByte: true });
      await fixture.say(listening);
      expectSame(listening.texts.join(" "), text, "the text");
    },
  },

  "a long segment of speech, and a moment of it, are settled": {
    test: async (fixture) => {
      const listening = await fixture.create({ text: "Hello." });
      await fixture.say(listening, 50_000);
      await fixture.say(listening, 20);
      expectSame(listening.errors, [], "the errors");
    },
  },

  "a session ends after its last text": {
    test: async (fixture) => {
      const listening = await fixture.create({ text: "Good bye." });
      fixture.speak(listening, 300);
      listening.session.end();
      await fixture.time.until(listening.ended, "the end of the session");
      expectSame([listening.texts, listening.errors], [["Good bye."], []], "texts and errors");
      const silent = fixture.listen("bob");
      silent.session.end();
      await fixture.time.until(silent.ended, "the end of a session without audio");
    },
  },

  "two speakers are transcribed at the same time": {
    test: async (fixture) => {
      const ann = await fixture.create({ text: "Hello." });
      const bob = fixture.listen("bob");
      await Promise.all([fixture.say(ann), fixture.say(bob)]);
      expectSame([ann.texts, bob.texts], [["Hello."], ["Hello."]], "the texts of both");
    },
  },

  "a session that is disposed ends at any step, and so do its requests": {
    test: async (fixture) => {
      for (const ms of [0, 5, 30, 60]) {
        const listening = await fixture.create({ text: "Hello.", beforeMs: 40, gapMs: 40 });
        fixture.speak(listening, 200);
        listening.session.commit();
        await fixture.time.pass(ms);
        await fixture.time.until(listening.session[Symbol.asyncDispose](), "disposing");
        await fixture.time.until(listening.ended, "the end of the session");
        expectSame(listening.errors, [], "the errors");
        await fixture.nothingLeft();
      }
    },
  },

  "it may be started and closed as often as agents share it": {
    test: async (fixture) => {
      const listening = await fixture.create({ text: "Hello." });
      const { stt, time } = fixture;
      const { signal } = new AbortController();
      const context = { clock: systemClock, logger: silentLogger, signal };
      await time.until(Promise.resolve(stt.start?.(context)), "start");
      await time.until(Promise.resolve(stt.start?.(context)), "start");
      await time.until(Promise.resolve(stt.close?.()), "close");
      await fixture.say(listening);
      expectSame(listening.texts, ["Hello."], "the text");
      await time.until(Promise.resolve(stt.close?.()), "close");
    },
  },

  "a service that is silent, or falls silent, is given up when the session is disposed": {
    part: "network",
    test: async (fixture) => {
      for (const end of ["silent", "hang"] as const) {
        const { session, ended } = await fixture.create({ text: "Hello.", end });
        session.sendAudio(new PcmChunk(new Int16Array(SLOT), { sampleRate: SAMPLE_RATE }));
        session.commit();
        await fixture.time.pass(100);
        await fixture.time.until(session[Symbol.asyncDispose](), "disposing");
        await fixture.time.until(ended, "the end of the session");
        await fixture.nothingLeft();
      }
    },
  },

  "a refused key is an error in the service's words, and is not tried again": {
    part: "network",
    test: async (fixture) => {
      for (const status of [401, 403]) {
        const listening = await fixture.create({ status, message: "no such key" });
        await fixture.say(listening);
        const [error] = listening.errors;
        expectInferenceError(error, { retryable: false, status, text: "no such key" });
        expect((fixture.requests ?? 1) === 1, `expected one request, got ${fixture.requests}`);
      }
    },
  },

  "a service that asks for a longer wait than a turn allows is an error to try again": {
    part: "network",
    test: async (fixture) => {
      const listening = await fixture.create({ status: 429, retryAfter: 30, message: "busy" });
      await fixture.say(listening);
      expectInferenceError(listening.errors[0], { retryable: true, status: 429, text: "busy" });
    },
  },

  "a broken service is an error to try again, and its recovery is noticed": {
    part: "network",
    test: async (fixture) => {
      const error = await failure(fixture, { status: 503, message: "out of order" });
      expectInferenceError(error, { retryable: true, status: 503, text: "out of order" });
    },
  },

  "a connection that breaks off, or a body that is no text, is an error, and costs no other text": {
    part: "network",
    test: async (fixture) => {
      for (const act of [{ text: "Hello.", end: "cut" as const }, { message: "<html>" }]) {
        expect(await failure(fixture, act) instanceof Error, "there is an error");
      }
    },
  },
};
