/** What a page may send, and anything else. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { candidatePolicy, filterDescription } from "../../src/edges/local/child/candidates.ts";
import { checkLimits } from "../../src/edges/local/wire/limits.ts";
import { type ClientMessage, parseClientMessage } from "../../src/edges/local/wire/signalling.ts";
import { type PageSocketEnd, Socket } from "../../src/edges/local/child/socket.ts";
import { countCandidates, filterCandidates, withPacketTime } from "../../src/media/webrtc/sdp.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";
import { FakePage } from "../edges/local/fakes.ts";
import { numRuns, withoutGrowth } from "./_fuzz.ts";

const TYPES = [
  ...["hello", "start", "answer", "candidate", "media", "name", "event", "ping", "repair", "leave"],
];
const KEYS = [
  ...["version", "callType", "callId", "secret", "name", "user", "resume", "keepPeer", "offer"],
  ...["sdp", "candidate", "microphone", "muted", "camera", "screen", "data", "id", "roundTripMs"],
];

/** Messages that are nearly right, JSON of any other kind, and no JSON. */
const text = fc.oneof(
  fc.record({
    type: fc.constantFrom(...TYPES),
    rest: fc.dictionary(
      fc.constantFrom(...KEYS),
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.object(),
      ),
    ),
  }).map(({ type, rest }) => JSON.stringify({ ...rest, type })),
  fc.json(),
  fc.string({ unit: "binary" }),
);

Deno.test("parseClientMessage returns a message of the schemas, or none", () => {
  fc.assert(
    fc.property(text, (given) => {
      const message = parseClientMessage(given);
      if (message === undefined) return;
      assert(TYPES.includes(message.type));
      // What was let in is let in again as it is: nothing in it is only nearly right.
      assertEquals(parseClientMessage(JSON.stringify(message)), message);
      for (const name of ["name", "user"] as const) {
        const line = (message as Record<string, unknown>)[name];
        assert(typeof line !== "string" || !/[\n\r\u202e]/.test(line));
      }
    }),
    { numRuns },
  );
});

Deno.test("Socket accepts any input, and ends once with a reason on a wrong one", () => {
  withoutGrowth(() =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(text, fc.uint8Array()), { maxLength: 12 }),
        (given) => {
          const page = new FakePage();
          const heard: ClientMessage[] = [];
          const ends: PageSocketEnd[] = [];
          const socket = new Socket(page, {
            clock: new VirtualClock(),
            limits: checkLimits(),
            remote: "fuzz",
            log() {},
          });
          socket.listen({ onMessage: (one) => heard.push(one), onEnd: (end) => ends.push(end) });
          for (const data of given) {
            page.onmessage?.call(
              page as unknown as WebSocket,
              { data } as MessageEvent,
            );
          }
          const bad = given.some((data) =>
            typeof data !== "string" || parseClientMessage(data) === undefined
          );
          assertEquals(ends, bad ? ["closed"] : []);
          assertEquals(page.last("rejected")?.code, bad ? "bad-message" : undefined);
          assertEquals(heard.length <= given.length, true);
        },
      ),
      { numRuns: numRuns / 5 },
    )
  );
});

const candidateLine = fc.tuple(
  fc.constantFrom("candidate:", "a=candidate:", ""),
  fc.constantFrom("udp", "UDP", "tcp", "x"),
  fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("::ffff:127.0.0.1", "x.local", "0x7f.1", "")),
  fc.integer({ min: -1, max: 70_000 }),
  fc.constantFrom("host", "srflx", "relay", "prflx"),
  fc.string(),
).map(([start, protocol, address, port, type, rest]) =>
  `${start}1 1 ${protocol} 99 ${address} ${port} typ ${type}${rest}`
);

Deno.test("the candidate policy of a loopback server passes no other machine's address", () => {
  const { incoming, outgoing } = candidatePolicy({ host: "127.0.0.1", iceServers: [] });
  fc.assert(
    fc.property(fc.oneof(candidateLine, fc.string({ unit: "binary" })), (line) => {
      for (const kept of [incoming(line), outgoing(line)]) {
        if (kept === undefined) continue;
        assert(/ udp \d+ (127\.\d+\.\d+\.\d+|::1|::ffff:127\.[\d.]+) \d+ typ /i.test(kept), kept);
        assert(!/[\r\n]/.test(kept), kept);
      }
    }),
    { numRuns },
  );
});

Deno.test("the candidate policy for a browser on this machine passes only its own addresses", () => {
  const own = ["192.0.2.2", "fd00::2"];
  fc.assert(
    fc.property(fc.oneof(candidateLine, fc.string({ unit: "binary" })), (line) => {
      const policy = candidatePolicy({ host: "127.0.0.1", iceServers: [], sameMachine: true });
      for (const address of own) policy.outgoing(`candidate:1 1 udp 1 ${address} 5000 typ host`);
      const kept = policy.incoming(line);
      if (kept === undefined) return;
      const [, address] = / udp \d+ (\S+) \d+ typ /i.exec(kept)!;
      assert(own.includes(address!) || /^(127\.|::1$|::ffff:127\.)/.test(address!), kept);
      assert(!/[\r\n]/.test(kept), kept);
    }),
    { numRuns },
  );
});

Deno.test("filterDescription filters any description, and is idempotent", () => {
  const line = fc.oneof(
    candidateLine,
    fc.constantFrom("v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 9 X 96", "a=ptime:20", ""),
    fc.string({ unit: "binary" }),
  );
  const { incoming } = candidatePolicy({ host: "127.0.0.1", iceServers: [] });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.nat(3), (lines, most) => {
      const sdp = lines.join("\r\n");
      const cleaned = filterDescription(sdp, incoming);
      assertEquals(filterDescription(cleaned, incoming), cleaned);
      assert(countCandidates(filterCandidates(sdp, () => true, most)) <= most);
      const timed = withPacketTime(sdp);
      assertEquals(withPacketTime(timed), timed);
    }),
    { numRuns },
  );
});
