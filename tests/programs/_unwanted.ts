/** Replies that are not wanted any more: a server must not go on with them, and keep the next one waiting. */
import { assertLess, assertRejects } from "@std/assert";
import type { LLM } from "../../src/inference/contracts/llm.ts";
import { ask } from "../adapters/_chat.ts";

/** Aborts a reply that goes on for minutes, and one that its reader leaves: `next` must not wait for it. */
export async function assertGivesUp(
  llm: LLM,
  { text, next }: { text: string; next: () => Promise<unknown> },
): Promise<void> {
  for (const way of ["abort", "leave"]) {
    const controller = new AbortController();
    const request = ask({ messages: [{ role: "user", text }], signal: controller.signal });
    let count = 0;
    const reading = (async () => {
      for await (const _ of llm.generate(request)) {
        if (++count < 20) continue;
        if (way === "leave") break;
        controller.abort(new Error("changed my mind"));
      }
    })();
    if (way === "abort") await assertRejects(() => reading, Error, "changed my mind");
    await reading.catch(() => {});
    const asked = performance.now();
    await next();
    // A tenth of a second on a quiet machine, and else not before the other reply ends.
    assertLess(performance.now() - asked, 5000);
  }
}
