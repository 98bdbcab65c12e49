import { assert, assertEquals } from "@std/assert";
import type { ChildLink } from "../../src/media/parent/child_link.ts";
import { VideoSubscriptions } from "../../src/media/parent/video_subscriptions.ts";

Deno.test("a second subscriber of a track gets the same pictures, as large and as many as either takes", () => {
  const sent: unknown[] = [];
  const link = {
    send: (message: { stream: number; constraints: unknown }) =>
      void sent.push([message.stream, message.constraints]),
  } as unknown as ChildLink;
  const subscriptions = new VideoSubscriptions(link, 1);
  const small = { fps: 2, maxWidth: 320, maxHeight: 320 };
  assertEquals(subscriptions.widen("camera", small), undefined);
  const track = subscriptions.add("camera", 7, small);
  assert(subscriptions.widen("camera", { fps: 1, maxWidth: 160, maxHeight: 90 }) === track);
  assert(subscriptions.widen("camera", { fps: 10, maxWidth: 100, maxHeight: 720 }) === track);
  const wide = { fps: 10, maxWidth: 320, maxHeight: 720 };
  subscriptions.reopen(link);
  track.close();
  assertEquals(sent, [[7, small], [7, wide], [7, wide], [7, null]]);
});
