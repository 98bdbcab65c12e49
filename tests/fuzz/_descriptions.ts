/** Descriptions of real browsers and of an SFU, and what may become of them on their way. */
import fc from "fast-check";

const FOLDER = new URL("../fixtures/descriptions/", import.meta.url);

/** A description as it goes over the wire, whatever line ends the checkout has. */
async function read(name: string): Promise<string> {
  return (await Deno.readTextFile(new URL(name, FOLDER))).replace(/\r?\n/g, "\r\n");
}

/** An offer of LocalEdge with four videos, as Chromium received it. */
export const offer: string = await read("offer.sdp");

/** The answers of Chromium and Firefox to it. */
export const answers: readonly string[] = await Promise.all(
  ["chromium", "firefox"].map((name) => read(`${name}.answer.sdp`)),
);

/**
 * Offers of others: of both browsers, with a picture in three sizes and a data channel, and of pion,
 * which SFUs are written on, with names of streams as they use them.
 */
export const offers: readonly string[] = await Promise.all(
  ["chromium", "firefox", "pion"].map((name) => read(`${name}.offer.sdp`)),
);

/** The smallest change that is known to have ended the process. */
export const killer: string = answers[0]!
  .replace("a=recvonly", "a=sendonly")
  .replaceAll("a=fmtp:99 apt=98", "a=fmtp:99 apt=98x");

/** Lines that such an answer does not have. */
const STRANGE = [
  ...["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive", "a=ice-lite", "a=bundle-only"],
  ...["a=rid:h send", "a=rid:l recv pt=96", "a=simulcast:send h;l", "a=simulcast:recv h;~l"],
  ...["a=ssrc-group:SIM 1 2 3", "a=ssrc-group:FID 1 1", "a=ssrc:1 cname:x", "a=ssrc:4294967296"],
  ...["a=fmtp:96 apt=96", "a=fmtp:97 apt=97", "a=fmtp:111 apt=111", "a=rtpmap:96 rtx/90000"],
  ...["a=rtpmap:111 VP8/90000", "a=rtpmap:96 opus/48000/2", "a=rtpmap:96 H264/90000", "a=ptime:0"],
  ...["a=extmap:4 urn:ietf:params:rtp-hdrext:toffset", "a=extmap:15 x", "a=extmap:256 y", "b=AS:0"],
  ...["a=group:BUNDLE", "a=group:BUNDLE 6 0", "a=mid:0", "a=setup:holdconn", "a=setup:actpass"],
  ...[
    "a=fingerprint:sha-1 00",
    "a=ice-ufrag:",
    "a=ice-pwd:x",
    "a=crypto:1 AES x",
    "a=rtcp-fb:* nack",
  ],
  ...[
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "m=audio 0 RTP/AVP 0",
    "m=video 9 X",
    "m=",
  ],
  ...["a=candidate:1 1 udp 1 127.0.0.1 0 typ host", "a=candidate:", "a=rtpmap:", "\0", "a=msid:"],
];

const token = fc.oneof(
  fc.constantFrom("0", "-1", "1", "96", "97", "98", "99", "111", "128", "65536", "4294967296", ""),
  fc.integer().map(String),
  fc.string({ maxLength: 8 }),
);

/** One change of a text's lines. */
const change: fc.Arbitrary<(lines: string[]) => void> = fc.oneof(
  fc.nat().map((at) => (lines: string[]) => void lines.splice(at % lines.length, 1)),
  fc.tuple(fc.nat(), fc.nat()).map(([from, to]) => (lines: string[]) =>
    void lines.splice(to % lines.length, 0, lines[from % lines.length]!)
  ),
  fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => (lines: string[]) => {
    [a, b] = [a % lines.length, b % lines.length];
    [lines[a], lines[b]] = [lines[b]!, lines[a]!];
  }),
  fc.tuple(fc.nat(), fc.constantFrom(...STRANGE)).map(([at, line]) => (lines: string[]) =>
    void lines.splice(at % lines.length, 0, line)
  ),
  // Another direction.
  fc.tuple(fc.nat(), fc.constantFrom(...STRANGE.slice(0, 4))).map(
    ([at, line]) => (lines: string[]) => {
      const ways = lines.flatMap((each, index) =>
        /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(each) ? [index] : []
      );
      if (ways.length > 0) lines[ways[at % ways.length]!] = line;
    },
  ),
  // Another word or number.
  fc.tuple(fc.nat(), fc.nat(), token).map(([at, word, other]) => (lines: string[]) => {
    const parts = lines[at % lines.length]!.split(/([ :=/;,])/);
    parts[word % parts.length] = other;
    lines[at % lines.length] = parts.join("");
  }),
  // Another letter.
  fc.tuple(fc.nat(), fc.nat(), fc.string({ minLength: 1, maxLength: 1, unit: "binary" }))
    .map(([at, letter, other]) => (lines: string[]) => {
      const line = lines[at % lines.length]!;
      const place = letter % (line.length + 1);
      lines[at % lines.length] = line.slice(0, place) + other + line.slice(place + 1);
    }),
  // A section less, or the rest.
  fc.tuple(fc.nat(), fc.nat(60)).map(([at, count]) => (lines: string[]) =>
    void lines.splice(at % lines.length, count)
  ),
);

function changed(texts: fc.Arbitrary<string>, most: number): fc.Arbitrary<string> {
  return fc.tuple(texts, fc.array(change, { minLength: 1, maxLength: most })).map(
    ([text, changes]) => {
      const lines = text.split("\r\n");
      for (const each of changes) if (lines.length > 0) each(lines);
      return lines.join("\r\n");
    },
  );
}

/** A browser's answer with some changes. */
export const mutatedAnswer: fc.Arbitrary<string> = changed(
  fc.constantFrom(...answers, killer, offer),
  6,
);

/** An offer with some changes. */
export const mutatedOffer: fc.Arbitrary<string> = changed(
  fc.constantFrom(...offers, offer, ...offers, killer),
  6,
);

/** A candidate with some changes. */
export const mutatedCandidate: fc.Arbitrary<string> = changed(
  fc.constantFrom(
    "candidate:335087759 1 udp 2122194687 127.0.0.1 46326 typ host generation 0 network-id 3",
    "candidate:0 1 UDP 2122187007 d38bb920-0e00-44e1-836e-0ea528dc8592.local 51820 typ host",
    "candidate:2 1 udp 1 fd00::2 5000 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag a/b+",
    "candidate:2 1 TCP 2105458943 127.0.0.1 9 typ host tcptype active",
  ),
  2,
);
