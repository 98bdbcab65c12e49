/** What a language model does when its service fails, or the reply is not needed any more. @module */
import { silentLogger } from "../../../events/logger.ts";
import { systemClock } from "../../../events/clock.ts";
import { expect, expectSame } from "../fixture.ts";
import { type LLMContract, type LLMFixture, request, textOf, texts } from "./llm_fixture.ts";
import type { LLMAct } from "./llm_under_test.ts";
import { collect, expectInferenceError } from "./model_test.ts";

const HELLO: LLMAct = { parts: texts("Hello ", "there.") };
const reason = () => new DOMException("it is not needed", "AbortError");

/** Asks, aborts after so many parts and so long, and checks that the reply ends with the reason. */
async function abortAfter(
  fixture: LLMFixture,
  act: LLMAct,
  { parts, ms }: { parts: number; ms: number },
): Promise<void> {
  const llm = await fixture.create(act);
  const controller = new AbortController();
  let count = 0;
  const reading = collect((async function* () {
    for await (const part of llm.generate(request({ signal: controller.signal }))) {
      if (part.type === "text" && ++count === parts) controller.abort(reason());
      yield part;
    }
  })());
  if (parts === 0) {
    await fixture.time.pass(ms);
    controller.abort(reason());
  }
  const what = `the end of an aborted reply (after ${parts} parts, ${ms} ms)`;
  const { error } = await fixture.time.until(reading, what);
  expectSame(String(error), String(reason()), "the error");
  await fixture.nothingLeft();
}

/** Checks that the model replies after a failure as before. */
async function worksAgain(fixture: LLMFixture, act: LLMAct): Promise<unknown> {
  // More failures than an adapter tries again by default.
  const llm = await fixture.create(...Array(4).fill(act), HELLO);
  const failed = await fixture.reply(llm);
  let reply = await fixture.reply(llm);
  for (let tries = 1; reply.error !== undefined && tries < 5; tries++) {
    reply = await fixture.reply(llm);
  }
  expectSame(textOf(reply.items), "Hello there.", "the reply after the failure");
  await fixture.nothingLeft();
  return failed.error;
}

/** Failures. */
export const llmFailures: LLMContract = {
  "a signal that is aborted before the request ends it with its reason": {
    test: async (fixture) => {
      const llm = await fixture.create(HELLO);
      const controller = new AbortController();
      controller.abort(reason());
      const { items, error } = await fixture.reply(llm, { signal: controller.signal });
      expectSame([textOf(items), String(error)], ["", String(reason())], "the reply");
      await fixture.nothingLeft();
    },
  },

  "an abort at any step ends the reply with the signal's reason, and the request": {
    test: async (fixture) => {
      const slow = {
        parts: texts("One ", "two ", "three."),
        beforeMs: 20,
        gapMs: 20,
        end: "hang" as const,
      };
      for (const ms of [0, 1, 5, 15, 25, 35, 50]) await abortAfter(fixture, slow, { parts: 0, ms });
      for (const parts of [1, 2, 3]) await abortAfter(fixture, slow, { parts, ms: 0 });
    },
  },

  "a silent service is given up as soon as the signal says so": {
    test: (fixture) => abortAfter(fixture, { end: "silent" }, { parts: 0, ms: 100 }),
  },

  "a service that falls silent in mid-reply is given up as soon as the signal says so": {
    test: async (fixture) => {
      const act: LLMAct = { parts: texts("One "), end: "hang" };
      await abortAfter(fixture, act, { parts: 1, ms: 0 });
      await abortAfter(fixture, act, { parts: 0, ms: 100 });
    },
  },

  "a reply that is left is not generated further": {
    test: async (fixture) => {
      const llm = await fixture.create({ parts: texts("One ", "two."), gapMs: 5, end: "hang" });
      const leaving = (async () => {
        for await (const part of llm.generate(request())) if (part.type === "text") break;
      })();
      await fixture.time.until(leaving, "leaving the reply");
      await fixture.nothingLeft();
    },
  },

  "a reply that is cut off gives its text, and then an error to try again": {
    part: "network",
    test: async (fixture) => {
      for (const byByte of [false, true]) {
        const llm = await fixture.create({ parts: texts("Half a "), end: "cut", byByte });
        const { items, error } = await fixture.reply(llm);
        expectSame(textOf(items), "Half a ", "the text");
        expectInferenceError(error, { retryable: true });
        await fixture.nothingLeft();
      }
    },
  },

  "a connection that breaks off before the reply is an error to try again": {
    part: "network",
    test: async (fixture) => {
      expectInferenceError(await worksAgain(fixture, { end: "cut" }), { retryable: true });
    },
  },

  "a refused key is an error in the service's words, and is not tried again": {
    part: "network",
    test: async (fixture) => {
      for (const status of [401, 403]) {
        const llm = await fixture.create({ status, message: "no such key" });
        const { error } = await fixture.reply(llm);
        expectInferenceError(error, { retryable: false, status, text: "no such key" });
        expect(error.message.startsWith(llm.name), `expected the model's name: ${error.message}`);
        expect((fixture.requests ?? 1) === 1, `expected one request, got ${fixture.requests}`);
        await fixture.nothingLeft();
      }
    },
  },

  "a request that the service cannot take is an error that is not tried again": {
    part: "network",
    test: async (fixture) => {
      const llm = await fixture.create({ status: 400, message: "no such model" });
      const { error } = await fixture.reply(llm);
      expectInferenceError(error, { retryable: false, status: 400, text: "no such model" });
      expect((fixture.requests ?? 1) === 1, `expected one request, got ${fixture.requests}`);
    },
  },

  "a busy service is asked again after as long as it says": {
    part: "network",
    test: async (fixture) => {
      const llm = await fixture.create({ status: 429, retryAfter: 1, message: "busy" }, HELLO);
      const startMs = fixture.now();
      const { items, error } = await fixture.reply(llm);
      expectSame([textOf(items), error], ["Hello there.", undefined], "the reply");
      const waitedMs = fixture.now() - startMs;
      expect(waitedMs >= 990, `expected a wait of 1,000 ms, got ${waitedMs}`);
    },
  },

  "a service that asks for a longer wait than a turn allows is an error to try again": {
    part: "network",
    test: async (fixture) => {
      const llm = await fixture.create({ status: 429, retryAfter: 30, message: "busy" });
      const startMs = fixture.now();
      const { error } = await fixture.reply(llm);
      expectInferenceError(error, { retryable: true, status: 429, text: "busy" });
      const waitedMs = fixture.now() - startMs;
      expect(waitedMs < 9000, `waited for ${waitedMs} ms`);
    },
  },

  "a wait for a busy service can be aborted": {
    part: "network",
    test: async (fixture) => {
      const llm = await fixture.create({ status: 429, retryAfter: 2, message: "busy" }, HELLO);
      const controller = new AbortController();
      const replying = fixture.reply(llm, { signal: controller.signal });
      await fixture.time.pass(200);
      const startMs = fixture.now();
      controller.abort(reason());
      const { error } = await replying;
      expectSame(String(error), String(reason()), "the error");
      expect(fixture.now() - startMs < 1000, "the abort did not end the wait");
    },
  },

  "a broken service is an error to try again, and its recovery is noticed": {
    part: "network",
    test: async (fixture) => {
      for (const status of [500, 503]) {
        const error = await worksAgain(fixture, { status, message: "out of order" });
        expectInferenceError(error, { retryable: true, status, text: "out of order" });
      }
    },
  },

  "a body that is no reply is an error": {
    part: "network",
    test: async (fixture) => {
      for (const message of ["<html>Welcome</html>", "{broken", "data: {broken\n\n"]) {
        const error = await worksAgain(fixture, { message });
        expect(error instanceof Error, `expected an error for ${message}, got none`);
      }
    },
  },

  "it may be started and closed as often as agents share it": {
    test: async (fixture) => {
      const llm = await fixture.create(HELLO);
      const { signal } = new AbortController();
      const context = { clock: systemClock, logger: silentLogger, signal };
      const start = () => fixture.time.until(Promise.resolve(llm.start?.(context)), "start");
      const close = () => fixture.time.until(Promise.resolve(llm.close?.()), "close");
      await start();
      await start();
      await close();
      expectSame(textOf((await fixture.reply(llm)).items), "Hello there.", "the reply");
      await close();
      await start();
      expectSame(textOf((await fixture.reply(llm)).items), "Hello there.", "the next reply");
      await close();
      for (const [name, value] of Object.entries(llm.metrics?.() ?? {})) {
        expect(Number.isFinite(value), `expected a figure for ${name}, got ${value}`);
      }
      await fixture.nothingLeft();
    },
  },
};
