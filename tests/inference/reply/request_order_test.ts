import { assertEquals } from "@std/assert";
import { RequestOrder, type RequestTurn } from "../../../src/inference/reply/request_order.ts";

/** Which of the turns may ask, by name. */
async function asking(turns: Record<string, RequestTurn>): Promise<string> {
  await Promise.resolve();
  return Object.entries(turns).filter(([, { isAsking }]) => isAsking).map(([name]) => name).join();
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
