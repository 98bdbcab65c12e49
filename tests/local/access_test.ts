import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { accessLists, newSecret, ownOrigin, sameSecret } from "../../src/edge/local/access.ts";

const HERE = { host: "127.0.0.1", port: 8080, tls: false, origins: [] };

Deno.test("a secret has 128 bits and no two are the same", () => {
  const secret = newSecret();
  assertEquals(Uint8Array.fromBase64(secret, { alphabet: "base64url" }).length, 16);
  assertEquals(encodeURIComponent(secret), secret);
  assertNotEquals(newSecret(), secret);
});

Deno.test("only the very same secret is right", () => {
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

Deno.test("a server on the loopback answers to its names, with its port only", () => {
  const { hosts, origins } = accessLists(HERE);
  assertEquals([...hosts].sort(), ["127.0.0.1:8080", "localhost:8080"]);
  assertEquals([...origins].sort(), ["http://127.0.0.1:8080", "http://localhost:8080"]);
});

Deno.test("a server on a network's address does not answer to localhost", () => {
  const { hosts, origins } = accessLists({ ...HERE, host: "192.168.1.20", tls: true, port: 443 });
  // Browsers leave the scheme's own port out.
  assertEquals([...hosts], ["192.168.1.20"]);
  assertEquals([...origins], ["https://192.168.1.20"]);
});

Deno.test("the announced address and further origins are in the lists", () => {
  const { hosts, origins } = accessLists({
    ...HERE,
    host: "0.0.0.0",
    announcedAddress: "192.168.1.20",
    origins: ["https://example.org"],
  });
  assert(hosts.has("192.168.1.20:8080") && hosts.has("example.org"));
  assert(!hosts.has("0.0.0.0:8080"));
  assert(origins.has("https://example.org"));
});

Deno.test("links name the announced address, brackets and all", () => {
  assertEquals(ownOrigin(HERE), "http://127.0.0.1:8080");
  assertEquals(ownOrigin({ ...HERE, host: "::1" }), "http://[::1]:8080");
  assertEquals(
    ownOrigin({ ...HERE, host: "0.0.0.0", announcedAddress: "10.0.0.5", tls: true }),
    "https://10.0.0.5:8080",
  );
});
