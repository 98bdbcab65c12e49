/** A realtime agent under all that applications and people do: it never hangs, and forgets no words. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { FakeExchange, FakeRealtimeSession } from "../../../src/testing/fake_realtime_llm.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import { TurnEndedEvent } from "../../../src/inference/contracts/events.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import { FakeRealtimeLLM } from "../../../src/testing/fake_realtime_llm.ts";
import { Fixture } from "../_fixture.ts";

const down = () => new InferenceError("down", { code: "unreachable", retryable: true });

/** A conversation of a realtime agent, to which things are done. */
class Conversation {
  /** What has not settled. */
  readonly open = new Set<string>();
  /** What callers were told was heard, or written. */
  readonly outcomes: string[] = [];
  #count = 0;

  constructor(readonly fixture: Fixture, readonly script: readonly FakeExchange[]) {}

  /** What can be done, with a text of its own. */
  readonly acts: Record<string, (text: string, nth: number) => unknown> = {
    "say": (text) => this.fixture.agent.say(text),
    "say now": (text) => this.fixture.agent.say(text, { interrupt: true }),
    "say whole": (text) => this.fixture.agent.say(text, { allowInterruptions: false }),
    "say in time": (text) => this.fixture.agent.say(text, { staleAfterMs: 500 }),
    "ask": (text) => this.fixture.agent.generateReply(text),
    "ask whole": (text) => this.fixture.agent.generateReply(text, { allowInterruptions: false }),
    "ask in time": (text) => this.fixture.agent.generateReply(text, { staleAfterMs: 500 }),
    "text": (text) => this.fixture.agent.text(text),
    "text, and abort": (text) => {
      const controller = new AbortController();
      this.fixture.clock.schedule(() => controller.abort(), 300);
      return this.fixture.agent.text(text, { signal: controller.signal });
    },
    "write": (text, nth) => this.#person(nth).sendText(text),
    "speak": (_, nth) => this.fixture.utter(600, 900, this.#person(nth)),
    "speak, and mute": (_, nth) => {
      const who = this.#person(nth);
      this.fixture.utter(400, 0, who);
      this.fixture.clock.schedule(() => who.mute(), 400);
      this.fixture.clock.schedule(() => who.unmute(), 4000);
    },
    "leave": () => this.fixture.people[2]!.leave(),
    "interrupt": () => this.fixture.agent.interrupt(),
    "lose": (_, nth) => {
      this.fixture.realtime.connectErrors.push(...Array.from({ length: nth % 4 }, down));
      this.session?.lose();
    },
    "expire": () => this.session?.expire(8000),
    "update": (text) => this.fixture.agent.update({ instructions: text }),
    "other model": () => this.fixture.agent.update({ llm: this.#another() }),
    "hand over": (name) =>
      this.fixture.agent.handoff({ name, instructions: name, tools: this.tools() }),
  };

  /** The latest session. */
  get session(): FakeRealtimeSession | undefined {
    return this.fixture.realtime.sessions.at(-1);
  }

  /** Does one of the acts, and notes what comes of it. */
  do(act: string): void {
    const nth = ++this.#count;
    const what = `${act} ${nth}.`;
    this.open.add(what);
    new Promise<unknown>((resolve) => resolve(this.acts[act]!(what, nth)))
      .then((outcome) => {
        const { text } = outcome as { text?: string } ?? {};
        if (text?.trim()) this.outcomes.push(text.trim());
      }, () => {})
      .finally(() => this.open.delete(what));
  }

  /** Tools: one that speaks, one that cannot be interrupted, and one in the background. */
  readonly tools = () => {
    const { clock } = this.fixture;
    return [
      defineTool({
        name: "speak",
        description: "",
        execute: async (_, { agent }) => {
          await agent.say("One moment.");
          await sleep(500, { clock });
        },
      }),
      defineTool({
        name: "book",
        description: "",
        onInterruption: "refuse",
        execute: () => sleep(1200, { clock }),
      }),
      defineTool({
        name: "order",
        description: "",
        background: true,
        execute: () => sleep(2500, { clock }),
      }),
    ];
  };

  #person(nth: number) {
    return this.fixture.people[nth % 2]!;
  }

  #another(): FakeRealtimeLLM {
    const { clock, realtime } = this.fixture;
    const { textOutput, replyMs, hearsSilence, canUpdate, sessions } = realtime;
    const heard = (text = "") => text && `${text} ${this.#count}`;
    const script = this.script.map((one) => ({ ...one, heard: heard(one.heard) }));
    const model = new FakeRealtimeLLM(clock, script);
    return Object.assign(model, { textOutput, replyMs, hearsSilence, canUpdate, sessions });
  }
}

const exchange = fc.record({
  reply: fc.constantFrom("Yes.", "That is so.", "It goes on for quite a while, as it is long."),
  call: fc.option(fc.constantFrom("speak", "book", "order"), { nil: undefined, freq: 3 }),
  status: fc.constantFrom(
    ...Array.from({ length: 12 }, () => "completed" as const),
    "failed" as const,
    "incomplete" as const,
    "cancelled" as const,
  ),
}).map(({ call, ...one }) => call ? { ...one, call: { name: call, input: {} } } : one);

const acts = Object.keys(new Conversation({} as Fixture, []).acts);

const conversation = fc.record({
  writes: fc.boolean(),
  replyMs: fc.constantFrom(0, 200, 1500),
  hearsSilence: fc.boolean(),
  canUpdate: fc.boolean(),
  script: fc.array(exchange, { minLength: 24, maxLength: 24 })
    .map((all) => all.map((one, nth): FakeExchange => ({ ...one, heard: `Heard ${nth}.` }))),
  steps: fc.array(fc.tuple(fc.constantFrom(...acts), fc.constantFrom(0, 0, 50, 400, 1500, 4000)), {
    minLength: 2,
    maxLength: 12,
  }),
});

type ConversationOf<T> = T extends fc.Arbitrary<infer Value> ? Value : never;

const check = async (
  { writes, script, steps, ...model }: ConversationOf<typeof conversation>,
) => {
  await using fixture = await Fixture.set({
    writes,
    people: ["ann", "bob", "eve"],
    realtime: script,
    prepare: ({ realtime }) => void Object.assign(realtime, model),
  });
  const { agent, clock, realtime } = fixture;
  const done = new Conversation(fixture, script);
  await clock.until(agent.update({ tools: done.tools() }));
  for (const [act, thenMs] of steps) {
    done.do(act);
    await clock.advance(thenMs);
  }
  await clock.advance(90_000);
  assertEquals([...done.open], [], "what has not settled");
  // It still hears, speaks and writes.
  const { heardSoundMs } = done.session!;
  fixture.utter(600, 900);
  await clock.advance(10_000);
  assert(done.session!.heardSoundMs > heardSoundMs, "the model hears nothing");
  const last = [agent.say("Goodbye."), agent.text("Really?"), agent.generateReply("Say it.")];
  const [said] = await clock.until(Promise.all(last.map((one) => one.catch((error) => error))));
  assertEquals(said, { text: "Goodbye.", interrupted: false });
  await clock.advance(60_000);
  assertEquals(fixture.conversation.filter((one) => one.endsWith("...")), []);
  // The next session is told of all that was said, written and replied.
  const before = realtime.sessions.length;
  done.session!.lose();
  await clock.advance(30_000);
  assert(realtime.sessions.length > before, "there is no other session");
  const { history } = done.session!.options;
  const words = fixture.events(TurnEndedEvent).map(({ text }) => text);
  for (const text of words) {
    assertEquals(history.filter((one) => one.text === text).length, 1, `${text} is known`);
    assert(fixture.conversation.some((one) => one.endsWith(`: ${text}`)), `${text} is shown`);
  }
  const replies = history.map(({ role, text }) => role === "assistant" ? text.trim() : "").join(
    " ",
  );
  for (const text of done.outcomes) assert(replies.includes(text), `${text} is in ${replies}`);
};

Deno.test("a realtime agent never hangs, whatever happens, and knows all that was said", async () => {
  await fc.assert(fc.asyncProperty(conversation, check), { seed: 1, numRuns: 20 });
});
