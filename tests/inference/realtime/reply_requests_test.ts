/** What a realtime model is asked to say: one reply at a time, and each caller gets an answer. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import type { SpeechOutcome } from "../../../src/inference/speech/speech_handle.ts";
import { InferenceError } from "../../../src/inference/contracts/errors.ts";
import { defineTool } from "../../../src/inference/contracts/tool.ts";
import { sleep } from "../../../src/events/waiting.ts";
import { Fixture } from "../_fixture.ts";

/** Waits for all of them, as far as the clock takes them. */
async function settled(
  fixture: Fixture,
  asked: readonly Promise<SpeechOutcome>[],
): Promise<readonly string[]> {
  const results = await fixture.clock.until(Promise.allSettled(asked));
  return results.map((one) =>
    one.status === "rejected" ? "rejected" : one.value.text + (one.value.interrupted ? "/" : "")
  );
}

Deno.test("ReplyRequests asks for one reply at a time, in order", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ reply: "I am well." }, { reply: "It is noon." }],
  });
  const { agent, realtime } = fixture;
  realtime.replyMs = 700;
  const asked = [
    agent.say("Welcome."),
    agent.generateReply("How are you?"),
    agent.say("One more thing."),
    agent.generateReply("The time?"),
  ];
  assertEquals(await settled(fixture, asked), [
    "Welcome.",
    "I am well.",
    "One more thing.",
    "It is noon.",
  ]);
  assertEquals(fixture.errors, []);
  assertEquals(
    fixture.conversation.filter((line) => line.startsWith("agent: ")).slice(-4),
    [
      "agent: Welcome.",
      "agent: I am well.",
      "agent: One more thing.",
      "agent: It is noon.",
    ].slice(-4),
  );
});

Deno.test("ReplyRequests waits for the model's own reply", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "How are you?", reply: "Well." }],
  });
  const { agent, clock, realtime } = fixture;
  realtime.replyMs = 900;
  fixture.utter(600, 3000);
  const session = realtime.sessions[0]!;
  await clock.advance(1100);
  const said = agent.say("By the way.");
  assertEquals(await settled(fixture, [said]), ["By the way."]);
  assertEquals(fixture.conversation, ["ann: How are you?", "agent: Well.", "agent: By the way."]);
  assertEquals(session.said, ["By the way."]);
});

Deno.test("ReplyRequests asks again for what the model refuses since it is busy", async () => {
  await using fixture = await Fixture.set({ realtime: [] });
  const { agent, realtime } = fixture;
  const session = realtime.sessions[0]!;
  realtime.replyMs = 2000;
  // Somewhere else a reply was begun: this session knows of it, and the agent does not yet.
  session.requestReply({ id: "other", say: "Hm." });
  const said = agent.say("Hello.");
  assertEquals(await settled(fixture, [said]), ["Hello."]);
});

Deno.test("ReplyRequests lets a person finish, and a noise that does not end for three seconds", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ heard: "A long sentence.", reply: "I see." }],
  });
  const { agent, clock, realtime } = fixture;
  const [session] = realtime.sessions;
  fixture.utter(2000, 3000);
  await clock.advance(500);
  const said = agent.say("News.");
  await clock.advance(1400);
  assertEquals(session!.said, []);
  assertEquals(await settled(fixture, [said]), ["News."]);
  assertEquals(fixture.conversation, ["ann: A long sentence.", "agent: I see.", "agent: News."]);
  fixture.speak(20_000);
  await clock.advance(500);
  const over = agent.say("Hello?");
  await clock.advance(3000);
  assertEquals(session!.said.length, 2);
  await clock.advance(5000);
  assertEquals(await settled(fixture, [over]), ["Hello?"]);
});

Deno.test("interrupt() drops what was asked for, what is generated, and what is played", async () => {
  await using fixture = await Fixture.set({ realtime: [] });
  const { agent, clock, realtime } = fixture;
  realtime.replyMs = 1000;
  const asked = [1, 2, 3].map((n) => agent.say(`This is sentence number ${n}.`));
  await clock.advance(500);
  await clock.until(agent.interrupt());
  assertEquals(await settled(fixture, asked), ["/", "/", "/"]);
  await clock.advance(3000);
  assertEquals(fixture.ann.heardMs, 0);
  // The model forgets what was not heard.
  assertEquals(realtime.sessions[0]!.interruptions.map(({ heardMs }) => heardMs), [0]);
  const again = agent.say("Fine.");
  assertEquals(await settled(fixture, [again]), ["Fine."]);
});

Deno.test("a barge-in settles everything that was asked for", async () => {
  await using fixture = await Fixture.set({ realtime: [{ heard: "Stop.", reply: "Yes?" }] });
  const { agent, clock } = fixture;
  const asked = [1, 2, 3].map((n) => agent.say(`This is the long sentence number ${n}.`));
  await clock.advance(600);
  await fixture.hear(600, 3000);
  const [first, ...others] = await settled(fixture, asked);
  assert(first!.length > 1 && first!.endsWith("/"), first);
  assertEquals(others, ["/", "/"]);
  assertEquals(fixture.conversation.at(-1), "agent: Yes?");
});

Deno.test("generateReply resolves with what is said once the tools have run", async () => {
  const clock = defineTool({
    name: "clock",
    description: "",
    execute: async (_, { signal }) => {
      await sleep(1500, { clock: fixture.clock, signal });
      return "noon.";
    },
  });
  const fixture: Fixture = await Fixture.set({
    realtime: [{ reply: "It is", call: { name: "clock", input: {} } }],
    agent: { tools: [clock] },
  });
  await using _ = fixture;
  const { agent } = fixture;
  const asked = agent.generateReply("The time?");
  await fixture.clock.advance(500);
  // While a tool runs nothing is in progress: this is said immediately.
  const meanwhile = agent.say("A moment.");
  assertEquals(await settled(fixture, [asked, meanwhile]), ["It is noon.", "A moment."]);
  assertEquals(fixture.conversation.slice(-2), ["agent: A moment.", "agent: It is noon."]);
});

Deno.test("a result is told once: by the model's own reply, if one begins meanwhile", async () => {
  const fixture: Fixture = await Fixture.set({
    realtime: [
      { heard: "Book.", reply: "Booked:", call: { name: "book", input: {} } },
      { heard: "And?", reply: "Wait." },
    ],
    agent: {
      tools: [defineTool({
        name: "book",
        description: "",
        execute: () => sleep(1500, { clock: fixture.clock }),
      })],
    },
  });
  await using _ = fixture;
  await fixture.hear(600, 900);
  // The tool ends in the middle of this.
  await fixture.hear(2500, 4000);
  assertEquals(fixture.conversation, [
    "ann: Book.",
    "agent: book({}): done",
    "agent: Booked: done",
  ]);
});

for (const status of ["incomplete", "completed", "failed"] as const) {
  Deno.test(`a call with a fault does not run, has its output, and the next tool is told of: ${status}`, async () => {
    let runs = 0;
    await using fixture = await Fixture.set({
      realtime: [
        {
          heard: "One?",
          reply: "never",
          call: { name: "look", input: {}, fault: "the call was cut off" },
          status,
        },
        { reply: "Once more, please." },
        { heard: "Two?", reply: "It is", call: { name: "look", input: {} } },
      ],
      agent: {
        tools: [defineTool({ name: "look", description: "", execute: () => `dark ${++runs}` })],
      },
    });
    await fixture.hear(600, 3000);
    const [session] = fixture.realtime.sessions;
    assertEquals(runs, 0);
    assertEquals(session!.toolResults.map(({ text }) => text), [
      "error: the call was cut off: it did not run",
    ]);
    await fixture.hear(600, 3000);
    assertEquals(session!.toolResults.length, 2);
    assertEquals(fixture.conversation, [
      "ann: One?",
      "agent: Once more, please.",
      "ann: Two?",
      "agent: look({}): dark 1",
      "agent: It is dark 1",
    ]);
  });
}

Deno.test("a call that was cancelled has its output, and no reply is asked for", async () => {
  await using fixture = await Fixture.set({
    realtime: [{
      heard: "One?",
      reply: "never",
      call: { name: "look", input: {}, fault: "the call was cut off" },
      status: "cancelled",
    }, { reply: "not asked for" }],
    agent: { tools: [defineTool({ name: "look", description: "", execute: () => "dark" })] },
  });
  await fixture.hear(600, 5000);
  assertEquals(fixture.realtime.sessions[0]!.toolResults.length, 1);
  assertEquals(fixture.conversation, ["ann: One?"]);
});

Deno.test("a reply that fails is asked for again; one that fails for good rejects", async () => {
  await using fixture = await Fixture.set({
    realtime: [
      { heard: "Hello?", reply: "Lost.", status: "failed" },
      { reply: "", status: "failed" },
      { reply: "Here I am." },
      ...Array.from({ length: 5 }, () => ({ reply: "", status: "failed" as const })),
    ],
    prepare: ({ realtime }) => realtime.replyMs = 100,
  });
  fixture.utter(600, 20_000);
  await fixture.clock.advance(8000);
  assertEquals(fixture.conversation, ["ann: Hello?", "agent: Here I am."]);
  await assertRejects(
    () => fixture.clock.until(fixture.agent.generateReply("More?")),
    InferenceError,
    "the service failed",
  );
});

Deno.test("a reply that is cut off is not taken for all of it", async () => {
  await using fixture = await Fixture.set({
    realtime: [{ reply: "A story without its", status: "incomplete" }],
  });
  const outcome = await fixture.clock.until(fixture.agent.generateReply("A story!"));
  assertEquals(outcome, { text: "A story without its", interrupted: true });
  assertEquals(fixture.conversation.at(-1), "agent: A story without its/");
  assertEquals(fixture.errors.length, 1);
});

Deno.test("a model that never begins a reply, or never ends it, keeps no caller waiting", async () => {
  await using fixture = await Fixture.set({ realtime: [{ reply: "Fine." }] });
  const { agent, realtime, clock } = fixture;
  const session = realtime.sessions[0]!;
  const { requestReply } = session;
  session.requestReply = () => {};
  const from = clock.now();
  await assertRejects(() => clock.until(agent.say("Hello?")), InferenceError, "no reply was begun");
  assert(clock.now() - from <= 21_000, `${clock.now() - from} ms`);
  session.requestReply = requestReply;
  realtime.replyMs = 1e6;
  const stalled = agent.say("Hello?");
  await clock.advance(30_000);
  realtime.replyMs = 0;
  assertEquals(await settled(fixture, [stalled]), ["Hello?"]);
});

Deno.test("close({ drain: true }) lets be heard what was asked for last", async () => {
  await using fixture = await Fixture.set({ realtime: [] });
  const { agent, realtime, clock, ann } = fixture;
  realtime.replyMs = 800;
  const said = [agent.say("Well then."), agent.say("Goodbye.")];
  await clock.advance(100);
  await clock.until(agent.close({ drain: true }));
  assertEquals(await settled(fixture, said), ["Well then.", "Goodbye."]);
  const wholeMs = 50 * "Well then.Goodbye.".length;
  assert(Math.abs(ann.heardMs - wholeMs) <= 40, `${ann.heardMs} of ${wholeMs} ms`);
});

Deno.test("ReplyRequests settles every request, in order, whatever happens", async () => {
  const step = fc.oneof(
    fc.constantFrom("say", "ask", "interrupt", "lose", "speak", "noise"),
    fc.record({ waitMs: fc.integer({ min: 0, max: 3000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.integer({ min: 0, max: 1500 }),
      async (steps, replyMs) => {
        await using fixture = await Fixture.set({
          realtime: Array.from({ length: 40 }, (_, n) => ({ reply: `Reply number ${n}.` })),
          prepare: ({ realtime }) => realtime.replyMs = replyMs,
        });
        const { agent, clock, realtime } = fixture;
        const asked: Promise<SpeechOutcome>[] = [];
        const order: number[] = [];
        const ask = (reply: Promise<SpeechOutcome>) => {
          const index = asked.push(reply) - 1;
          reply.then(({ interrupted }) => interrupted || order.push(index), () => {});
        };
        for (const one of steps) {
          if (one === "say") ask(agent.say(`Sentence ${asked.length}.`));
          else if (one === "ask") ask(agent.generateReply(`Question ${asked.length}?`));
          else if (one === "interrupt") agent.interrupt();
          else if (one === "lose") realtime.sessions.at(-1)!.lose();
          else if (one === "speak") fixture.utter(600, 1500);
          else if (one === "noise") fixture.utter(90, 300);
          else if (typeof one === "object") await clock.advance(one.waitMs);
        }
        await clock.until(Promise.allSettled(asked));
        assertEquals(order, order.toSorted((a, b) => a - b));
        // Nothing hangs after it either.
        realtime.replyMs = 0;
        await clock.advance(5000);
        const last = await clock.until(agent.say("The end."));
        assertEquals(last, { text: "The end.", interrupted: false });
      },
    ),
    { seed: 13, numRuns: 25 },
  );
});
