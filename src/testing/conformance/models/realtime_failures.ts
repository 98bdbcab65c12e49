/** What a realtime model does when its service fails, or a session is not needed any more. @module */
import { SLOT_MS } from "../../../audio/grid.ts";
import { PcmChunk } from "../../../audio/pcm_chunk.ts";
import { VirtualClock } from "../../virtual_clock.ts";
import { sleep } from "../../../events/waiting.ts";
import { expect, expectSame } from "../fixture.ts";
import { expectInferenceError } from "./model_test.ts";
import { type RealtimeContract, type RealtimeFixture, sessionOptions } from "./realtime_fixture.ts";
import type { RealtimeConnectAct } from "./realtime_under_test.ts";
import { ann } from "./realtime_replies.ts";

const reason = () => new DOMException("it is not needed", "AbortError");
/** A lost network is noticed within this time, on the session's clock. */
const HALF_OPEN_LIMIT_MS = 60_000;

/** Begins a session, aborts that after so long, and checks that nothing is left. */
async function abortAfter(
  fixture: RealtimeFixture,
  act: RealtimeConnectAct,
  ms: number,
): Promise<void> {
  const { llm } = await fixture.create(act);
  const controller = new AbortController();
  const connecting = llm.connect(sessionOptions({ signal: controller.signal }))
    .then((session) => session, (error: unknown) => ({ error }));
  await sleep(ms);
  controller.abort(reason());
  const got = await fixture.until(connecting, `the end of connect, aborted after ${ms} ms`);
  if ("error" in got) expectSame(String(got.error), String(reason()), "the error");
  // It had begun before.
  else await fixture.until(got[Symbol.asyncDispose](), "the end of the session");
  await fixture.nothingLeft();
}

/** Returns the error of connecting to such a service. */
async function refusal(fixture: RealtimeFixture, act: RealtimeConnectAct): Promise<unknown> {
  const { llm } = await fixture.create(act);
  const connecting = llm.connect(sessionOptions({}));
  const error = await fixture.until(connecting.then(() => undefined, (error) => error), "connect");
  expect(error !== undefined, "expected connect to reject");
  await fixture.nothingLeft();
  return error;
}

/** Failures. */
export const realtimeFailures: RealtimeContract = {
  "a signal that is aborted before connecting rejects with its reason": {
    test: async (fixture) => {
      const { llm } = await fixture.create();
      const signal = AbortSignal.abort(reason());
      const connecting = llm.connect(sessionOptions({ signal })).then(() => "", String);
      expectSame(await fixture.until(connecting, "connect"), String(reason()), "the error");
      await fixture.nothingLeft();
    },
  },

  "an abort at any step of connecting leaves nothing": {
    part: "network",
    test: async (fixture) => {
      for (const ms of [0, 1, 3, 8, 20, 50]) await abortAfter(fixture, {}, ms);
    },
  },

  "a service that never answers is given up when the signal says so": {
    part: "network",
    test: (fixture) => abortAfter(fixture, { begin: "silent" }, 100),
  },

  "a service that refuses the key is an error that no retry helps, with its status": {
    part: "network",
    test: async (fixture) => {
      for (const status of [401, 403]) {
        expectInferenceError(await refusal(fixture, { status }), { status, retryable: false });
      }
    },
  },

  "a service that is busy, or has a fault of its own, can be tried again": {
    part: "network",
    test: async (fixture) => {
      for (const status of [429, 500, 503]) {
        expectInferenceError(await refusal(fixture, { status }), { status, retryable: true });
      }
    },
  },

  "a connection that breaks off before the session has begun can be tried again": {
    part: "network",
    test: async (fixture) => {
      expectInferenceError(await refusal(fixture, { begin: "cut" }), { retryable: true });
    },
  },

  "a session that breaks off ends with an error that says so, and takes no harm from late calls": {
    part: "network",
    test: async (fixture) => {
      const one = await fixture.connect();
      fixture.underTest.emit({ type: "reply-started", replyId: "r" });
      fixture.underTest.emit({ type: "text", replyId: "r", text: "Half of" });
      await fixture.events(one, "text");
      fixture.underTest.cut!();
      const { error } = await fixture.until(one.ended, "the iteration's end");
      expectInferenceError(error, { retryable: true });
      const { inputRate } = fixture.underTest.llm;
      const pcm = new PcmChunk(new Int16Array(inputRate * SLOT_MS / 1000), {
        sampleRate: inputRate,
      });
      one.session.sendAudio(pcm, ann);
      one.session.sendText("Hello?", {});
      one.session.requestReply({ id: "late" });
      one.session.sendToolResult("late", { text: "", isError: false });
      one.session.interrupt("r", 5);
      await fixture.until(one.session[Symbol.asyncDispose](), "the end");
      await fixture.nothingLeft();
    },
  },

  "a session whose network is lost without a word ends within a minute": {
    part: "network",
    test: async (fixture) => {
      const clock = new VirtualClock();
      const one = await fixture.connect({ clock });
      fixture.underTest.hang!();
      let isOver = false;
      one.ended.then(() => isOver = true);
      for (let ms = 0; ms < HALF_OPEN_LIMIT_MS && !isOver; ms += 1000) {
        await clock.advance(1000);
        // What was sent meanwhile is on its way.
        await sleep(0);
      }
      const { error } = await fixture.until(one.ended, "the iteration's end");
      expectInferenceError(error, { retryable: true });
      const closing = one.session[Symbol.asyncDispose]();
      await clock.advance(5000);
      await fixture.until(closing, "the end");
    },
  },

  "what is not of the protocol is an error that the session survives": {
    part: "network",
    test: async (fixture) => {
      const one = await fixture.connect();
      fixture.underTest.emitNonsense!();
      fixture.underTest.emit({ type: "speech-started" });
      await fixture.events(one, "speech-started");
      const [event] = await fixture.events(one, "error");
      expectInferenceError(event?.error, {});
    },
  },

  "another session begins after one that was lost": {
    part: "network",
    test: async (fixture) => {
      const lost = await fixture.connect();
      fixture.underTest.cut!();
      await fixture.until(lost.ended, "the first session's end");
      const next = await fixture.connect();
      fixture.underTest.emit({ type: "speech-started" });
      await fixture.events(next, "speech-started");
      expectSame(lost.of("speech-started").length, 0, "events of the lost session");
    },
  },
};
