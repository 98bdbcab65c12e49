import { AddressList } from "../../../src/edges/local/wire/address_list.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkLimits, DEFAULT_LIMITS, RateLimit } from "../../../src/edges/local/wire/limits.ts";
import {
  checkSettings,
  isSecureContext,
  netPermissions,
} from "../../../src/edges/local/settings.ts";
import { settingsFromJson, settingsToJson } from "../../../src/edges/local/wire/settings.ts";
import { VirtualClock } from "../../../src/testing/virtual_clock.ts";

const PEM = "-----BEGIN CERTIFICATE";

Deno.test("checkSettings defaults to this machine only and a free port", () => {
  const settings = checkSettings();
  assertEquals([settings.host, settings.port], ["127.0.0.1", 0]);
  assertEquals(netPermissions(settings), ["127.0.0.1"]);
  assertEquals(settings.limits, DEFAULT_LIMITS);
});

Deno.test("checkSettings rejects wrong settings and names what it expected", () => {
  assertThrows(() => checkSettings({ host: "example.org" }), TypeError, "IP address");
  assertThrows(() => checkSettings({ host: "0.0.0.0" }), TypeError, "announcedAddress");
  assertThrows(() => checkSettings({ announcedAddress: "me" }), TypeError, "IP address");
  assertThrows(() => checkSettings({ port: 70_000 }), RangeError, "65535");
  assertThrows(() => checkSettings({ origins: ["example.org"] }), TypeError, "https://");
  for (const rest of ["/app", "/?a", "/#a", "/app/"]) {
    const origins = [`https://example.org${rest}`];
    assertThrows(
      () => checkSettings({ origins }),
      TypeError,
      'expected one like "https://example.org"',
    );
  }
  assertThrows(() => checkSettings({ origins: ["https://me@example.org"] }), TypeError, "no path");
  assertEquals(checkSettings({ origins: ["https://example.org/"] }).origins, [
    "https://example.org",
  ]);
  assertThrows(() => checkSettings({ udpPortRange: { min: 50_010, max: 50_000 } }), RangeError);
  assertThrows(
    () => checkSettings({ tls: { cert: "cert.pem", key: "key.pem" } }),
    TypeError,
    "PEM",
  );
  for (const tls of [{}, { cert: PEM }, { cert: PEM, key: 5 }, "cert.pem", null]) {
    assertThrows(() => checkSettings({ tls } as never), TypeError, "PEM");
  }
  for (const origins of ["https://example.org", [5], {}, null]) {
    assertThrows(() => checkSettings({ origins } as never), TypeError, "origins");
  }
  assertThrows(() => checkSettings({ host: 5 } as never), TypeError, "IP address");
  assertThrows(() => checkSettings({ udpPortRange: 5 } as never), RangeError, "udpPortRange");
  assertThrows(() => checkSettings({ limits: null } as never), TypeError, "limits");
  assertThrows(() => checkLimits({ people: 0 }), RangeError, "limits.people");
  assertThrows(() => checkLimits({ videos: 9 }), RangeError, "at most 8");
  assertThrows(() => checkLimits({ persons: 3 } as never), TypeError, "limits: expected only");
});

Deno.test("checkIceServers rejects servers that browsers would reject", () => {
  for (
    const server of [
      "stun:example.org",
      null,
      {},
      { urls: 5 },
      { urls: [] },
      { urls: "example.org" },
      { urls: "https://example.org" },
      { urls: ["stun:example.org", "stun:"] },
      { urls: "turn:example.org" },
      { urls: "turn:example.org", username: "me" },
      { urls: "turn:example.org", username: "me", credential: 5 },
      { urls: "turn:example.org?transport=smoke", username: "me", credential: "secret" },
    ]
  ) {
    assertThrows(
      () => checkSettings({ iceServers: [server] } as never),
      TypeError,
      "iceServers[0]",
      JSON.stringify(server),
    );
  }
  assertThrows(() => checkSettings({ iceServers: "stun:x" } as never), TypeError, "iceServers");
  // A password has no place in an error, which is logged.
  const error = assertThrows(
    () => checkSettings({ iceServers: [{ urls: "turn:", username: "u", credential: "hunter2" }] }),
    TypeError,
  );
  assert(!error.message.includes("hunter2"), error.message);
  const good = [
    { urls: "stun:example.org" },
    { urls: ["stun:192.168.1.1:3478", "stuns:[fd00::1]:5349"] },
    { urls: "turns:example.org:443?transport=tcp", username: "me", credential: "secret" },
  ];
  assertEquals(checkSettings({ iceServers: good }).iceServers, good);
});

Deno.test("settings cross to the media process unchanged", () => {
  const settings = checkSettings({
    host: "192.168.1.20",
    port: 8443,
    iceServers: [{ urls: "stun:192.168.1.1" }],
    udpPortRange: { min: 50_000, max: 50_100 },
    proxies: ["192.168.1.1", "FD00::1"],
    limits: { people: 3 },
  });
  assertEquals(settings.proxies, ["192.168.1.1", "fd00::1"]);
  const crossed = settingsFromJson(settingsToJson(settings));
  assertEquals(crossed, JSON.parse(JSON.stringify(settings)));
  assertEquals(netPermissions(settings), ["192.168.1.20:8443"]);
  // A server on every address is tried over the loopback.
  const everywhere = checkSettings({ host: "::", port: 443, origins: ["https://example.org"] });
  assertEquals(netPermissions(everywhere), ["[::]:443", "[::1]:443"]);
  for (const proxies of ["192.168.1.1", ["proxy.example.org"], [5]]) {
    assertThrows(() => checkSettings({ proxies } as never), TypeError, "proxies");
  }
});

Deno.test("proxies are addresses and networks, however each is spelled", () => {
  const entries = ["2001:DB8:0:0::1", "::ffff:192.0.2.7", "10.0.0.0/8", "fd00::/8"];
  const { proxies } = checkSettings({ proxies: [...entries, "::ffff:c633:6400/120"] });
  const list = new AddressList(proxies, "proxies");
  for (
    const one of [
      ...["2001:db8::1", "192.0.2.7", "::ffff:192.0.2.7", "10.200.3.4", "::ffff:10.1.1.1"],
      ...["fd12:3456::1", "198.51.100.9"],
    ]
  ) assertEquals(list.has(one), true, one);
  for (const one of ["2001:db8::2", "192.0.2.8", "11.0.0.1", "fe00::1", "198.51.101.1", "", "x"]) {
    assertEquals(list.has(one), false, one);
  }
  for (const one of ["10.0.0.0/33", "::1/129", "10.0.0.0/8/8", "a/8", "10.0.0.0/-1"]) {
    assertThrows(() => checkSettings({ proxies: [one] }), TypeError, `got "${one}"`);
  }
});

Deno.test("isSecureContext is true for this machine and for TLS only", () => {
  assertEquals(isSecureContext(checkSettings()), true);
  assertEquals(isSecureContext(checkSettings({ host: "192.168.1.20" })), false);
  const tls = { cert: "-----BEGIN CERTIFICATE", key: "-----BEGIN PRIVATE KEY" };
  assertEquals(isSecureContext(checkSettings({ host: "192.168.1.20", tls })), true);
});

Deno.test("RateLimit allows a burst and then its rate", async () => {
  const clock = new VirtualClock();
  const limit = new RateLimit(clock, 10);
  const takes = (count: number): number =>
    Array.from({ length: count }, () => limit.take()).filter(Boolean).length;
  assertEquals(takes(100), 40);
  await clock.advance(1000);
  assertEquals(takes(100), 10);
});
