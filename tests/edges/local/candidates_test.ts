import { assertEquals } from "@std/assert";
import { candidatePolicy, filterDescription } from "../../../src/edges/local/child/candidates.ts";

function candidate(
  address: string,
  port = 50_000,
  { protocol = "udp", type = "host" } = {},
): string {
  return `candidate:1 1 ${protocol} 2122260223 ${address} ${port} typ ${type} generation 0`;
}

/** Which of these addresses pass. */
function passing(pass: (candidate: string) => string | undefined, addresses: string[]): string[] {
  return addresses.filter((address) => pass(candidate(address)) !== undefined);
}

const ADDRESSES = [
  "127.0.0.1",
  "::1",
  "192.168.1.20",
  "10.1.2.3",
  "fd00::2",
  "8.8.8.8",
  "2001:4860:4860::8888",
  "169.254.169.254",
  "fe80::1",
  "224.0.0.1",
  "255.255.255.255",
  "0.0.0.0",
  "::ffff:169.254.169.254",
  "a1b2.local",
  "example.org",
];

Deno.test("the candidate policy of a loopback server passes only the loopback, in both directions", () => {
  const policy = candidatePolicy({ host: "127.0.0.1", iceServers: [] });
  assertEquals(passing(policy.outgoing, ADDRESSES), ["127.0.0.1", "::1"]);
  assertEquals(passing(policy.incoming, ADDRESSES), ["127.0.0.1", "::1"]);
});

Deno.test("the candidate policy offers a browser on this machine all its addresses, as wrtc gathers them", () => {
  const policy = candidatePolicy({ host: "127.0.0.1", iceServers: [], sameMachine: true });
  // 192.0.2.2 is this kind of machine's only address, and 169.254.7.7 that of one without DHCP.
  const own = ["127.0.0.1", "::1", "192.0.2.2", "192.168.1.20", "fd00::2", "169.254.7.7"];
  assertEquals(passing(policy.outgoing, own), own);
  // Other kinds stay out.
  assertEquals(policy.outgoing(candidate("192.0.2.2", 50_000, { protocol: "tcp" })), undefined);
  assertEquals(policy.outgoing(candidate("8.8.8.8", 50_000, { type: "srflx" })), undefined);
});

Deno.test("the candidate policy accepts only this machine's addresses from a browser on it", () => {
  const policy = candidatePolicy({ host: "127.0.0.1", iceServers: [], sameMachine: true });
  assertEquals(passing(policy.incoming, [...ADDRESSES, "192.0.2.2"]), ["127.0.0.1", "::1"]);
  for (const address of ["192.0.2.2", "fd00::2", "FD00::3"]) policy.outgoing(candidate(address));
  // A candidate that did not go out tells nothing.
  policy.outgoing(candidate("10.1.2.3", 50_000, { protocol: "tcp" }));
  assertEquals(passing(policy.incoming, [...ADDRESSES, "192.0.2.2", "192.0.2.3", "fd00::3"]), [
    "127.0.0.1",
    "::1",
    "fd00::2",
    "192.0.2.2",
    "fd00::3",
  ]);
  assertEquals(policy.incoming(candidate("192.0.2.2", 22)), undefined);
  assertEquals(policy.incoming(candidate("192.0.2.2", 50_000, { protocol: "tcp" })), undefined);
});

Deno.test("the candidate policy of the next connection starts without addresses", () => {
  const settings = { host: "127.0.0.1", iceServers: [], sameMachine: true };
  candidatePolicy(settings).outgoing(candidate("192.0.2.2"));
  assertEquals(candidatePolicy(settings).incoming(candidate("192.0.2.2")), undefined);
});

Deno.test("the candidate policy of a server off the loopback follows the settings", () => {
  for (
    const settings of [
      { host: "192.168.1.20", iceServers: [] },
      { host: "0.0.0.0", iceServers: [] },
      { host: "0.0.0.0", announcedAddress: "203.0.113.7", iceServers: [] },
      { host: "127.0.0.1", announcedAddress: "203.0.113.7", iceServers: [] },
    ]
  ) {
    const [there, here] = [false, true].map((sameMachine) =>
      candidatePolicy({ ...settings, sameMachine })
    );
    for (const way of ["outgoing", "incoming"] as const) {
      for (const address of ADDRESSES) {
        const line = candidate(address);
        assertEquals(here![way](line), there![way](line), `${way} ${address}`);
      }
    }
  }
});

Deno.test("the candidate policy of a network address sends that address and accepts its network", () => {
  const policy = candidatePolicy({ host: "192.168.1.20", iceServers: [] });
  assertEquals(passing(policy.outgoing, ADDRESSES), ["192.168.1.20"]);
  assertEquals(passing(policy.incoming, ADDRESSES), ["192.168.1.20", "10.1.2.3", "fd00::2"]);
});

Deno.test("the candidate policy of a wildcard host sends no loopback and accepts no reserved address", () => {
  const policy = candidatePolicy({
    host: "0.0.0.0",
    announcedAddress: "203.0.113.7",
    iceServers: [],
  });
  assertEquals(passing(policy.incoming, ADDRESSES), [
    "127.0.0.1",
    "::1",
    "192.168.1.20",
    "10.1.2.3",
    "fd00::2",
    "8.8.8.8",
    "2001:4860:4860::8888",
  ]);
  assertEquals(policy.outgoing(candidate("127.0.0.1")), undefined);
});

Deno.test("the candidate policy replaces the machine's address by the announced one", () => {
  const policy = candidatePolicy({
    host: "0.0.0.0",
    announcedAddress: "203.0.113.7",
    iceServers: [],
  });
  assertEquals(policy.outgoing(candidate("172.17.0.2", 51_000)), candidate("203.0.113.7", 51_000));
  // An address of the other family cannot be rewritten, and is not announced.
  assertEquals(policy.outgoing(candidate("fd00::2")), undefined);
});

Deno.test("the candidate policy never passes TCP, privileged ports or malformed lines", () => {
  const policy = candidatePolicy({ host: "127.0.0.1", iceServers: [] });
  for (
    const line of [
      candidate("127.0.0.1", 50_000, { protocol: "tcp" }),
      candidate("127.0.0.1", 22),
      "candidate:nonsense",
      `${candidate("127.0.0.1")}\r\na=candidate:1 1 udp 1 8.8.8.8 5000 typ host`,
      "",
    ]
  ) assertEquals(policy.incoming(line), undefined, line);
  assertEquals(
    policy.outgoing(candidate("127.0.0.1", 50_000, { protocol: "tcp" })),
    undefined,
  );
});

Deno.test("the candidate policy sends reflexive and relayed candidates only with ICE servers", () => {
  const line = candidate("8.8.8.8", 50_000, { type: "srflx" });
  const without = candidatePolicy({ host: "192.168.1.20", iceServers: [] });
  const withServers = candidatePolicy({
    host: "192.168.1.20",
    iceServers: [{ urls: "stun:stun.example.org" }],
  });
  assertEquals(without.outgoing(line), undefined);
  assertEquals(withServers.outgoing(line), line);
});

Deno.test("filterDescription filters the candidates inside a description", () => {
  const policy = candidatePolicy({ host: "127.0.0.1", iceServers: [] });
  const sdp = ["v=0", `a=${candidate("127.0.0.1")}`, `a=${candidate("8.8.8.8")}`, "a=mid:0", ""];
  assertEquals(
    filterDescription(sdp.join("\n"), policy.outgoing),
    ["v=0", `a=${candidate("127.0.0.1")}`, "a=mid:0", ""].join("\r\n"),
  );
});
