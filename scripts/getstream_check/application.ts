/** Checks of what applications send beside sound and picture. @module */
import { CustomEventReceivedEvent } from "../../src/edge/events.ts";
import { ms, soon } from "./check.ts";
import type { CheckedCall } from "./checked_call.ts";

/** Custom events and the chat work. */
export async function checkApplication(
  { check, speaking, listening, speaker, first, call }: CheckedCall,
): Promise<void> {
  await check.do("a custom event arrives", async () => {
    const from = performance.now();
    const came = Promise.withResolvers<void>();
    using _subscription = listening.events.subscribe(CustomEventReceivedEvent, ({ data }) => {
      if (JSON.stringify(data).includes("ringline-check")) came.resolve();
    });
    await first.sendCustomEvent({ type: "ringline-check" });
    await soon(came.promise);
    return [true, ms(performance.now() - from)];
  });
  await check.do("a conversation is written to the chat", async () => {
    const before = check.errors.length;
    const chat = await speaking.createConversation(call, speaker.user, "");
    const { id } = chat.append({
      role: "assistant",
      userId: speaker.user.id,
      text: "Hello",
      complete: false,
    });
    chat.update(id, { text: "Hello. This is a check.", complete: true });
    await chat.flush();
    const failed = check.errors.slice(before).find((line) =>
      line.startsWith("writing to the chat")
    );
    if (failed) throw new Error(failed);
    return [true];
  });
}
