/** What a realtime model's session is told to be: its instructions, its tools, and its output. @module */
import { VirtualClock } from "../../virtual_clock.ts";
import { expect, expectSame } from "../fixture.ts";
import { expectInferenceError } from "./model_test.ts";
import type { RealtimeContract, RealtimeFixture } from "./realtime_fixture.ts";
import type { RealtimeConnectAct } from "./realtime_under_test.ts";

/** A change that a service does not answer is given up within this time, on the session's clock. */
const UPDATE_LIMIT_MS = 30_000;

const look = { name: "look", description: "Looks", parameters: { type: "object" } } as const;
const CHANGE = { instructions: "Be kind.", tools: [look] };

/** Returns what the service was told of its session, the latest of each. */
async function settingsOf(fixture: RealtimeFixture, count = 1) {
  const all = await fixture.received("settings", count);
  return {
    instructions: all.findLast(({ instructions }) => instructions !== undefined)?.instructions,
    tools: all.findLast(({ tools }) => tools)?.tools,
    output: all.findLast(({ output }) => output)?.output,
  };
}

/** Begins a session whose service does this with changes, and changes it. */
async function change(fixture: RealtimeFixture, act: RealtimeConnectAct, clock?: VirtualClock) {
  await fixture.create(act);
  const one = await fixture.connect(clock ? { clock } : {});
  const { update } = one.session;
  expect(update !== undefined, "expected the session to have update()");
  const updating = Promise.try(() => update!.call(one.session, CHANGE))
    .then(() => undefined, (error: unknown) => ({ error }));
  return { one, updating };
}

/** Settings. */
export const realtimeSettings: RealtimeContract = {
  "a session begins with its instructions, its tools, and replies in audio": {
    test: async (fixture) => {
      await fixture.connect({ instructions: "Be brief.", tools: [look] });
      const expected = { instructions: "Be brief.", tools: ["look"], output: "audio" };
      expectSame(await settingsOf(fixture), expected, "the settings");
    },
  },

  "instructions and tools are changed in the session, once the service has confirmed it": {
    part: "update",
    test: async (fixture) => {
      const { one, updating } = await change(fixture, {});
      expectSame(await fixture.until(updating, "the change"), undefined, "the error");
      const { instructions, tools } = await settingsOf(fixture, 2);
      expectSame([instructions, tools], ["Be kind.", ["look"]], "the settings");
      fixture.underTest.emit({ type: "speech-started" });
      await fixture.events(one, "speech-started");
    },
  },

  "a change that the service refuses rejects, and the session goes on": {
    part: "update",
    test: async (fixture) => {
      const { one, updating } = await change(fixture, { updates: "refuse" });
      const refused = await fixture.until(updating, "the change");
      expectInferenceError(refused?.error, {});
      fixture.underTest.emit({ type: "speech-started" });
      await fixture.events(one, "speech-started");
      expectSame(one.of("error").length, 0, "events of an error that the caller gets");
    },
  },

  "a change that the service does not answer is given up, and the session goes on": {
    part: "update",
    test: async (fixture) => {
      const clock = new VirtualClock();
      const { one, updating } = await change(fixture, { updates: "silent" }, clock);
      let isOver = false;
      updating.then(() => isOver = true);
      await fixture.received("settings", 2);
      for (let ms = 0; ms < UPDATE_LIMIT_MS && !isOver; ms += 1000) await clock.advance(1000);
      const { error } = await fixture.until(updating, "the change") ?? {};
      expect(error instanceof Error, `expected an error, got ${String(error)}`);
      fixture.underTest.emit({ type: "speech-started" });
      await fixture.events(one, "speech-started");
      const closing = one.session[Symbol.asyncDispose]();
      await clock.advance(5000);
      await fixture.until(closing, "the end");
    },
  },

  "a change of a session that is over does not reject: the next one begins with it": {
    part: "update",
    test: async (fixture) => {
      const { one, updating } = await change(fixture, { updates: "silent" });
      await fixture.received("settings", 2);
      await fixture.until(one.session[Symbol.asyncDispose](), "the end");
      expectSame(await fixture.until(updating, "the change"), undefined, "the error");
    },
  },

  "a session replies in text alone, where that is wanted": {
    part: "text",
    test: async (fixture) => {
      const { llm } = await fixture.create();
      expectSame(llm.textOutput, true, "textOutput");
      const one = await fixture.connect({ output: "text" });
      expectSame((await settingsOf(fixture)).output, "text", "the output");
      const { underTest } = fixture;
      underTest.emit({ type: "reply-started", replyId: "r" });
      for (const text of ["Once ", "upon ", "a time."]) {
        underTest.emit({ type: "text", replyId: "r", text });
      }
      underTest.emit({ type: "reply-ended", replyId: "r" });
      await fixture.events(one, "reply-ended");
      const texts = one.of("text").map(({ text }) => text).join("");
      expectSame([texts, one.of("audio").length], ["Once upon a time.", 0], "the reply");
      one.session.interrupt("r", 400, "Once upon");
      await fixture.received("interrupt");
      one.session.sendText("This call is recorded.", { role: "assistant" });
      await fixture.eventually(
        () =>
          underTest.received.some((one) =>
            one.type === "item" && one.role === "assistant" && one.text === "This call is recorded."
          ),
        "the service receives what the agent has said without the model",
      );
    },
  },
};
