/** Calls in which people fall silent, and agents whose time is up. */
import { assert, assertEquals } from "@std/assert";
import type { AgentOptions } from "../../src/agent/agent_options.ts";
import {
  AgentStateChangedEvent,
  UserStateChangedEvent,
} from "../../src/inference/contracts/events.ts";
import { defineTool } from "../../src/inference/contracts/tool.ts";
import { FakeLLM, type FakeReply } from "../../src/testing/fake_llm.ts";
import { FakeTTS } from "../../src/testing/fake_tts.ts";
import { FakeVAD } from "../../src/testing/fake_vad.ts";
import type { ScriptedPerson, Simulation } from "../../src/testing/simulator/script.ts";
import { simulateCall } from "../../src/testing/simulator/simulate_call.ts";
import { speechLike, tone } from "../../src/testing/sounds.ts";
import { fan, mixed, spoken, type SpokenWords, WordSTT } from "./_calls.ts";

interface StatesOptions {
  people: readonly ScriptedPerson[];
  words?: SpokenWords;
  replies?: readonly FakeReply[];
  options?: Partial<AgentOptions>;
  interim?: boolean;
  endsAtMs: number;
  onJoined?: (simulation: Simulation) => void;
}

/** Runs a call and returns the changes of state, each as `second who state`. */
async function states(
  { people, words = {}, replies, options, interim = true, endsAtMs, onJoined }: StatesOptions,
) {
  const users: string[] = [];
  const agents: string[] = [];
  const at = (clock: Simulation["clock"]) => (clock.now() / 1000).toFixed(1);
  const record = await simulateCall({
    seed: 1,
    people,
    agent: ({ clock }) => ({
      vad: new FakeVAD(),
      stt: new WordSTT(clock, words, { interim, delayMs: 200 }),
      llm: new FakeLLM(clock, replies),
      tts: new FakeTTS(clock),
      ...options,
    }),
    onJoined: (simulation) => {
      const { agent, clock } = simulation;
      agent.events.subscribe(UserStateChangedEvent, ({ participant, state, awayCount }) => {
        users.push(`${at(clock)} ${participant.userId} ${state}${awayCount > 1 ? awayCount : ""}`);
      });
      agent.events.subscribe(AgentStateChangedEvent, ({ state }) => {
        agents.push(`${at(clock)} ${state}`);
      });
      onJoined?.(simulation);
    },
    endsAtMs,
  });
  assertEquals(record.errors, []);
  return { users, agents, away: users.filter((one) => /away/.test(one)), record };
}

Deno.test("UserStateChangedEvent and AgentStateChangedEvent follow a question and its reply", async () => {
  const { users, agents } = await states({
    people: [{ userId: "anna", says: [{ atMs: 1000, pcm: speechLike(1000) }] }],
    words: { anna: spoken(1000, "What time?") },
    replies: [{ text: "It is five.", firstTokenMs: 500 }],
    endsAtMs: 22_000,
  });
  // The reply is 550 ms long: 15 s later they are away.
  assertEquals(users, ["1.2 anna speaking", "2.4 anna listening", "18.9 anna away"]);
  assertEquals(agents, ["2.8 thinking", "3.3 speaking", "3.9 listening"]);
});

Deno.test("awayAfterMs counts from the last words of a person, not from noise", async () => {
  const noises = [3000, 6000, 9000, 11_000].map((atMs) => ({ atMs, pcm: tone(400) }));
  for (const says of [[], noises, [{ atMs: 3000, pcm: fan(20_000, { belowSpeechDb: 10 }) }]]) {
    const { away, users } = await states({
      people: [{ userId: "anna", says: [{ atMs: 500, pcm: speechLike(900) }, ...says] }],
      words: { anna: spoken(500, "I think so.") },
      options: { awayAfterMs: 10_000, turnHandling: { shouldReply: () => false } },
      endsAtMs: 20_000,
    });
    // A noise right then is waited for until it is known to have no words.
    const [second] = away.map((one) => Number(one.split(" ")[0]));
    assert(away.length === 1 && second! >= 11.6 && second! <= 12, users.join());
    assertEquals(users.at(-1), away[0], "noise does not bring them back");
  }
});

Deno.test("awayAfterMs waits for words that are still to be recognised", async () => {
  const { away } = await states({
    people: [{ userId: "anna", says: [{ atMs: 8000, pcm: speechLike(6000) }] }],
    words: { anna: spoken(8000, "this is a very long sentence that nothing is known of yet") },
    interim: false,
    options: { awayAfterMs: 10_000, turnHandling: { shouldReply: () => false } },
    endsAtMs: 30_000,
  });
  assertEquals(away, ["24.0 anna away"]);
});

Deno.test("awayAfterMs does not run while a tool does, and begins again when it has", async () => {
  const { away, agents } = await states({
    people: [{ userId: "anna", says: [{ atMs: 500, pcm: speechLike(900) }] }],
    words: { anna: spoken(500, "Look it up.") },
    replies: [{ calls: [{ name: "look", input: {} }] }, "Found it."],
    options: {
      awayAfterMs: 5000,
      tools: [defineTool({
        name: "look",
        description: "Looks",
        timeoutMs: 20_000,
        execute: (_, { signal: _signal }) => new Promise((resolve) => release = resolve),
      })],
    },
    onJoined: ({ clock }) => void clock.schedule(() => release("here"), 14_000),
    endsAtMs: 25_000,
  });
  assertEquals(agents.map((one) => one.split(" ")[1]), ["thinking", "speaking", "listening"]);
  // 450 ms of speech from 14 s on, then five seconds.
  assertEquals(away, ["19.5 anna away"]);
});
let release: (value: string) => void = () => {};

Deno.test("a line makes the agent ask whether they are still there, and hang up", async () => {
  const { away, record, agents } = await states({
    people: [{ userId: "anna", says: [{ atMs: 500, pcm: speechLike(900) }] }],
    words: { anna: spoken(500, "Hello there.") },
    replies: ["Hello."],
    onJoined: ({ agent }) => {
      agent.events.subscribe(UserStateChangedEvent, ({ state, awayCount }) => {
        if (state !== "away") return;
        return awayCount === 1 ? void agent.say("Are you still there?") : agent.close();
      });
    },
    endsAtMs: 60_000,
  });
  assertEquals(away.map((one) => one.split(" ")[2]), ["away", "away2"]);
  assert(Number(away[1]!.split(" ")[0]) - Number(away[0]!.split(" ")[0]) > 15.9);
  assertEquals([record.reason, agents.filter((one) => /speaking/.test(one)).length], ["left", 2]);
});

Deno.test("a person who speaks again is back, and is asked again as if for the first time", async () => {
  const { users } = await states({
    people: [{
      userId: "anna",
      says: [{ atMs: 12_000, pcm: tone(300) }, { atMs: 14_000, pcm: speechLike(900) }],
    }],
    words: { anna: spoken(14_000, "Yes, I am here.") },
    options: { awayAfterMs: 10_000, turnHandling: { shouldReply: () => false } },
    endsAtMs: 30_000,
  });
  assertEquals(users, [
    "10.0 anna away",
    "14.5 anna speaking",
    "15.3 anna listening",
    "25.1 anna away",
  ]);
});

Deno.test("each of several people is away on their own, and no person is in an empty call", async () => {
  const { away } = await states({
    people: [
      { userId: "anna", says: [{ atMs: 8000, pcm: speechLike(900) }], leavesAtMs: 19_500 },
      { userId: "bob", leavesAtMs: 12_000 },
    ],
    words: { anna: spoken(8000, "What else?") },
    options: { awayAfterMs: 5000, turnHandling: { shouldReply: () => false } },
    endsAtMs: 40_000,
  });
  assertEquals(away, ["5.0 anna away", "5.0 bob away", "13.9 anna away"]);
});

Deno.test("a line of code asks several people once whether they are still there, and hangs up once", async () => {
  const said: string[] = [];
  const { away, record } = await states({
    people: [{ userId: "anna" }, { userId: "bob" }, { userId: "cem" }],
    options: { awayAfterMs: 5000 },
    endsAtMs: 40_000,
    onJoined: ({ agent }) => {
      agent.events.subscribe(UserStateChangedEvent, async ({ allAway, awayCount }) => {
        if (allAway && awayCount === 1) said.push((await agent.say("Are you still there?")).text);
        else if (allAway) await agent.hangUp({ say: "Goodbye, then." });
      });
    },
  });
  assertEquals([said, away.length, record.reason], [["Are you still there?"], 6, "call-ended"]);
  assert(record.durationMs < 14_000, `${record.durationMs} ms`);
});

Deno.test("awayAfterMs may be Infinity", async () => {
  const { users } = await states({
    people: [{ userId: "anna" }],
    options: { awayAfterMs: Infinity },
    endsAtMs: 100_000,
  });
  assertEquals(users, []);
});

Deno.test("maxCallMs ends the agent's call, whatever goes on in it", async () => {
  const { record } = await states({
    people: [{ userId: "anna", says: [{ atMs: 0, pcm: mixed([0, speechLike(20_000)]) }] }],
    options: { maxCallMs: 10_000 },
    endsAtMs: 30_000,
  });
  assertEquals(record.reason, "left");
  const { untilMs = 0 } = record.heard.get("anna")?.list.at(-1) ?? {};
  assert(untilMs <= 10_020 && untilMs > 9900, `${untilMs}`);
});

Deno.test("closeWhenIdleMs ends the agent's call when no person is in it for so long", async () => {
  const cases: [ScriptedPerson[], string][] = [
    [[], "left"],
    [[{ userId: "anna", joinsAtMs: 8000 }], "call-ended"],
    [[{ userId: "anna", joinsAtMs: 12_000 }], "left"],
    [[{ userId: "anna", leavesAtMs: 5000 }], "left"],
    [[{ userId: "anna", leavesAtMs: 5000 }, { userId: "bob", joinsAtMs: 14_000 }], "call-ended"],
    [[{ userId: "anna", leavesAtMs: 25_000 }], "call-ended"],
  ];
  for (const [people, reason] of cases) {
    const { record } = await states({
      people,
      options: { closeWhenIdleMs: 10_000 },
      endsAtMs: 30_000,
    });
    assertEquals(record.reason, reason, JSON.stringify(people));
  }
});
