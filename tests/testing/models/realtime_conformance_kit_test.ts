/** The conformance kit of realtime models notices what a model does wrong, and ignores what is left out. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type RealtimeConformanceOptions,
  realtimeConformanceTests,
  type RealtimeUnderTest,
} from "../../../src/testing/mod.ts";
import type {
  RealtimeEvent,
  RealtimeSession,
} from "../../../src/inference/contracts/realtime_llm.ts";
import { openAIRealtimeUnderTest } from "./_realtime_openai.ts";

/** Returns the names of the tests that a changed model fails. */
async function failed(
  change: (session: RealtimeSession) => void,
  sentences: readonly string[],
): Promise<string[]> {
  const factory = (...acts: Parameters<typeof openAIRealtimeUnderTest>): RealtimeUnderTest => {
    const underTest = openAIRealtimeUnderTest(...acts);
    const { llm } = underTest;
    const connect = llm.connect.bind(llm);
    llm.connect = async (options) => {
      const session = await connect(options);
      change(session);
      return session;
    };
    return underTest;
  };
  const tests = realtimeConformanceTests(factory, { name: "changed", limitMs: 1500 });
  const names: string[] = [];
  for (const { name, run } of tests) {
    if (!sentences.some((one) => name.includes(one))) continue;
    await run().catch(() => names.push(name));
  }
  assertEquals(names.length <= sentences.length, true);
  return names;
}

/** Changes the events of a session; leaves out those that become `undefined`. */
function changing(change: (event: RealtimeEvent) => RealtimeEvent | undefined) {
  return (session: RealtimeSession) => {
    const iterate = session[Symbol.asyncIterator].bind(session);
    session[Symbol.asyncIterator] = async function* () {
      for await (const event of { [Symbol.asyncIterator]: iterate }) {
        const changed = change(event);
        if (changed) yield changed;
      }
    };
  };
}

const faults: Record<string, [change: (session: RealtimeSession) => void, sentence: string]> = {
  "names no request": [
    changing((event) =>
      event.type === "reply-started" ? { ...event, requestId: undefined } : event
    ),
    "names its request",
  ],
  "runs what was cut off": [
    changing((event) => event.type === "tool-call" ? { ...event, fault: undefined } : event),
    "calls of tools",
  ],
  "takes everything for complete": [
    changing((event) => event.type === "reply-ended" ? { ...event, status: "completed" } : event),
    "was cancelled, cut off, or failed",
  ],
  "hides a failed transcription": [
    changing((event) =>
      event.type === "user-transcript" && event.error ? { ...event, error: undefined } : event
    ),
    "a transcription that fails",
  ],
  "loses audio": [
    (session) => {
      let count = 0;
      const send = session.sendAudio.bind(session);
      session.sendAudio = (...args) => ++count % 10 === 0 ? undefined : send(...args);
    },
    "all audio is received",
  ],
  "asks by itself": [
    (session) => {
      const send = session.sendToolResult.bind(session);
      session.sendToolResult = (...args) => {
        send(...args);
        session.requestReply({ id: "own" });
      };
    },
    "calls of tools",
  ],
  "takes a change for made that was refused": [
    (session) => {
      const update = session.update!.bind(session);
      session.update = (options) => void Promise.try(() => update(options)).catch(() => {});
    },
    "a change that the service refuses",
  ],
  "forgets what a change is": [
    (session) => session.update = () => {},
    "instructions and tools are changed",
  ],
  "never ends": [
    (session) => {
      const iterate = session[Symbol.asyncIterator].bind(session);
      session[Symbol.asyncIterator] = () => {
        const iterator = iterate();
        const next = () => iterator.next().catch(() => new Promise<never>(() => {}));
        return { next };
      };
    },
    "breaks off ends with an error",
  ],
};

for (const [name, [change, sentence]] of Object.entries(faults)) {
  Deno.test(`realtimeConformance notices a model that ${name}`, async () => {
    assertEquals((await failed(change, [sentence])).length, 1);
  });
}

Deno.test("realtimeConformance ignores what the options leave out, and says so", () => {
  const ignored = (options: Partial<RealtimeConformanceOptions>) =>
    realtimeConformanceTests(openAIRealtimeUnderTest, { name: "any", ...options })
      .flatMap(({ name, ignore }) => ignore ? name : []);
  assertEquals(ignored({}), []);
  assertEquals(ignored({ commit: false }), ["a turn that is committed ends"]);
  assertEquals(ignored({ text: false }), [
    "a session replies in text alone, where that is wanted",
  ]);
  assertEquals(ignored({ update: false }).length, 4);
  assert(ignored({ network: false }).length >= 8);
});

Deno.test("realtimeConformance says what it expected", async () => {
  const wrong = undefined as never;
  assertThrows(() => realtimeConformanceTests(wrong, { name: "any" }), TypeError, "factory");
  assertThrows(
    () => realtimeConformanceTests(openAIRealtimeUnderTest, wrong),
    TypeError,
    "options",
  );
  const [first] = realtimeConformanceTests(() => Promise.reject(new Error("no key")), {
    name: "a",
  });
  await assertRejects(() => first!.run(), Error, "no key");
});
