/** The interpreter in simulated calls: no key, no microphone, no waiting. */
import { assert, assertEquals } from "@std/assert";
import type { Message } from "@ringline/edge";
import {
  type CallRecord,
  FakeLLM,
  FakeSTT,
  FakeTTS,
  type ScriptedPerson,
  simulateCall,
  speechLike,
} from "@ringline/edge/testing";
import { Interpreter } from "./interpreter.ts";

/** A sentence, when it is said, and its translation. */
type Sentence = [atMs: number, text: string, translation: string];

/** Has people speak, one sentence after the other; `people` says more of them. */
async function converse(
  sentences: { [userId: string]: Sentence[] },
  people: { [userId: string]: Partial<ScriptedPerson> } = {},
): Promise<{ record: CallRecord; messages: readonly Message[]; asked: string[] }> {
  let messages: readonly Message[] = [];
  let llm!: FakeLLM;
  const interpreter = new Interpreter(["English", "German"]);
  const inOrder = Object.values(sentences).flat().toSorted(([one], [other]) => one - other);
  const texts = Object.entries(sentences).map(([userId, said]) =>
    [userId, said.map(([, text]) => ({ text, delayMs: 150 }))] as const
  );
  const record = await simulateCall({
    seed: 1,
    people: Object.entries(sentences).map(([userId, said], person) => ({
      userId,
      joinsAtMs: person * 100,
      says: said.map(([atMs], seed) => ({
        atMs,
        pcm: speechLike(1200, { seed: 10 * person + seed }),
      })),
      network: { delayMs: 60, jitterMs: 30, loss: 0.02 },
      ...people[userId],
    })),
    agent: ({ clock }) => {
      llm = new FakeLLM(clock, inOrder.map(([, , translation]) => translation));
      return {
        ...interpreter.agentOptions,
        llm,
        stt: new FakeSTT(clock, Object.fromEntries(texts)),
        tts: new FakeTTS(clock, { firstByteMs: 100 }),
      };
    },
    onJoined: ({ agent }) => {
      interpreter.serve(agent);
      messages = agent.conversation!.messages;
    },
    endsAtMs: 20_000,
  });
  assertEquals(record.errors, []);
  return { record, messages, asked: llm.requests.map(({ messages }) => messages.at(-1)!.text) };
}

/** What each message said, and who alone heard it. */
function heard(messages: readonly Message[]): [text: string, to: string | undefined][] {
  return messages.filter(({ role }) => role === "assistant").map(({ text, to }) => [text, to]);
}

Deno.test("the interpreter tells each person in their language what the other said, and no one else", async () => {
  const { record, messages, asked } = await converse({
    anna: [[1000, "Good day.", "(German) Good day."], [12_000, "Yes.", "(German) Yes."]],
    bert: [[6000, "(German) Is this seat taken?", "Is this seat taken?"]],
  });
  assertEquals(asked, [
    "Translate into German: Good day.",
    "Translate into English: (German) Is this seat taken?",
    "Translate into German: Yes.",
  ]);
  assertEquals(heard(messages), [
    ["(German) Good day.", "bert"],
    ["Is this seat taken?", "anna"],
    ["(German) Yes.", "bert"],
  ]);
  const [anna, bert] = ["anna", "bert"].map((id) => record.heardBy.get(id)!);
  assert(anna!.totalMs > 0 && bert!.totalMs > 0);
  // What one hears the other does not: both together heard no more than what was said.
  assert(anna!.totalMs + bert!.totalMs <= record.said.totalMs);
});

Deno.test("the interpreter goes on while the one who was translated speaks again", async () => {
  const { messages, asked } = await converse({
    anna: [
      [
        1000,
        "One thing first.",
        "(German) One thing first, and then one more, and at last another.",
      ],
      [3800, "And another.", "(German) And another."],
    ],
    bert: [],
  });
  assertEquals(asked.length, 2);
  assertEquals(
    messages.filter(({ role, interrupted }) => role === "assistant" && interrupted),
    [],
  );
});

Deno.test("the interpreter gives the language of who left to the next, and none to a third", async () => {
  const { record, messages, asked } = await converse({
    anna: [[6000, "Good day.", "(German) Good day."]],
    bert: [],
    carl: [],
    dora: [[12_000, "And me?", "(German) And me?"]],
  }, {
    bert: { leavesAtMs: 3000 },
    carl: { joinsAtMs: 4000 },
    dora: { joinsAtMs: 5000 },
  });
  assertEquals(asked, ["Translate into German: Good day."]);
  assertEquals(heard(messages), [["(German) Good day.", "carl"]]);
  assert(record.heardBy.get("carl")!.totalMs > 0);
  assertEquals(record.heardBy.get("dora")!.totalMs, 0);
});
