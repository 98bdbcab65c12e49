import { assertEquals } from "@std/assert";
import {
  mediaKey,
  mediaKeyOfStream,
} from "../../../../src/edges/getstream/child/call/media_key.ts";
import { TrackType } from "../../../../src/edge/types.ts";

// Ids as Stream's SFUs gave them, from the test fixtures of its own client SDKs.
const PREFIX = "d5fb7ddfd2ebe766";

Deno.test("mediaKeyOfStream finds a track by the first two parts of its stream's id", () => {
  const audio = mediaKey(PREFIX, TrackType.AUDIO);
  assertEquals(mediaKeyOfStream(`${PREFIX}:TRACK_TYPE_AUDIO:Iq`), audio);
  assertEquals(mediaKeyOfStream(`${PREFIX}:TRACK_TYPE_AUDIO`), audio);
  const screenSound = mediaKey(PREFIX, TrackType.SCREEN_SHARE_AUDIO);
  assertEquals(mediaKeyOfStream(`${PREFIX}:TRACK_TYPE_SCREEN_SHARE_AUDIO:eO:x`), screenSound);
  const uuid = "e3f6aaf8-b03d-4911-be36-83f47d37a76a";
  assertEquals(
    mediaKeyOfStream(`${uuid}:TRACK_TYPE_VIDEO:Nk`),
    mediaKey(uuid, TrackType.VIDEO),
  );
});

Deno.test("mediaKeyOfStream finds no other type or participant", () => {
  const audio = mediaKey(PREFIX, TrackType.AUDIO);
  for (const id of ["", PREFIX, `${PREFIX}:TRACK_TYPE_VIDEO:Iq`, "d5:TRACK_TYPE_AUDIO:Iq"]) {
    assertEquals(mediaKeyOfStream(id) === audio, false, id);
  }
});
