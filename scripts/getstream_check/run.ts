/** Runs all checks on one call. @module */
import type { Call } from "../../src/edge/call.ts";
import { ErrorEvent } from "../../src/edge/events.ts";
import { GetStreamEdge } from "../../src/edges/getstream/mod.ts";
import { checkApplication } from "./application.ts";
import { Check, until } from "./check.ts";
import { checkEnds, checkReconnects } from "./ends.ts";
import { MeasuringAgent } from "./measuring_agent.ts";
import { checkMedia } from "./media.ts";
import { checkModeration } from "./moderation.ts";
import type { CheckedCall } from "./checked_call.ts";
import { publishTone } from "./tone.ts";

/** Options for {@linkcode runChecks}. */
export interface RunOptions {
  /** Another address than Stream's. */
  baseUrl?: string | undefined;
  /** The call's id. */
  call: string;
  /** Whether nothing is logged on the way. */
  json: boolean;
}

/** Runs the checks; returns their results. */
export async function runChecks(options: RunOptions): Promise<Check> {
  const check = new Check({ silent: options.json });
  const settings = { basePath: options.baseUrl };
  // Two edges, so that all audio goes through Stream.
  await using speaking = new GetStreamEdge(settings);
  await using listening = new GetStreamEdge(settings);
  for (const edge of [speaking, listening]) {
    edge.events.subscribe(ErrorEvent, ({ context, error }) => {
      check.errors.push(`${context}: ${error}`);
    });
  }
  const speaker = new MeasuringAgent({ id: "ringline-check-speaker", name: "Check (speaking)" });
  const listener = new MeasuringAgent({ id: "ringline-check-listener", name: "Check (listening)" });

  const known = await check.do("the key and the secret are right", async () => {
    await Promise.all([speaking.authenticate(speaker.user), listening.authenticate(listener.user)]);
    return [true];
  });
  if (!known) return check;
  const call = await check.do<Call>("a call is created", async () => [
    await speaking.createCall(options.call, {
      custom: { purpose: "ringline-check" },
      members: [{ userId: speaker.user.id }, { userId: listener.user.id }],
    }),
  ]);
  if (!call) return check;
  await check.do("the call keeps the application's data", () => {
    const { custom } = call.original as { custom?: Record<string, unknown> };
    if (custom?.purpose !== "ringline-check") throw new Error(`got ${JSON.stringify(custom)}`);
    return [true];
  });
  const first = await check.do("an agent joins", async () => [await speaking.join(speaker, call)]);
  const second = await check.do("a second agent joins", async () => [
    await listening.join(listener, call),
  ]);
  if (!first || !second) return check;
  await check.do("each sees the other as an agent", async () => {
    const seen = await until(() =>
      [...second.participants.values()].find(({ userId }) => userId === speaker.user.id)
    );
    if (seen.kind !== "agent") throw new Error(`expected an agent, got a ${seen.kind}`);
    return [true];
  });
  await check.do("the agent may send audio and video", () => {
    const capabilities = speaking.capabilitiesOf(first);
    const missing = ["send-audio", "send-video"].filter((one) => !capabilities.includes(one));
    if (missing.length > 0) throw new Error(`the call's type does not grant ${missing.join(", ")}`);
    return [true, `${capabilities.length} capabilities`];
  });
  using tone = publishTone(first, speaking);
  const edges = { settings, speaking, listening };
  const checked: CheckedCall = { check, ...edges, speaker, listener, call, first, second, tone };
  await checkMedia(checked);
  await checkModeration(checked);
  await checkApplication(checked);
  await checkReconnects(checked);
  await checkEnds(checked);
  return check;
}
