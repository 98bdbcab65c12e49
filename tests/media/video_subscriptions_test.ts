import { assert, assertEquals } from "@std/assert";
import type { LatestVideoTrack } from "../../src/edge/toolkit/latest_video_track.ts";
import type { ChildLink } from "../../src/media/parent/child_link.ts";
import { VideoSubscriptions } from "../../src/media/parent/video_subscriptions.ts";

/** Subscriptions, and what they send to the media process. */
function subscribing() {
  const sent: unknown[] = [];
  const link = {
    send: (message: { stream: number; constraints: unknown }) =>
      void sent.push([message.stream, message.constraints]),
  } as unknown as ChildLink;
  let stream = 6;
  return { sent, link, subscriptions: new VideoSubscriptions(link, 1, () => ++stream) };
}

Deno.test("VideoSubscriptions asks for pictures as large and as many as the open subscribers take", () => {
  const { sent, link, subscriptions } = subscribing();
  const small = { fps: 2, maxWidth: 320, maxHeight: 320 };
  const one = subscriptions.add("camera", small);
  const less = subscriptions.add("camera", { fps: 1, maxWidth: 160, maxHeight: 90 });
  const other = subscriptions.add("camera", { fps: 10, maxWidth: 100, maxHeight: 720 });
  const wide = { fps: 10, maxWidth: 320, maxHeight: 720 };
  subscriptions.reopen(link);
  other.close();
  other.close();
  less.close();
  one.close();
  assertEquals(sent, [[7, small], [7, wide], [7, wide], [7, small], [7, null]]);
});

Deno.test("VideoSubscriptions keeps a subscriber's pictures when another one closes", () => {
  const { sent, subscriptions } = subscribing();
  const limits = { fps: 2, maxWidth: 320, maxHeight: 320 };
  const add = () => subscriptions.add("camera", limits) as LatestVideoTrack;
  const one = add();
  const picture = {
    ...{ format: "RGBA", width: 1, height: 1, data: new Uint8Array(4), timestampMs: 0 } as const,
  };
  one.push(picture);
  const other = add();
  assert(one !== other);
  assertEquals(other.latest, picture, "the latest picture, as soon as it subscribes");
  one.close();
  assertEquals([one.isClosed, other.isClosed, sent], [true, false, [[7, limits]]]);
  const third = add();
  subscriptions.close("camera");
  assertEquals([other.isClosed, third.isClosed, sent.at(-1)], [true, true, [7, null]]);
  add();
  assertEquals(sent.at(-1), [8, limits]);
  subscriptions.closeAll();
  assertEquals(sent.at(-1), [8, null]);
});
