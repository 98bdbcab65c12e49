/** What reaches WebRTC's native code of a peer's descriptions and candidates. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { ProtocolError } from "../../src/edge/errors.ts";
import { rebuiltCandidate } from "../../src/media/webrtc/description/candidate.ts";
import { EXTENSIONS, FEEDBACK } from "../../src/media/webrtc/description/codecs.ts";
import { rebuiltAnswer } from "../../src/media/webrtc/description/rebuilt_answer.ts";
import { rebuiltOffer } from "../../src/media/webrtc/description/rebuilt_offer.ts";
import {
  answers,
  killer,
  mutatedAnswer,
  mutatedCandidate,
  mutatedOffer,
  offer,
  offers,
} from "./_descriptions.ts";
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
  /^a=(candidate:[\w+/]+ [12] (udp|tcp) \d+ [\da-f.:]+ \d+ typ (host|srflx|prflx|relay)( raddr 0\.0\.0\.0 rport 9)?( tcptype (active|passive|so))?( ufrag [\w+/]{4,256})?)$/i,
  /^(a=rtcp:9 IN|c=IN) IP4 (9 |0\.0\.0\.0)/,
  /^b=AS:[1-9]\d{0,6}$/,
  /^a=fmtp:\d+ (minptime|useinbandfec|usedtx|stereo|sprop-stereo|cbr|max[a-z]+rate)=\d+(;[a-z-]+=\d+)*$/,
  /^a=ice-lite$/,
];
/** Further lines that an offer may have, each whole. */
const OFFERED = [
  /^(v=0|s=-|t=0 0|a=ice-options:trickle|a=extmap-allow-mixed|a=msid-semantic: WMS \*)$/,
  /^a=group:BUNDLE( [\w.+-]{1,32})+$/,
  /^m=(audio|video) (9|0) UDP\/TLS\/RTP\/SAVPF( \d{1,3})+$/,
  /^m=application (9|0) UDP\/DTLS\/SCTP webrtc-datachannel$/,
  /^a=(mid:[\w.+-]{1,32}|rtcp-mux|rtcp-rsize|setup:actpass)$/,
  /^a=(sctp-port:\d{1,5}|max-message-size:\d{1,10})$/,
  /^a=msid:[!-~]{1,256} [!-~]{1,256}$/,
  /^a=rtpmap:\d{1,3} [\w-]{2,15}\/\d{4,5}(\/2)?$/,
  /^a=fmtp:\d{1,3} (apt=\d{1,3}|\d{1,3}(\/\d{1,3})*|[a-z-]+=\d+(;[a-z-]+=\d+)*)$/,
  /^a=(rid:\w{1,16} send|simulcast:send \w{1,16}(;\w{1,16})+)$/,
];

function assertUnderstood(rebuilt: string): void {
  for (const line of rebuilt.trimEnd().split("\r\n")) {
    assert(OURS.has(line) || UNDERSTOOD.some((one) => one.test(line)), JSON.stringify(line));
  }
}

function assertOffer(rebuilt: string): void {
  for (const line of rebuilt.trimEnd().split("\r\n")) {
    const [, extension] = /^a=extmap:\d{1,3} (.*)$/.exec(line) ?? [];
    const [, feedback] = /^a=rtcp-fb:\d{1,3} (.*)$/.exec(line) ?? [];
    assert(
      extension !== undefined
        ? EXTENSIONS.has(extension)
        : feedback !== undefined
        ? FEEDBACK.has(feedback)
        : [...UNDERSTOOD, ...OFFERED].some((one) => one.test(line)),
      JSON.stringify(line),
    );
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

Deno.test("rebuiltAnswer keeps an SFU's limit and its ICE without checks", () => {
  const rebuilt = rebuiltAnswer(
    offer,
    answers[0]!.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n")
      .replace(/(m=video [^\r]*\r\nc=[^\r]*)/, "$1\r\nb=AS:1500")
      .replace(/(a=fmtp:111 )[^\r]*/, "$1minptime=10;usedtx=1;x=1;stereo=2"),
  );
  assertEquals(lines(rebuilt, /b=.*/), ["b=AS:1500"]);
  assertEquals(lines(rebuilt, /a=ice-lite/).length, 1);
  assertEquals(lines(rebuilt, /a=fmtp:111 .*/), ["a=fmtp:111 minptime=10;usedtx=1"]);
});

Deno.test("rebuiltOffer keeps the names of an SFU's streams, and its order of sections", () => {
  const [, , pion] = offers;
  const rebuilt = rebuiltOffer(pion!);
  assertEquals(lines(rebuilt, /a=msid:.*/), [
    "a=msid:d5fb7ddfd2ebe766:TRACK_TYPE_AUDIO:Iq a1",
    "a=msid:d5fb7ddfd2ebe766:TRACK_TYPE_VIDEO:Zt v1",
    "a=msid:PA_x|TR_y v2",
  ]);
  assertEquals(lines(rebuilt, /a=mid:.*/), ["0", "1", "2", "3"].map((mid) => `a=mid:${mid}`));
  assertEquals(lines(rebuilt, /a=ssrc-group:.*/), lines(pion!, /a=ssrc-group:.*/));
  assertEquals(lines(rebuilt, /a=ice-lite/).length, 1);
  assertEquals(lines(rebuilt, /a=rtpmap:.*H26[45].*/), []);
});

Deno.test("rebuiltOffer keeps a browser's simulcast", () => {
  for (const one of offers.slice(0, 2)) {
    const rebuilt = rebuiltOffer(one);
    assertEquals(lines(rebuilt, /a=simulcast:.*/), ["a=simulcast:send q;h;f"]);
    assertEquals(lines(rebuilt, /a=rid:.*/), ["q", "h", "f"].map((rid) => `a=rid:${rid} send`));
  }
});

Deno.test("rebuiltOffer rejects a section that cannot be used and keeps its place", () => {
  const [, , pion] = offers;
  const onlyH264 = pion!.replace(
    /^(m=video \d+ \S+ ).*(\r\n(?:(?!m=).*\r\n)*a=mid:2)/m,
    "$1102 103$2",
  );
  const rebuilt = rebuiltOffer(onlyH264);
  assertEquals(lines(rebuilt, /m=.*/).map((line) => line.split(" ").slice(0, 2).join(" ")), [
    "m=audio 9",
    "m=video 9",
    "m=video 0",
    "m=application 9",
  ]);
  assertEquals(lines(rebuilt, /a=group:.*/), ["a=group:BUNDLE 0 1 3"]);
});

Deno.test("rebuiltOffer refuses an offer without a bundle, a name or a known kind of section", () => {
  const [, , pion] = offers;
  for (
    const [changed, message] of [
      [pion!.replace("a=group:BUNDLE 0 1 2 3", "a=x"), "no section in one bundle"],
      [pion!.replace("a=mid:2", "a=mid:1"), "two sections of the offer have one name"],
      [pion!.replace("a=mid:2", "a=x"), "no valid name"],
      [pion!.replace("m=application", "m=text"), 'unknown kind "text"'],
      [pion!.replaceAll("a=ice-pwd:", "a=x:"), "no valid ICE credentials"],
    ] as const
  ) {
    assertThrows(() => rebuiltOffer(changed), ProtocolError, message);
  }
});

Deno.test("rebuiltOffer passes on only what it understood", () => {
  fc.assert(
    fc.property(mutatedOffer, (changed) => {
      let rebuilt: string;
      try {
        rebuilt = rebuiltOffer(changed);
      } catch (error) {
        assert(error instanceof ProtocolError, `${error}`);
        return;
      }
      assertOffer(rebuilt);
      assertEquals(rebuiltOffer(rebuilt), rebuilt);
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

Deno.test("rebuiltCandidate keeps the generation of ICE that a candidate belongs to", () => {
  const line = "candidate:2 1 udp 1 127.0.0.1 5000 typ host";
  assertEquals(
    rebuiltCandidate(`${line} generation 1 ufrag a/b+ network-id 3`),
    `${line} ufrag a/b+`,
  );
  assertEquals(rebuiltCandidate(line, "abcd"), `${line} ufrag abcd`, "as pion names it");
  assertEquals(rebuiltCandidate(`${line} ufrag abcd`, "efgh"), `${line} ufrag abcd`);
  for (const bad of ["a", "a b c", "abcd\r\na=x", "a".repeat(257), null]) {
    assertEquals(rebuiltCandidate(line, bad), line);
  }
});

async function run(name: string, ...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check"],
      fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url)),
      ...args,
    ],
  }).output();
  const output = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(code, 0, `${output.at(-1)}\n${new TextDecoder().decode(stderr)}`);
  return output;
}

Deno.test("real WebRTC answers a rebuilt offer as the offer itself", async () => {
  assertEquals(await run("same_answer.ts"), ["chromium: same", "firefox: same", "pion: same"]);
});

Deno.test("no changed offer, answer or candidate ends the process of a real peer", async () => {
  const output = await run("native_peer.ts", "7", String(Math.ceil(numRuns / 200)));
  assert(output.at(-1)!.startsWith("done"), output.at(-1));
});
