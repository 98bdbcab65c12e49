/** Offers in the shape of those that Stream's SFUs make, as its clients' own tests record them. */
import { assert, assertEquals } from "@std/assert";

const PREFIX = "5e0a91c2d7b34f68";
const FINGERPRINT = Array.from({ length: 32 }, (_, index) => (index * 7 + 16).toString(16)).join(
  ":",
)
  .toUpperCase();

/** One section: all share an address, as ICE Lite bundles them. */
function section(mid: number, kind: string, letters: string, codecs: string[]): string[] {
  const type = kind === "audio" ? "AUDIO" : "VIDEO";
  const streamId = `${PREFIX}:TRACK_TYPE_${type}:${letters}`;
  const payloads = codecs.flatMap((line) => /^rtpmap:(\d+)/.exec(line)?.[1] ?? []);
  const ssrc = 4_000_000_00 + mid;
  return [
    `m=${kind} ${mid === 0 ? 50_123 : 9} UDP/TLS/RTP/SAVPF ${payloads.join(" ")}`,
    `c=IN IP4 ${mid === 0 ? "192.0.2.7" : "0.0.0.0"}`,
    ...(mid === 0
      ? [1, 2].map((component) =>
        `a=candidate:77210 ${component} udp 2130706431 192.0.2.7 50123 typ host generation 0`
      )
      : []),
    "a=ice-ufrag:kWqPzRtYbnMxLsDf",
    "a=ice-pwd:aJhGfDsQwErTyUiOpLkJhGfDsZxCvBnM",
    `a=fingerprint:sha-256 ${FINGERPRINT}`,
    "a=setup:actpass",
    `a=mid:${mid}`,
    ...(kind === "video"
      ? [
        "a=extmap:1 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
      ]
      : []),
    "a=sendrecv",
    `a=msid:${streamId} 8f1e6a52-2f3b-4c80-9d11-0${mid}0000000000`,
    "a=rtcp-mux",
    "a=rtcp-rsize",
    ...codecs.map((line) => `a=${line}`),
    `a=ssrc:${ssrc} cname:${streamId}`,
    `a=ssrc:${ssrc} msid:${streamId} 8f1e6a52-2f3b-4c80-9d11-0${mid}0000000000`,
  ];
}

const OFFER = [
  "v=0",
  "o=- 4411278832100 1764100000 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE 0 1 2",
  "a=extmap-allow-mixed",
  `a=msid-semantic: WMS ${PREFIX}:TRACK_TYPE_AUDIO:qT ${PREFIX}:TRACK_TYPE_VIDEO:Zb`,
  "a=ice-lite",
  ...section(0, "audio", "qT", [
    "rtpmap:111 opus/48000/2",
    "fmtp:111 maxaveragebitrate=510000;minptime=10;sprop-stereo=1;stereo=1;useinbandfec=1",
    "rtpmap:63 red/48000/2",
    "fmtp:63 111/111",
  ]),
  ...section(1, "video", "Zb", [
    "rtpmap:96 VP8/90000",
    "rtcp-fb:96 nack pli",
    "rtcp-fb:96 transport-cc",
    "rtpmap:97 rtx/90000",
    "fmtp:97 apt=96",
  ]),
  ...section(2, "video", "h4", [
    "rtpmap:102 H264/90000",
    "fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
  ]).map((line) => line.replace("TRACK_TYPE_VIDEO", "TRACK_TYPE_SCREEN_SHARE")),
  "",
].join("\r\n");

Deno.test("Subscriber answers an offer in the shape of Stream's SFUs, and says what it cannot see", async () => {
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", new URL("_offer_program.ts", import.meta.url).href],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = program.stdin.getWriter();
  await input.write(new TextEncoder().encode(OFFER));
  await input.close();
  const { stdout, stderr } = await program.output();
  const [text, problem] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert(text, problem);
  const { keys, media, errors, answer } = JSON.parse(text);
  assertEquals(keys.slice(0, 2), [`${PREFIX}:TRACK_TYPE_AUDIO`, `${PREFIX}:TRACK_TYPE_VIDEO`]);
  assertEquals(media.slice(0, 2), ["audio", "video"]);
  const [, ...sections] = answer.split(/^m=/m);
  assertEquals(sections.length, 3);
  for (const [index, codec] of [[0, "opus/48000/2"], [1, "VP8/90000"]] as const) {
    assert(sections[index].includes(codec) && sections[index].includes("a=setup:active"));
  }
  assertEquals(errors.length, 1);
  assert(/SCREEN_SHARE.*H264 only/.test(errors[0]), errors[0]);
});
