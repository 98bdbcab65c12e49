/** What another agent is told of the conversation when it takes over. @module */
import type { ChatMessage } from "../contracts/messages.ts";
import type { ChatContext } from "../history/chat_context.ts";
import type { PipelineContext } from "../pipeline_context.ts";
import type { HandoffHistory } from "./pipeline.ts";
import { shown } from "../../events/checks.ts";
import { promised } from "../../events/user_code.ts";
import { waitFor } from "../../events/waiting.ts";

/** How long the application's hook may take. */
const LIMIT_MS = 20_000;

/**
 * Resolves with what returns the messages that the next agent begins with, `undefined` where it goes on
 * with those that there are.
 *
 * @throws what the hook throws, a `TypeError` where it returns no text, or a `TimeoutError`.
 */
export async function handedOverMessages(
  history: HandoffHistory,
  chat: Pick<ChatContext, "messages" | "count">,
  { clock }: Pick<PipelineContext, "clock">,
): Promise<(() => readonly ChatMessage[]) | undefined> {
  if (history === "all") return undefined;
  if (history === "none") return () => [];
  const { count } = chat;
  const asking = promised(() => history([...chat.messages]));
  const summary = await waitFor(asking, "the hook history", { timeoutMs: LIMIT_MS, clock });
  if (summary !== undefined && typeof summary !== "string") {
    throw new TypeError(`history: expected a text, or undefined, got ${shown(summary)}`);
  }
  return () => {
    // What was said while the hook ran.
    const since = chat.count - count;
    const said = since === 0 ? [] : chat.messages.slice(-since);
    const text = `[summary of the conversation so far] ${summary}`;
    return summary ? [{ role: "user", text }, ...said] : said;
  };
}
