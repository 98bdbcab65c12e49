import { assertEquals, assertThrows } from "@std/assert";
import { checkLimits, DEFAULT_LIMITS, RateLimit } from "../../src/edge/local/limits.ts";
import {
  checkSettings,
  isSecureContext,
  netPermissions,
  settingsFromJson,
  settingsToJson,
} from "../../src/edge/local/settings.ts";
import { VirtualClock } from "../../src/testing/virtual_clock.ts";

Deno.test("unless told otherwise an edge listens on this machine only, on a free port", () => {
  const settings = checkSettings();
  assertEquals([settings.host, settings.port], ["127.0.0.1", 0]);
  assertEquals(netPermissions(settings), ["127.0.0.1"]);
  assertEquals(settings.limits, DEFAULT_LIMITS);
});

Deno.test("settings that make no sense are refused with what was expected", () => {
  assertThrows(() => checkSettings({ host: "example.org" }), TypeError, "IP address");
  assertThrows(() => checkSettings({ host: "0.0.0.0" }), TypeError, "announcedAddress");
  assertThrows(() => checkSettings({ announcedAddress: "me" }), TypeError, "IP address");
  assertThrows(() => checkSettings({ port: 70_000 }), RangeError, "65535");
  assertThrows(() => checkSettings({ origins: ["example.org"] }), TypeError, "https://");
  assertThrows(() => checkSettings({ udpPortRange: { min: 50_010, max: 50_000 } }), RangeError);
  assertThrows(
    () => checkSettings({ tls: { cert: "cert.pem", key: "key.pem" } }),
    TypeError,
    "PEM",
  );
  assertThrows(() => checkLimits({ people: 0 }), RangeError, "limits.people");
  assertThrows(() => checkLimits({ videos: 9 }), RangeError, "at most 8");
  assertThrows(() => checkLimits({ persons: 3 } as never), RangeError, "not a limit");
});

Deno.test("settings cross to the media process unharmed", () => {
  const settings = checkSettings({
    host: "192.168.1.20",
    port: 8443,
    iceServers: [{ urls: "stun:192.168.1.1" }],
    udpPortRange: { min: 50_000, max: 50_100 },
    limits: { people: 3 },
  });
  const crossed = settingsFromJson(settingsToJson(settings));
  assertEquals(crossed, JSON.parse(JSON.stringify(settings)));
  assertEquals(netPermissions(settings), ["192.168.1.20:8443"]);
});

Deno.test("only the same machine and TLS are a secure context", () => {
  assertEquals(isSecureContext(checkSettings()), true);
  assertEquals(isSecureContext(checkSettings({ host: "192.168.1.20" })), false);
  const tls = { cert: "-----BEGIN CERTIFICATE", key: "-----BEGIN PRIVATE KEY" };
  assertEquals(isSecureContext(checkSettings({ host: "192.168.1.20", tls })), true);
});

Deno.test("a rate limit lets a burst through and then its rate", async () => {
  const clock = new VirtualClock();
  const limit = new RateLimit(clock, 10);
  const takes = (count: number): number =>
    Array.from({ length: count }, () => limit.take()).filter(Boolean).length;
  assertEquals(takes(100), 40);
  await clock.advance(1000);
  assertEquals(takes(100), 10);
});
