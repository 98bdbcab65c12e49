import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  allowLists,
  isFromThisMachine,
  newSecret,
  ownOrigin,
  sameSecret,
} from "../../../src/edges/local/wire/auth.ts";

const HERE = { host: "127.0.0.1", port: 8080, tls: false, origins: [] };

Deno.test("newSecret returns 128 random bits", () => {
  const secret = newSecret();
  assertEquals(Uint8Array.fromBase64(secret, { alphabet: "base64url" }).length, 16);
  assertEquals(encodeURIComponent(secret), secret);
  assertNotEquals(newSecret(), secret);
});

Deno.test("sameSecret accepts only the same secret", () => {
  const secret = newSecret();
  assert(sameSecret(secret, secret));
  for (const wrong of ["", secret.slice(1), `${secret}A`, newSecret(), "ä".repeat(22)]) {
    assert(!sameSecret(wrong, secret), wrong);
  }
  // Each character counts, the last one too.
  for (let at = 0; at < secret.length; at++) {
    const other = secret[at] === "A" ? "B" : "A";
    assert(!sameSecret(secret.slice(0, at) + other + secret.slice(at + 1), secret), `${at}`);
  }
});

Deno.test("allowLists of a loopback server has its names, with its port only", () => {
  const { hosts, origins } = allowLists(HERE);
  assertEquals([...hosts].sort(), ["127.0.0.1:8080", "localhost:8080"]);
  assertEquals([...origins].sort(), ["http://127.0.0.1:8080", "http://localhost:8080"]);
});

Deno.test("allowLists of a network address leaves localhost out", () => {
  const { hosts, origins } = allowLists({ ...HERE, host: "192.168.1.20", tls: true, port: 443 });
  // Browsers leave the scheme's own port out.
  assertEquals([...hosts], ["192.168.1.20"]);
  assertEquals([...origins], ["https://192.168.1.20"]);
});

Deno.test("allowLists includes the announced address and further origins", () => {
  const { hosts, origins } = allowLists({
    ...HERE,
    host: "0.0.0.0",
    announcedAddress: "192.168.1.20",
    origins: ["https://example.org"],
  });
  assert(hosts.has("192.168.1.20:8080") && hosts.has("example.org"));
  assert(!hosts.has("0.0.0.0:8080"));
  assert(origins.has("https://example.org"));
});

Deno.test("ownOrigin names the announced address, IPv6 in brackets", () => {
  assertEquals(ownOrigin(HERE), "http://127.0.0.1:8080");
  assertEquals(ownOrigin({ ...HERE, host: "::1" }), "http://[::1]:8080");
  assertEquals(
    ownOrigin({ ...HERE, host: "0.0.0.0", announcedAddress: "10.0.0.5", tls: true }),
    "https://10.0.0.5:8080",
  );
});

/** Whether a request is taken for one of a browser here; a plain one of Firefox's unless changed. */
function isHere(
  { remoteAddress = "127.0.0.1", headers = {}, settings = {} }: {
    remoteAddress?: string;
    headers?: Record<string, string>;
    settings?: { announcedAddress?: string; origins?: string[] };
  } = {},
): boolean {
  return isFromThisMachine({
    remoteAddress,
    headers: new Headers({
      host: "127.0.0.1:8080",
      origin: "http://127.0.0.1:8080",
      "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
      accept: "*/*",
      "accept-language": "en-US,en;q=0.5",
      "accept-encoding": "gzip, deflate, br, zstd",
      "sec-websocket-version": "13",
      "sec-websocket-extensions": "permessage-deflate",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
      connection: "keep-alive, Upgrade",
      cookie: "other=app",
      "sec-fetch-dest": "websocket",
      "sec-fetch-mode": "websocket",
      "sec-fetch-site": "same-origin",
      "sec-gpc": "1",
      pragma: "no-cache",
      "cache-control": "no-cache",
      upgrade: "websocket",
      ...headers,
    }),
    settings: { origins: [], ...settings },
  });
}

Deno.test("isFromThisMachine accepts a browser that connects over the loopback, by its names", () => {
  assert(isHere());
  for (const remoteAddress of ["127.0.0.53", "::1", "::ffff:127.0.0.1"]) {
    assert(isHere({ remoteAddress }), remoteAddress);
  }
  for (const name of ["localhost", "localhost.", "app.localhost", "[::1]", "127.0.0.2"]) {
    const headers = { host: `${name}:8080`, origin: `https://${name}:8080` };
    assert(isHere({ headers }), name);
  }
  // A page of one's own, from a development server here.
  const origins = ["http://localhost:5173"];
  assert(isHere({ headers: { origin: origins[0]! }, settings: { origins } }));
});

Deno.test("isFromThisMachine rejects other addresses and other names", () => {
  for (const remoteAddress of ["192.168.1.20", "::ffff:192.168.1.20", "fd00::2", "?", ""]) {
    assert(!isHere({ remoteAddress }), remoteAddress);
  }
  for (
    const name of [
      "192.168.1.20:8080",
      "example.org",
      "localhost.example.org",
      "notlocalhost",
      "127.0.0.1.a",
    ]
  ) {
    assert(!isHere({ headers: { host: name } }), name);
    assert(!isHere({ headers: { origin: `http://${name}` } }), name);
  }
  assert(!isHere({ headers: { origin: "null" } }));
});

Deno.test("isFromThisMachine detects a proxy by its headers and by the settings", () => {
  for (
    const name of [
      "Forwarded",
      "Via",
      "X-Forwarded-For",
      "X-Forwarded-Host",
      "X-Forwarded-Proto",
      "X-Real-IP",
      "X-Client-IP",
      "True-Client-IP",
      "X-Azure-ClientIP",
      "X-Envoy-External-Address",
      "X-AppEngine-User-IP",
      "X-Vercel-Forwarded-For",
      "X-ProxyUser-IP",
      "Tailscale-User-Login",
      "X-Amzn-Trace-Id",
      "X-Request-Id",
      "X-Scheme",
      "Fastly-Client-IP",
      "Fly-Region",
      "X-Original-Host",
      "CF-Ray",
      "CF-Connecting-IP",
      "CDN-Loop",
    ]
  ) assert(!isHere({ headers: { [name]: "" } }), name);
  assert(!isHere({ settings: { origins: ["https://example.org"] } }));
  assert(!isHere({ settings: { origins: ["http://localhost:5173", "http://192.168.1.20"] } }));
  assert(!isHere({ settings: { announcedAddress: "203.0.113.7" } }));
});
