import { assertEquals } from "@std/assert";
import {
  countCandidates,
  filterCandidates,
  withAudioNack,
  withPacketTime,
} from "../../src/media/webrtc/sdp.ts";

const SDP = [
  "v=0",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111",
  "a=candidate:1 1 udp 1 127.0.0.1 5000 typ host",
  "a=ptime:20",
  "a=maxptime:60",
  "a=rtpmap:111 opus/48000/2",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=candidate:2 1 udp 1 192.168.0.7 5001 typ host",
  "a=candidate:3 1 udp 1 127.0.0.1 5002 typ host",
  "",
].join("\r\n");

Deno.test("every audio section asks for packets of 10 ms, once, and no other section does", () => {
  const lines = withPacketTime(SDP).split("\r\n");
  assertEquals(lines.filter((line) => line.includes("ptime")), ["a=ptime:10"]);
  assertEquals(lines.indexOf("a=ptime:10"), lines.indexOf("m=video 9 UDP/TLS/RTP/SAVPF 96") - 1);
  assertEquals(withPacketTime(withPacketTime(SDP)), withPacketTime(SDP));
  const audioLast = "v=0\r\nm=audio 9 X 0\r\na=rtpmap:0 PCMU/8000\r\n";
  assertEquals(withPacketTime(audioLast), `${audioLast}a=ptime:10\r\n`);
  assertEquals(withPacketTime(withPacketTime(audioLast), 20), `${audioLast}a=ptime:20\r\n`);
});

Deno.test("every audio section with Opus asks for lost packets again, once, and no other does", () => {
  const audio = (payload: number) =>
    `m=audio 9 UDP/TLS/RTP/SAVPF ${payload} 0\r\na=rtpmap:${payload} opus/48000/2\r\n` +
    `a=rtcp-fb:${payload} transport-cc\r\n`;
  const video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";
  const sdp = `v=0\r\n${audio(111)}${video}${audio(109)}m=audio 9 X 0\r\na=rtpmap:0 PCMU/8000\r\n`;
  const asking = withAudioNack(sdp);
  assertEquals(asking.match(/^a=rtcp-fb:\d+ nack/gm), ["a=rtcp-fb:111 nack", "a=rtcp-fb:109 nack"]);
  assertEquals(withAudioNack(asking), asking);
  assertEquals(asking.replaceAll(/a=rtcp-fb:\d+ nack\r\n/g, ""), sdp);

  const offer = `v=0\r\n${audio(111)}a=rtcp-fb:111 nack\r\n${audio(109)}`;
  const answer = withAudioNack(sdp, offer);
  assertEquals(answer.match(/^a=rtcp-fb:\d+ nack/gm), ["a=rtcp-fb:111 nack"]);
  assertEquals(withAudioNack(sdp, sdp), sdp);
});

Deno.test("candidates are kept by a filter and up to a number, and nothing else is touched", () => {
  assertEquals(countCandidates(SDP), 3);
  const local = filterCandidates(SDP, (candidate) => candidate.includes(" 127.0.0.1 "));
  assertEquals(countCandidates(local), 2);
  assertEquals(local.includes("192.168"), false);
  assertEquals(countCandidates(filterCandidates(SDP, () => true, 1)), 1);
  assertEquals(filterCandidates(SDP, () => true), SDP);
});
