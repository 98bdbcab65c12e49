/** Every function of a realtime model, and every slip that one can make in it. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Component } from "../../src/inference/contracts/component.ts";
import type {
  RealtimeEvent,
  RealtimeLLM,
  RealtimeSession,
} from "../../src/inference/contracts/realtime_llm.ts";
import { sleep } from "../../src/events/waiting.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import {
  failures,
  type MethodsOf,
  type SlipName,
  slipNames,
  slips,
  UnhandledRejections,
} from "../fixtures/slips.ts";
import { Fixture } from "./_fixture.ts";

/** The methods of a session, with those that have symbols for names. */
type SessionMethod =
  | Exclude<MethodsOf<RealtimeSession>, symbol>
  | "asyncIterator"
  | "asyncDispose";

interface Case {
  /** The slips that are told as an event. Default: those that are failures whatever it is for. */
  told?: readonly SlipName[];
  /** How many of the exchanges are heard all the same. Default: all three. */
  heard?: number;
}

const cases = {
  sendAudio: { heard: 0 },
  sendImage: {},
  sendText: { heard: 2 },
  sendToolResult: { heard: 2 },
  // The caller is told, and the event is for those who did not wait. What the model says of its own
  // accord is heard.
  requestReply: { heard: 1 },
  commitTurn: { heard: 0 },
  interrupt: {},
  // The caller is told, and the event is for those who did not wait.
  update: { told: [...failures, "never settles"] },
  // A session whose events cannot be had is none: it is begun again.
  asyncIterator: { told: slipNames, heard: 0 },
  asyncDispose: { told: [...failures, "never settles"] },
} satisfies Record<SessionMethod, Case>;

const symbols: Record<string, symbol> = {
  asyncIterator: Symbol.asyncIterator,
  asyncDispose: Symbol.asyncDispose,
};

/** A fake model whose sessions have one function replaced. */
function slipping(fixture: Fixture, name: SessionMethod, slip: () => unknown): void {
  const { realtime } = fixture;
  const connect = realtime.connect.bind(realtime);
  realtime.connect = async (options) => {
    const session = await connect(options);
    Object.defineProperty(session, symbols[name] ?? name, { value: slip });
    return session;
  };
}

for (const [name, one] of Object.entries(cases) as [SessionMethod, Case][]) {
  Deno.test(`RealtimeSession.${name} may be anything: the call goes on and ends`, async () => {
    using unhandled = new UnhandledRejections();
    const { told = failures, heard = 3 } = one;
    for (const slipName of slipNames) {
      const what = `${name} ${slipName}`;
      const fixture = await Fixture.set({
        realtime: [
          {
            heard: "One?",
            reply: "First of all there is a lot to be said about it, and some more.",
          },
          { heard: "Two?", reply: "It is", call: { name: "look", input: {} } },
        ],
        seeing: true,
        agent: {
          tools: [defineTool({ name: "look", description: "Looks", execute: () => "dark." })],
        },
        prepare: (fixture) => {
          slipping(fixture, name, slips[slipName]);
          fixture.realtime.hearsSilence = name !== "commitTurn";
        },
      });
      const { clock, agent, ann } = fixture;
      const camera = ann.publishVideo();
      const look = () => {
        const data = new Uint8Array(4);
        camera.push({ format: "RGBA", width: 1, height: 1, data, timestampMs: clock.now() });
      };
      look();
      await clock.advance(500);
      look();
      fixture.utter(600, 1000);
      await clock.advance(1900);
      // Over the agent's answer.
      fixture.utter(600, 3000);
      await clock.advance(5000);
      const asked = agent[name === "sendText" ? "generateReply" : "say"]("By the way.").catch(
        () => {},
      );
      await clock.advance(5000);
      const update = agent.update({ instructions: "Be brief." }).then(() => true, () => false);
      const isRefused = name === "update" && (told as readonly SlipName[]).includes(slipName);
      assertEquals(await clock.until(update), !isRefused, what);
      const from = clock.now();
      await fixture[Symbol.asyncDispose]();
      await clock.until(asked);
      await unhandled.assertNone(what);
      assertEquals(clock.pending, 0, `${what}: timers are left`);
      assert(clock.now() - from <= 6000, `${what}: closing took ${clock.now() - from} ms`);
      const errors = fixture.errors.map(({ context, error }) => `${context}: ${error}`);
      const isTold = (told as readonly SlipName[]).includes(slipName);
      assertEquals(errors.length > 0, isTold, `${what}: ${errors.join("\n")}`);
      assert(errors.length <= 15, `${what}: ${errors.length} errors`);
      const answers = fixture.conversation.filter((line) => /^agent: ./.test(line));
      assert(answers.length >= heard, `${what}: ${fixture.conversation}`);
    }
  });
}

const ownOfModel = {
  connect: async (slipName) => {
    const slip = slips[slipName] as RealtimeLLM["connect"];
    let fixture: Fixture | undefined;
    const setting = Fixture.set({
      realtime: [],
      prepare: (one) => {
        fixture = one;
        one.realtime.connect = slip;
      },
    });
    await assertRejects(() => setting, Error, undefined, slipName);
    await fixture![Symbol.asyncDispose]();
    assertEquals(fixture!.clock.pending, 0);
  },
} satisfies Record<
  Exclude<MethodsOf<RealtimeLLM>, MethodsOf<Component>>,
  (slip: SlipName) => Promise<void>
>;

Deno.test("a realtime model whose connect is anything makes the join fail, and ends", async () => {
  using unhandled = new UnhandledRejections();
  for (const slipName of slipNames) {
    await ownOfModel.connect(slipName);
    await unhandled.assertNone(slipName);
  }
});

Deno.test("a session that is never begun anew after a loss is given up and tried again", async () => {
  const fixture = await Fixture.set({ realtime: [{ heard: "Hello?", reply: "Here." }] });
  const { clock, realtime, ann } = fixture;
  const connect = realtime.connect.bind(realtime);
  let tries = 0;
  realtime.connect = (options) => ++tries === 1 ? new Promise(() => {}) : connect(options);
  realtime.sessions.at(-1)!.lose();
  await clock.advance(20_000);
  assertEquals(tries, 2);
  await fixture.hear(600, 3000, ann);
  assert(ann.heardMs > 0);
  await fixture[Symbol.asyncDispose]();
});

Deno.test("an event that makes no sense is told, and does not end the session", async () => {
  const senseless: unknown[] = [
    undefined,
    5,
    {},
    { type: "audio", replyId: "a" },
    { type: "tool-call" },
    { type: "nothing" },
  ];
  await using fixture = await Fixture.set({
    realtime: [{ heard: "Hello?", reply: "Here." }],
    prepare: ({ clock, realtime }) => {
      const connect = realtime.connect.bind(realtime);
      realtime.connect = async (options) => {
        const session = await connect(options);
        const real = session[Symbol.asyncIterator].bind(session);
        async function* events() {
          for (const event of senseless) {
            yield event as RealtimeEvent;
            await sleep(1100, { clock });
          }
          yield* { [Symbol.asyncIterator]: real };
        }
        return Object.assign(session, { [Symbol.asyncIterator]: events });
      };
    },
  });
  const { clock, realtime, ann } = fixture;
  await clock.advance(8000);
  assertEquals(realtime.sessions.length, 1);
  assertEquals(fixture.errors.length, 3, "undefined, the audio and the tool call");
  await fixture.hear(600, 3000, ann);
  assert(ann.heardMs > 0);
});
