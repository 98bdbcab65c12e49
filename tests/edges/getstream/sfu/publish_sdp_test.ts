import { assertEquals, assertStringIncludes } from "@std/assert";
import { onlyCodec, withBitrate } from "../../../../src/edges/getstream/child/sfu/publish_sdp.ts";

const SDP = [
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "c=IN IP4 0.0.0.0",
  "a=mid:0",
  "a=rtpmap:111 opus/48000/2",
  "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 127",
  "c=IN IP4 0.0.0.0",
  "a=mid:1",
  "a=rtpmap:96 VP8/90000",
  "a=rtcp-fb:96 nack",
  "a=rtpmap:97 rtx/90000",
  "a=fmtp:97 apt=96",
  "a=rtpmap:98 VP9/90000",
  "a=fmtp:98 profile-id=0",
  "a=rtcp-fb:98 nack",
  "a=rtpmap:99 rtx/90000",
  "a=fmtp:99 apt=98",
  "a=rtpmap:127 ulpfec/90000",
  "",
].join("\r\n");

Deno.test("one codec and its retransmission stay in a section, the others go", () => {
  const made = onlyCodec(SDP, "1", "vp9").split("\r\n");
  assertEquals(made.slice(8), [
    "m=video 9 UDP/TLS/RTP/SAVPF 98 99",
    "c=IN IP4 0.0.0.0",
    "a=mid:1",
    "a=rtpmap:98 VP9/90000",
    "a=fmtp:98 profile-id=0",
    "a=rtcp-fb:98 nack",
    "a=rtpmap:99 rtx/90000",
    "a=fmtp:99 apt=98",
    "",
  ]);
  assertEquals(made.slice(0, 8), SDP.split("\r\n").slice(0, 8), "the rest is as it was");
});

Deno.test("a codec that is not there, or a section that is not there, changes nothing", () => {
  assertEquals(onlyCodec(SDP, "1", "h264"), SDP);
  assertEquals(onlyCodec(SDP, "7", "vp9"), SDP);
});

Deno.test("a section's bitrate stands after its address, once", () => {
  const once = withBitrate(SDP, "1", 500_000);
  assertStringIncludes(once, "c=IN IP4 0.0.0.0\r\nb=AS:500\r\na=mid:1");
  assertEquals(withBitrate(once, "1", 500_000), once);
  assertEquals(once.match(/b=AS/g)?.length, 1);
  assertEquals(withBitrate(SDP, "1", 0), SDP);
});
