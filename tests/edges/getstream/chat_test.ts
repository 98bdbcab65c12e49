import { delay } from "@std/async/delay";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ConnectionError } from "../../../src/edge/errors.ts";
import { chunksOf } from "../../../src/edges/getstream/chat_chunks.ts";
import {
  ChatConversation,
  type ChatWriter,
} from "../../../src/edges/getstream/chat_conversation.ts";
import type { StreamChatMessage } from "../../../src/edges/getstream/service/stream_service.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";
import { ErrorEvent } from "../../../src/edge/events.ts";
import { StreamDouble } from "./double/stream_double.ts";
import { TestCall } from "./_fixture.ts";
import { until } from "../../fixtures/until.ts";

/** A chat that notes what is written, and fails when told. */
class NotingWriter implements ChatWriter {
  readonly writes: string[] = [];
  readonly messages: StreamChatMessage[] = [];
  failures: Error[] = [];
  latencyMs = 0;

  constructor(readonly clock: VirtualClock) {}

  openChannel(id: string): Promise<void> {
    return this.#do(`open ${id}`);
  }
  async sendMessage(_channel: string, message: StreamChatMessage): Promise<void> {
    await this.#do(`send ${message.id} ${message.text.slice(0, 12)}`);
    this.messages.push(message);
  }
  showMessage({ id, text }: StreamChatMessage): Promise<void> {
    return this.#do(`show ${id} ${text.slice(0, 12)}`);
  }
  finishMessage({ id, text }: StreamChatMessage): Promise<void> {
    return this.#do(`finish ${id} ${text.slice(0, 12)}`);
  }
  deleteMessage(id: string): Promise<void> {
    return this.#do(`delete ${id}`);
  }

  async #do(what: string): Promise<void> {
    if (this.latencyMs > 0) {
      await new Promise<void>((resolve) => this.clock.schedule(resolve, this.latencyMs));
    }
    const failure = this.failures.shift();
    if (failure) throw failure;
    this.writes.push(what);
  }
}

function conversation(options: { signal?: AbortSignal } = {}) {
  const clock = new VirtualClock();
  const writer = new NotingWriter(clock);
  const errors: unknown[] = [];
  const chat = new ChatConversation({
    id: "messaging:kitchen",
    instructions: "be kind",
    channelId: "kitchen",
    ownerId: "bot",
    writer,
    clock,
    onError: (error) => errors.push(error),
    ...options,
  });
  const done = () => clock.until(chat.flush(), 60_000);
  return { clock, writer, errors, chat, done };
}

const away = () => new ConnectionError("away", { code: "service-failed", retryable: true });

Deno.test("chunks of a chat text have at most 1000 characters and make the text again", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 4000 }), (text) => {
    const chunks = chunksOf(text);
    assertEquals(chunks.join(""), text);
    assert(chunks.every((chunk) => chunk.length <= 1000));
    assert(chunks.every((chunk) => chunk.isWellFormed()) || !text.isWellFormed());
  }));
  assertEquals(chunksOf(""), [""]);
  const words = "word ".repeat(500);
  assert(chunksOf(words).slice(0, -1).every((chunk) => chunk.endsWith(" ")));
});

Deno.test("ChatConversation writes messages in order, without holding up the call", async () => {
  const { chat, writer, done } = conversation();
  chat.append({ role: "system", userId: "bot", text: "be kind" });
  chat.append({ id: "1", role: "user", userId: "anna", text: "hello" });
  chat.append({ id: "2", role: "assistant", userId: "bot", text: "hi" });
  assertEquals(writer.writes, [], "nothing waits for the chat");
  await done();
  assertEquals(writer.writes, ["open kitchen", "send 1 hello", "send 2 hi"]);
  assertEquals(writer.messages[1]!.custom, {
    generating: false,
    chunk_group: "2",
    chunk_index: 0,
    total_chunks: 1,
  });
  assertEquals(chat.messages.map(({ text }) => text), ["be kind", "hello", "hi"]);
});

Deno.test("ChatConversation shows a growing message now and then, and stores its last state", async () => {
  const { chat, writer, clock, done } = conversation();
  const { id } = chat.append({
    id: "1",
    role: "assistant",
    userId: "bot",
    text: "a",
    complete: false,
  });
  let text = "a";
  for (let index = 0; index < 20; index++) {
    await clock.advance(50);
    text += "b";
    chat.update(id, { text });
  }
  chat.update(id, { complete: true });
  await done();
  const kinds = writer.writes.map((write) => write.split(" ")[0]);
  assertEquals([kinds[0], kinds[1], kinds.at(-1)], ["open", "send", "finish"]);
  const shown = kinds.filter((kind) => kind === "show").length;
  assert(shown >= 3 && shown <= 5, `shown ${shown} times in a second`);
});

Deno.test("ChatConversation writes a long text in chunks, and cuts it again when only a part was heard", async () => {
  const { chat, writer, done } = conversation();
  chat.append({ id: "1", role: "assistant", userId: "bot", text: "x".repeat(2500) });
  await done();
  assertEquals(writer.messages.map(({ id, text, custom }) => [id, text.length, custom]), [
    ["1", 1000, { generating: false, chunk_group: "1", chunk_index: 0, total_chunks: 3 }],
    ["1-1", 1000, { generating: false, chunk_group: "1", chunk_index: 1, total_chunks: 3 }],
    ["1-2", 500, { generating: false, chunk_group: "1", chunk_index: 2, total_chunks: 3 }],
  ]);
  writer.writes.length = 0;
  chat.update("1", { text: "x".repeat(900), interrupted: true });
  await done();
  assertEquals(writer.writes, [`finish 1 ${"x".repeat(12)}`, "delete 1-1", "delete 1-2"]);
});

Deno.test("ChatConversation retries a write that failed, and keeps the order", async () => {
  const { chat, writer, errors, done } = conversation();
  writer.failures = [away(), away()];
  chat.append({ id: "1", role: "user", userId: "anna", text: "one" });
  chat.append({ id: "2", role: "user", userId: "anna", text: "two" });
  await done();
  assertEquals(writer.writes, ["open kitchen", "send 1 one", "send 2 two"]);
  assertEquals(errors, []);
});

Deno.test("ChatConversation reports and leaves out a write that cannot succeed, and writes the next", async () => {
  const { chat, writer, errors, done } = conversation();
  chat.append({ id: "0", role: "user", userId: "anna", text: "zero" });
  await done();
  const refused = new ConnectionError("no", { code: "refused" });
  writer.failures = [refused, ...Array.from({ length: 5 }, away)];
  chat.append({ id: "1", role: "user", userId: "anna", text: "one" });
  chat.append({ id: "2", role: "user", userId: "anna", text: "two" });
  chat.append({ id: "3", role: "user", userId: "anna", text: "three" });
  await done();
  assertEquals(writer.writes.slice(1), ["send 0 zero", "send 3 three"]);
  assertEquals(errors.length, 2);
  assertEquals(errors[0], refused);
});

Deno.test("ChatConversation writes a message once although the response to it was lost", async () => {
  const { chat, writer, errors, done } = conversation();
  chat.append({ id: "0", role: "user", userId: "anna", text: "zero" });
  await done();
  writer.failures = [away(), new ConnectionError("it exists", { code: "refused" })];
  chat.append({ id: "1", role: "user", userId: "anna", text: "one" });
  await done();
  assertEquals(writer.writes.slice(2), ["finish 1 one"]);
  assertEquals(errors, []);
});

Deno.test("a slow chat delays nothing, and costs only states in between", async () => {
  const { chat, writer, clock, done } = conversation();
  writer.latencyMs = 2000;
  const from = clock.now();
  const { id } = chat.append({ role: "assistant", userId: "bot", text: "", complete: false });
  for (let index = 1; index <= 1000; index++) chat.update(id, { text: "y".repeat(index) });
  assertEquals(clock.now(), from, "no time passed");
  await clock.advance(3000);
  chat.update(id, { text: "done", complete: true });
  await done();
  assert(writer.writes.length <= 4, `${writer.writes.length} writes`);
  assert(writer.writes.at(-1)!.endsWith("done"));
});

Deno.test("ChatConversation bounds what waits to be written, and counts what it leaves out", async () => {
  const { chat, writer, errors, clock, done } = conversation();
  writer.latencyMs = 10;
  for (let index = 0; index < 700; index++) {
    chat.append({ role: "user", userId: "anna", text: `${index}` });
  }
  await clock.advance(1);
  assertEquals(errors.length, 1, "told once a second");
  await done();
  assertEquals(writer.messages.length, 500);
  assertEquals(writer.messages.at(-1)!.text, "699");
});

Deno.test("ChatConversation writes nothing more once it is closed", async () => {
  const stop = new AbortController();
  const { chat, writer, clock, done } = conversation({ signal: stop.signal });
  writer.latencyMs = 100;
  chat.append({ role: "user", userId: "anna", text: "one" });
  chat.append({ role: "user", userId: "anna", text: "two" });
  await clock.advance(50);
  stop.abort();
  await done();
  assertEquals(writer.writes, ["open kitchen"]);
  assertEquals(clock.pending, 0);
});

Deno.test("a conversation is written to the call's chat channel, and its failures leave the call alone", async () => {
  await using double = await StreamDouble.start();
  await using test = await TestCall.start(double);
  const { edge, call, agent } = test;
  const chat = await edge.createConversation(call, agent.user, "be kind");
  chat.append({ role: "user", userId: "anna", text: "hello" });
  const { id } = chat.append({ role: "assistant", userId: "bot", text: "h", complete: false });
  await until("the draft", () => double.chat.writes.length === 2);
  chat.update(id, { text: "hi " + "there ".repeat(300) });
  await until("the update", () => double.chat.writes.some(({ kind }) => kind === "ephemeral"));
  chat.update(id, { complete: true });
  await chat.flush();
  const messages = [...double.chat.channels.get("kitchen")!.messages.values()];
  assertEquals(messages.map(({ user_id }) => user_id), ["anna", "bot", "bot"]);
  assertEquals(
    messages.slice(1).map(({ text }) => text).join(""),
    chat.messages[1]!.text,
  );
  assert(messages.every(({ custom }) => custom.generating === false));

  const errors: string[] = [];
  edge.events.subscribe(ErrorEvent, ({ context }) => void errors.push(context));
  double.fail({ path: /\/chat\//, status: 403, times: 99 });
  chat.append({ role: "user", userId: "anna", text: "lost" });
  await chat.flush();
  assertEquals(errors, ["writing to the chat"]);
  double.heal();
  const from = performance.now();
  double.fail({ path: /\/chat\//, hangs: true });
  chat.append({ role: "user", userId: "anna", text: "slow" });
  await delay(500);
  assert(test.slots.filter(({ at, rms }) => at > from && rms > 0.1).length > 15, "sound goes on");
  double.heal();
  assertEquals(test.states, []);
  assertEquals(double.faults, []);
});
