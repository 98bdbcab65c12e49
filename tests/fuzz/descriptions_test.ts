/** What reaches WebRTC's native code of a browser's answer. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { ProtocolError } from "../../src/edge/errors.ts";
import { rebuiltAnswer, rebuiltCandidate } from "../../src/edges/local/child/answer.ts";
import { answers, killer, mutatedAnswer, mutatedCandidate, offer } from "./_descriptions.ts";
import { numRuns } from "./_fuzz.ts";

const OURS = new Set(offer.split("\r\n"));
/** Lines that are not our offer's own. */
const UNDERSTOOD = [
  /^o=- 1 2 IN IP4 127\.0\.0\.1$/,
  /^m=(audio|video) 9 UDP\/TLS\/RTP\/SAVPF( \d+)+$/,
  /^a=(sendrecv|sendonly|recvonly|inactive)$/,
  /^a=msid:- sent-\d$/,
  /^a=ssrc:\d{1,10} cname:peer$/,
  /^a=ssrc-group:FID \d{1,10} \d{1,10}$/,
  /^a=ice-ufrag:[\w+/]{4,256}$/,
  /^a=ice-pwd:[\w+/]{22,256}$/,
  /^a=fingerprint:sha-\d{3} [\dA-F:]+$/,
  /^a=setup:(active|passive)$/,
  /^a=(candidate:[\w+/]+ [12] udp \d+ [\da-f.:]+ \d+ typ (host|srflx|prflx|relay)( raddr 0\.0\.0\.0 rport 9)?)$/i,
  /^(a=rtcp:9 IN|c=IN) IP4 (9 |0\.0\.0\.0)/,
];

function assertUnderstood(rebuilt: string): void {
  for (const line of rebuilt.trimEnd().split("\r\n")) {
    assert(OURS.has(line) || UNDERSTOOD.some((one) => one.test(line)), JSON.stringify(line));
  }
}

/** The lines of one kind, in order. */
function lines(sdp: string, pattern: RegExp): string[] {
  return [...sdp.replaceAll("\r", "").matchAll(new RegExp(`^${pattern.source}$`, "gm"))]
    .map(([line]) => line);
}

Deno.test("rebuiltAnswer keeps what browsers answer", () => {
  for (const answer of answers) {
    const rebuilt = rebuiltAnswer(offer, answer);
    assertUnderstood(rebuilt);
    for (
      const kept of [
        /m=video .*/,
        /a=(sendrecv|sendonly|recvonly|inactive)/,
        /a=mid:.*/,
        /a=rtpmap:.*/,
        /a=rtcp-fb:.*/,
        /a=fmtp:\d+ apt.*/,
        /a=group:.*/,
      ]
    ) {
      // Firefox names a direction for the whole session, which means nothing then.
      // It also names the one channel of a codec that has one.
      const sections = answer.slice(answer.indexOf("m=")).replaceAll("/8000/1\r", "/8000\r");
      const of = kept.source.startsWith("a=group") ? answer : sections;
      // Firefox describes codecs in another order than it lists them in.
      const isOrdered = /mid|send|m=/.test(kept.source);
      const [now, before] = [lines(rebuilt, kept), lines(of, kept)];
      if (isOrdered) assertEquals(now, before, String(kept));
      else assertEquals(now.sort(), before.sort(), String(kept));
    }
    assertEquals(rebuiltAnswer(offer, rebuilt), rebuilt);
  }
});

Deno.test("rebuiltAnswer lets no answer send where we only send", () => {
  const rebuilt = rebuiltAnswer(offer, killer);
  assertEquals(lines(rebuilt, /a=(sendrecv|sendonly|recvonly|inactive)/).slice(0, 4), [
    "a=sendrecv",
    "a=sendonly",
    "a=sendonly",
    "a=inactive",
  ]);
  assertEquals(lines(rebuilt, /a=fmtp:99 .*/)[0], "a=fmtp:99 apt=98");
});

Deno.test("rebuiltAnswer passes on only what it understood", () => {
  fc.assert(
    fc.property(mutatedAnswer, (answer) => {
      let rebuilt: string;
      try {
        rebuilt = rebuiltAnswer(offer, answer);
      } catch (error) {
        assert(error instanceof ProtocolError, `${error}`);
        return;
      }
      assertUnderstood(rebuilt);
      // Our order of sections, each once.
      assertEquals(lines(rebuilt, /a=mid:.*/), lines(offer, /a=mid:.*/));
      const streams = lines(rebuilt, /a=ssrc:.*/);
      assertEquals(new Set(streams).size, streams.length);
    }),
    { numRuns: Math.ceil(numRuns / 25) },
  );
});

Deno.test("rebuiltCandidate passes on only what it understood", () => {
  fc.assert(
    fc.property(mutatedCandidate, (line) => {
      const rebuilt = rebuiltCandidate(line);
      if (rebuilt === undefined) return;
      assertUnderstood(`a=${rebuilt}`);
      assertEquals(rebuiltCandidate(rebuilt), rebuilt);
    }),
    { numRuns },
  );
});

Deno.test("no changed answer or candidate ends the process of a real peer", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check"],
      fileURLToPath(new URL("./fixtures/native_peer.ts", import.meta.url)),
      ...["7", String(Math.ceil(numRuns / 200))],
    ],
  }).output();
  const last = new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1)!;
  assertEquals(code, 0, `${last}\n${new TextDecoder().decode(stderr)}`);
  assert(last.startsWith("done"), last);
});
