import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { X509Certificate } from "node:crypto";
import { selfSignedCertificate } from "../../../src/edges/local/certificate.ts";
import { checkSettings } from "../../../src/edges/local/settings.ts";

Deno.test("selfSignedCertificate covers its names, and serves HTTPS", async () => {
  const tls = await selfSignedCertificate(["127.0.0.1", "demo.local"]);
  const certificate = new X509Certificate(tls.cert);
  assertEquals(certificate.checkIP("127.0.0.1"), "127.0.0.1");
  assertMatch(certificate.subjectAltName ?? "", /DNS:demo\.local/);
  assertEquals(checkSettings({ tls }).tls, tls);

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, ...tls },
    () => new Response("safe"),
  );
  using client = Deno.createHttpClient({ caCerts: [tls.cert] });
  const response = await fetch(`https://127.0.0.1:${server.addr.port}`, { client });
  assertEquals(await response.text(), "safe");
  client.close();
  await server.shutdown();
});

Deno.test("selfSignedCertificate rejects what is not an address", async () => {
  await assertRejects(() => selfSignedCertificate([]), TypeError);
  await assertRejects(() => selfSignedCertificate(["a b"]), TypeError, "a b");
});
