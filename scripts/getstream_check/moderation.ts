/** Checks of what moderators do, by Stream's own SDK. @module */
import { StreamClient } from "@stream-io/node-sdk";
import { AgentMutedEvent, GetStreamEdge } from "../../src/edges/getstream/mod.ts";
import { soon, until } from "./check.ts";
import { MeasuringAgent } from "./measuring_agent.ts";
import type { CheckedCall } from "./checked_call.ts";

/** Agents follow what a moderator orders. */
export async function checkModeration(
  { check, settings, speaking, speaker, listener, second, call, tone }: CheckedCall,
): Promise<void> {
  const stream = new StreamClient(
    Deno.env.get("STREAM_API_KEY")!,
    Deno.env.get("STREAM_API_SECRET")!,
    settings.basePath === undefined ? {} : { basePath: settings.basePath },
  );
  const moderated = stream.video.call(call.type, call.id);
  const orders: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
    [
      "an agent follows a moderator's mute, and publishes again",
      () =>
        moderated.muteUsers({
          user_ids: [speaker.user.id],
          audio: true,
          muted_by_id: listener.user.id,
        }),
      () => tone.publish(),
    ],
    [
      "an agent is silent without the right to speak, and heard with it",
      () =>
        moderated.updateUserPermissions({
          user_id: speaker.user.id,
          revoke_permissions: ["send-audio"],
        }),
      () =>
        moderated.updateUserPermissions({
          user_id: speaker.user.id,
          grant_permissions: ["send-audio"],
        }),
    ],
  ];
  for (const [what, order, undo] of orders) {
    await check.do(what, async () => {
      const muted: boolean[] = [];
      using _subscription = speaking.events.subscribe(
        AgentMutedEvent,
        (event) => void muted.push(event.muted),
      );
      await order();
      await until(() => muted[0] && performance.now() - (listener.loudAt.at(-1) ?? 0) > 500);
      const from = performance.now();
      await undo();
      await until(() => (listener.loudAt.at(-1) ?? 0) > from);
      return [true];
    });
  }
  await check.do("an agent joins by its user's token alone, and is kicked", async () => {
    const user = { id: "ringline-check-guest", name: "Check (guest)" };
    await using guest = new GetStreamEdge({
      ...settings,
      userToken: (user_id) => stream.generateUserToken({ user_id, validity_in_seconds: 600 }),
    });
    await guest.authenticate(user);
    const third = await guest.join(new MeasuringAgent(user), call);
    await until(() => [...second.participants.values()].some(({ userId }) => userId === user.id));
    await moderated.kickUser({ user_id: user.id, kicked_by_id: listener.user.id });
    const reason = await soon(third.closed);
    if (reason !== "kicked") throw new Error(`expected kicked, got ${reason}`);
    return [true];
  });
}
