import { assert, assertEquals } from "@std/assert";
import { checkCustomEvent } from "../../../src/edge/custom_event.ts";
import { EdgeError } from "../../../src/edge/errors.ts";
import {
  LocalConversation,
  type PageConnection,
} from "../../../src/edges/local/local_conversation.ts";
import type { JsonValue } from "../../../src/edge/types.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

function fixture() {
  const clock = new VirtualClock();
  const sent: { [key: string]: JsonValue }[] = [];
  const participants = new Map([
    ["p", { id: "p", userId: "ada", name: "Ada", kind: "person" }],
    ["q", { id: "q", userId: "ada", name: "Ada's phone", kind: "person" }],
  ]);
  const connection = {
    state: "active",
    participants,
    sendCustomEvent(data: { [key: string]: JsonValue }) {
      checkCustomEvent(data);
      const failure = failures.shift();
      if (failure) return Promise.reject(failure);
      sent.push(data);
      return Promise.resolve();
    },
    async sendCustomEventTo(to: string, data: { [key: string]: JsonValue }) {
      await connection.sendCustomEvent(data);
      sentTo.push(to);
    },
  } as unknown as PageConnection;
  const sentTo: string[] = [];
  const failures: Error[] = [];
  let open = true;
  const conversation = new LocalConversation({
    id: "c",
    instructions: "",
    clock,
    user: { id: "echo", name: "Echo" },
    connection: () => open ? connection : undefined,
  });
  return { clock, sent, sentTo, failures, conversation, participants, leave: () => open = false };
}

Deno.test("LocalConversation sends messages to the pages under their speakers' names", async () => {
  const { clock, sent, conversation } = fixture();
  conversation.append({ role: "system", userId: "echo", text: "be kind" });
  conversation.append({ role: "user", userId: "ada", text: "hello" });
  conversation.append({ role: "assistant", userId: "echo", text: "hello Ada" });
  await clock.advance(0);
  assertEquals(sent.map(({ type, name, text }) => [type, name, text]), [
    ["transcript", "Ada", "hello"],
    ["transcript", "Echo", "hello Ada"],
  ]);
});

Deno.test("LocalConversation sends what one participant alone heard to their page alone", async () => {
  const { clock, sent, sentTo, conversation } = fixture();
  const init = { role: "assistant", userId: "echo", to: "q" } as const;
  const { id } = conversation.append({ ...init, text: "be", complete: false });
  conversation.update(id, { text: "be quick", complete: true });
  conversation.append({ role: "assistant", userId: "echo", text: "hello all" });
  await clock.advance(0);
  assertEquals(sent.map(({ text }) => text).toSorted(), ["be quick", "hello all"]);
  assertEquals(sentTo, ["q"]);
});

Deno.test("LocalConversation sends a growing message ten times a second, and its end immediately", async () => {
  const { clock, sent, conversation } = fixture();
  const { id } = conversation.append({
    role: "assistant",
    userId: "echo",
    text: "",
    complete: false,
  });
  for (let words = 1; words <= 10; words++) {
    conversation.update(id, { text: "word ".repeat(words) });
    await clock.advance(20);
  }
  assertEquals(sent.length, 2);
  conversation.update(id, { complete: true, interrupted: true });
  await clock.advance(0);
  assertEquals(sent.length, 3);
  assertEquals([sent[2]!.complete, sent[2]!.interrupted, sent[2]!.id], [true, true, id]);
  assertEquals(clock.pending, 0);
});

Deno.test("LocalConversation sends a line again that a lost media process had, as it is by then", async () => {
  const { clock, sent, failures, conversation } = fixture();
  const code = "media-process-replaced";
  failures.push(new EdgeError("lost", { code }), new EdgeError("lost again", { code }));
  const { id } = conversation.append({ role: "user", userId: "ada", text: "hello" });
  conversation.update(id, { text: "hello there" });
  await clock.advance(0);
  assertEquals(sent.map(({ text }) => text).at(-1), "hello there");
  const count = sent.length;
  failures.push(new EdgeError("no call", { code: "closed" }));
  conversation.append({ role: "user", userId: "ada", text: "lost" });
  await clock.advance(1000);
  assertEquals([sent.length, clock.pending], [count, 0]);
});

Deno.test("LocalConversation takes a removed line from the pages, and keeps tools from them", async () => {
  const { clock, sent, conversation } = fixture();
  const { id } = conversation.append({ role: "assistant", userId: "echo", text: "Well" });
  conversation.append({ role: "tool", userId: "echo", text: "book({})" });
  await clock.advance(0);
  conversation.remove(id);
  await clock.advance(0);
  assertEquals(sent.map(({ id, text, complete }) => [id, text, complete]), [
    [id, "Well", true],
    [id, "", true],
  ]);
});

Deno.test("LocalConversation shortens a message that is too long for one event", async () => {
  const { clock, sent, conversation } = fixture();
  for (const letter of ["a", "ä", "語", "🦜"]) {
    conversation.append({ role: "assistant", userId: "echo", text: letter.repeat(6000) });
  }
  await clock.advance(0);
  assertEquals(sent.length, 4);
  for (const { text } of sent) assert(String(text).length > 400 && String(text).endsWith("…"));
});

Deno.test("LocalConversation keeps messages without a connection", async () => {
  const { clock, sent, conversation, leave } = fixture();
  leave();
  conversation.append({ role: "user", userId: "ada", text: "hello" });
  await clock.advance(200);
  assertEquals([sent.length, conversation.messages.length], [0, 1]);
});

Deno.test("LocalConversation names the participant who said it, even after they have left", async () => {
  const { clock, sent, conversation, participants } = fixture();
  const init = { role: "user", userId: "ada", participantId: "q", complete: false } as const;
  const { id } = conversation.append({ ...init, text: "hel" });
  await clock.advance(100);
  participants.clear();
  conversation.update(id, { text: "hello", complete: true });
  await clock.advance(0);
  assertEquals(sent.map(({ participant, name, text }) => [participant, name, text]), [
    ["q", "Ada's phone", "hel"],
    ["q", "Ada's phone", "hello"],
  ]);
});
