import { assertEquals } from "@std/assert";
import { RequestOrder, type RequestTicket } from "../../../src/inference/reply/request_order.ts";

/** Which of the turns may ask, by name. */
async function asking(turns: Record<string, RequestTicket>): Promise<string> {
  await Promise.resolve();
  return Object.entries(turns).filter(([, { state }]) => state === "asks" || state === "calls")
    .map(([name]) => name).join();
}

Deno.test("RequestOrder lets a reply whose tool has ended ask before one whose tool is slow", async () => {
  const order = new RequestOrder();
  const voice = order.take();
  voice.suspend();
  const text = order.take();
  assertEquals(await asking({ voice, text }), "text");
  text.suspend();
  voice.resume();
  assertEquals(await asking({ voice, text }), "voice");
  text.resume();
  assertEquals(await asking({ voice, text }), "voice", "one at a time");
  voice[Symbol.dispose]();
  assertEquals(await asking({ voice, text }), "text");
});

Deno.test("RequestOrder lets what was asked for before a tool began wait for its reply", async () => {
  const order = new RequestOrder();
  const first = order.take();
  const second = order.take();
  first.suspend();
  assertEquals(await asking({ first, second }), "", "the first may call the tool that both would");
  first.resume();
  assertEquals(await asking({ first, second }), "first");
  first[Symbol.dispose]();
  assertEquals(await asking({ first, second }), "second");
});

Deno.test("RequestOrder lets what was asked for before a tool began ask while a slow tool runs", async () => {
  const order = new RequestOrder();
  const first = order.take();
  const second = order.take();
  const third = order.take();
  first.suspend();
  first.yield();
  assertEquals(await asking({ first, second, third }), "second", "the tool may wait for it");
  first.resume();
  assertEquals(await asking({ first, second, third }), "second", "one at a time");
  second[Symbol.dispose]();
  assertEquals(await asking({ first, third }), "first");
  first.suspend();
  assertEquals(await asking({ first, third }), "", "another tool");
  first[Symbol.dispose]();
  assertEquals(await asking({ third }), "third");
});

Deno.test("RequestOrder lets what is said ask beside what is written, and before what waits", async () => {
  const order = new RequestOrder();
  const text = order.take({ isInText: true });
  const later = order.take({ isInText: true });
  assertEquals(await asking({ text, later }), "text", "written ones ask one after the other");
  const voice = order.take();
  assertEquals(await asking({ text, later, voice }), "text,voice");
  text[Symbol.dispose]();
  assertEquals(await asking({ later, voice }), "voice");
  voice[Symbol.dispose]();
  assertEquals(await asking({ later }), "later");
});

Deno.test("RequestOrder lets no other reply ask while a written one calls its tools", async () => {
  const order = new RequestOrder();
  const text = order.take({ isInText: true });
  const voice = order.take();
  text.claim();
  assertEquals(await asking({ text, voice }), "voice");
  voice.suspend();
  const second = order.take();
  assertEquals(await asking({ text, voice, second }), "text");
  assertEquals(text.state, "calls");
  text.suspend();
  assertEquals(await asking({ text, voice, second }), "second");
});
