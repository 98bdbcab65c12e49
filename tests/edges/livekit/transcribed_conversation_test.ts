import { assertEquals } from "@std/assert";
import {
  TranscribedConversation,
  type Transcription,
} from "../../../src/edges/livekit/transcribed_conversation.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

function fixture(
  send?: (one: Transcription) => Promise<void>,
  written: readonly string[] = [],
) {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const errors: unknown[] = [];
  const conversation = new TranscribedConversation({
    id: "default:kitchen",
    instructions: "Be kind.",
    clock,
    isWritten: (participantId, text) => written.includes(`${participantId}: ${text}`),
    send: send ?? ((one) => {
      const { text, isFinal, participantId = "agent", to } = one;
      const line = `${participantId}: ${text}${isFinal ? "" : " ..."}`;
      sent.push(to === undefined ? line : `${line} (to ${to})`);
      return Promise.resolve();
    }),
    onError: (error) => errors.push(error),
  });
  return { clock, conversation, sent, errors };
}

Deno.test("TranscribedConversation shows what people and the agent say, and nothing else", async () => {
  const { conversation, sent } = fixture();
  conversation.append({ role: "system", userId: "app", text: "secret" });
  conversation.append({ role: "user", userId: "anna", participantId: "PA_1", text: "Hello." });
  conversation.append({ role: "tool", userId: "bot", text: "looked up" });
  conversation.append({ role: "assistant", userId: "bot", text: "Good day." });
  conversation.append({ role: "assistant", userId: "bot", text: "Psst.", to: "PA_1" });
  await conversation.flush();
  assertEquals(sent, ["PA_1: Hello.", "agent: Good day.", "agent: Psst. (to PA_1)"]);
  assertEquals(conversation.messages.length, 5);
});

Deno.test("TranscribedConversation shows no person's words as another's, and no text twice", async () => {
  const { conversation, sent } = fixture(undefined, ["PA_1: Written."]);
  conversation.append({ role: "user", userId: "gone", text: "Of one who is not here." });
  conversation.append({ role: "user", userId: "anna", participantId: "PA_1", text: "Written." });
  conversation.append({ role: "user", userId: "anna", participantId: "PA_1", text: "Said." });
  await conversation.flush();
  assertEquals(sent, ["PA_1: Said."]);
  assertEquals(conversation.messages.length, 3);
});

Deno.test("TranscribedConversation shows a growing message's latest state, and its end", async () => {
  const { conversation, sent, clock } = fixture();
  const { id } = conversation.append({
    role: "assistant",
    userId: "bot",
    text: "",
    complete: false,
  });
  await clock.advance(0);
  assertEquals(sent, [], "nothing is no text");
  for (const text of ["One", "One two", "One two three"]) conversation.update(id, { text });
  await clock.advance(0);
  assertEquals(sent.splice(0), ["agent: One two three ..."]);
  conversation.update(id, { text: "One two three four" });
  conversation.update(id, { text: "One two", complete: true, interrupted: true });
  await clock.advance(150);
  await conversation.flush();
  assertEquals(sent, ["agent: One two"]);
});

Deno.test("TranscribedConversation empties a message that is removed, if it was shown", async () => {
  const { conversation, sent, clock } = fixture();
  const open = { role: "user", userId: "anna", participantId: "PA_1", complete: false } as const;
  const shown = conversation.append({ ...open, text: "mm" });
  await clock.advance(150);
  conversation.remove(shown.id);
  const unseen = conversation.append({ ...open, text: "hm" });
  conversation.remove(unseen.id);
  await clock.advance(150);
  assertEquals(sent, ["PA_1: mm ...", "PA_1: "]);
  assertEquals(conversation.messages, []);
});

Deno.test("TranscribedConversation reports what could not be sent, and goes on", async () => {
  const sent: string[] = [];
  const { conversation, errors } = fixture(({ text }) => {
    if (text === "lost") return Promise.reject(new Error("no room"));
    sent.push(text);
    return Promise.resolve();
  });
  conversation.append({ role: "assistant", userId: "bot", text: "lost" });
  conversation.append({ role: "assistant", userId: "bot", text: "kept" });
  await conversation.flush();
  assertEquals([sent, errors.length], [["kept"], 1]);
});
