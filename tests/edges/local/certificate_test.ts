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

Deno.test({
  name: "the certificate command follows no symlink, and keeps the key from others",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const victim = `${folder}/victim`;
      await Deno.writeTextFile(victim, "mine", { mode: 0o644 });
      await Deno.mkdir(`${folder}/here`);
      const [cert, key] = ["cert", "key"].map((one) => `${folder}/here/ringline.${one}.pem`);
      await Deno.symlink(victim, key!);
      // A file that others may read does not keep its mode.
      await Deno.writeTextFile(cert!, "older", { mode: 0o666 });
      const command = new URL("../../../src/edges/local/certificate.ts", import.meta.url);
      const { success, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--allow-write=.", "--allow-env", command.href, "127.0.0.1"],
        cwd: `${folder}/here`,
      }).output();
      assertEquals(success, true, new TextDecoder().decode(stderr));
      assertEquals(await Deno.readTextFile(victim), "mine");
      const { isSymlink, mode } = await Deno.lstat(key!);
      assertEquals([isSymlink, mode! & 0o777], [false, 0o600]);
      assertMatch(await Deno.readTextFile(key!), /PRIVATE KEY/);
      assertEquals((await Deno.stat(cert!)).mode! & 0o777, 0o644);
      const names = [...Deno.readDirSync(`${folder}/here`)].map(({ name }) => name).sort();
      assertEquals(names, ["ringline.cert.pem", "ringline.key.pem"]);
      // A folder stays, an empty one too.
      await Deno.remove(key!);
      await Deno.mkdir(key!);
      const refused = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--allow-write=.", "--allow-env", command.href, "127.0.0.1"],
        cwd: `${folder}/here`,
      }).output();
      assertEquals([refused.success, (await Deno.stat(key!)).isDirectory], [false, true]);
      assertMatch(new TextDecoder().decode(refused.stderr), /ringline\.key\.pem is a folder/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
