import { assertEquals, assertThrows } from "@std/assert";
import { MemoryConversation } from "../../src/edge/conversation.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

Deno.test("messages are appended in order and change in place", async () => {
  const clock = new VirtualClock({ startEpochMs: 5000 });
  const conversation = new MemoryConversation({ id: "c", instructions: "Be kind.", clock });
  conversation.append({ role: "user", userId: "anna", text: "Hello" });
  await clock.advance(10);
  const answer = conversation.append({
    role: "assistant",
    userId: "agent",
    text: "Good",
    complete: false,
  });
  conversation.update(answer.id, { text: "Good day" });
  conversation.update(answer.id, { complete: true, interrupted: true });
  assertEquals(
    conversation.messages.map(({ text, complete, interrupted, createdAtMs }) => ({
      text,
      complete,
      interrupted,
      createdAtMs,
    })),
    [
      { text: "Hello", complete: true, interrupted: false, createdAtMs: 5000 },
      { text: "Good day", complete: true, interrupted: true, createdAtMs: 5010 },
    ],
  );
  assertEquals(answer.text, "Good");
  assertEquals(conversation.instructions, "Be kind.");
  await conversation.flush();
});

Deno.test("a full conversation drops its oldest messages and counts them", () => {
  const conversation = new MemoryConversation({ id: "c", capacity: 2 });
  for (const text of ["a", "b", "c", "d"]) {
    conversation.append({ role: "user", userId: "anna", text });
  }
  assertEquals(conversation.messages.map((one) => one.text), ["c", "d"]);
  assertEquals(conversation.dropped, 2);
  assertThrows(() => new MemoryConversation({ id: "c", capacity: 0 }), RangeError);
});

Deno.test("a message is removed, and a call is kept with its outcome", () => {
  const conversation = new MemoryConversation({ id: "c" });
  const { id } = conversation.append({ role: "assistant", userId: "agent", text: "", id: "m" });
  const toolCall = { id: "call-1", name: "book", input: {} };
  conversation.append({ role: "tool", userId: "agent", text: "book({})", toolCall });
  conversation.remove(id);
  conversation.remove("x");
  assertEquals(conversation.messages.map(({ role, toolCall }) => ({ role, toolCall })), [
    { role: "tool", toolCall },
  ]);
});

Deno.test("an unknown message and a repeated id are refused", () => {
  const conversation = new MemoryConversation({ id: "c" });
  conversation.append({ id: "m", role: "user", userId: "anna", text: "a" });
  assertThrows(() => conversation.update("x", { text: "b" }), RangeError, '"x"');
  assertThrows(
    () => conversation.append({ id: "m", role: "user", userId: "anna", text: "b" }),
    RangeError,
    '"m"',
  );
});
