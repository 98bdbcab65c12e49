/** What an agent says while a call soaks. @module */
import { delay } from "@std/async/delay";
import type { Agent } from "@ringline/edge";
import { speechLike } from "@ringline/edge/testing";

/** Speaks for two seconds and is silent for one, again and again. */
export async function speakUntil(agent: Agent, signal: AbortSignal): Promise<void> {
  const speech = speechLike(2000);
  try {
    while (true) {
      await agent.audio.write(speech, { final: true, signal });
      await delay(1000);
      signal.throwIfAborted();
    }
  } catch {
    // Stopped, or the call is over, which its round finds by itself.
  }
}
