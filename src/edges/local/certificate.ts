/**
 * Creates a self-signed certificate, to try a call from a phone: browsers give a microphone only to
 * pages that come over HTTPS or from the same machine. The phone will warn that the certificate is
 * self-signed, and lets you continue.
 *
 * ```sh
 * deno run --allow-write=. --allow-env jsr:@ringline/edge/local/certificate 192.168.1.20
 * ```
 *
 * writes `ringline.cert.pem` and `ringline.key.pem` into the current folder. Pass them to the edge:
 *
 * ```ts ignore
 * import { LocalEdge } from "@ringline/edge/local";
 *
 * const edge = new LocalEdge({
 *   host: "192.168.1.20",
 *   tls: {
 *     cert: await Deno.readTextFile("ringline.cert.pem"),
 *     key: await Deno.readTextFile("ringline.key.pem"),
 *   },
 * });
 * ```
 *
 * @module
 */
import { isIP } from "node:net";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import type { TlsSettings } from "./settings.ts";
import { shown } from "../../events/checks.ts";
import { messageOf } from "../../events/error_text.ts";

/** Phones reject certificates that are valid for longer than 825 days; a trial needs fewer. */
const DAYS = 90;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Creates a certificate for these names and addresses, valid for 90 days from `nowMs`.
 *
 * @throws {TypeError} `names` is empty, or a name is neither an IP address nor a host name.
 */
export async function selfSignedCertificate(
  names: readonly string[],
  nowMs: number = Date.now(),
): Promise<TlsSettings> {
  if (!Array.isArray(names)) {
    throw new TypeError(`names: expected a list like ["192.168.1.20"], got ${shown(names)}`);
  }
  if (names.length === 0) {
    throw new TypeError("names is empty: pass the addresses that the page will have");
  }
  for (const name of names) {
    if (isIP(name) === 0 && !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(name)) {
      throw new TypeError(`expected an IP address or a host name, got "${name}"`);
    }
  }
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [names[0]!] }],
    keys,
    signingAlgorithm: algorithm,
    // An hour earlier, for a phone whose clock is behind.
    notBefore: new Date(nowMs - 60 * 60 * 1000),
    notAfter: new Date(nowMs + DAYS * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) =>
          isIP(value) === 0 ? { type: "dns" as const, value } : { type: "ip" as const, value }
        ),
      ),
    ],
  });
  return {
    cert: certificate.toString("pem"),
    key: PemConverter.encode(
      await crypto.subtle.exportKey("pkcs8", keys.privateKey),
      PemConverter.PrivateKeyTag,
    ),
  };
}

/**
 * Puts a new file in the place of one that has its name: a symlink that another user left there is
 * removed and not followed, and an older file's mode does not remain. A folder is left alone.
 */
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const create = () => Deno.writeTextFile(path, text, { mode, createNew: true });
  try {
    return await create();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  if (await isFolder(path)) {
    throw new Error(`${path} is a folder: move it away, or run this elsewhere`);
  }
  await Deno.remove(path);
  await create();
}

/** Whether what is there is a folder: looking at it would need a permission to read. */
async function isFolder(path: string): Promise<boolean> {
  try {
    await Deno.remove(`${path}/${crypto.randomUUID()}`);
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
  return true;
}

if (import.meta.main) {
  const wantsHelp = Deno.args.some((arg) => arg === "--help" || arg === "-h");
  if (wantsHelp || Deno.args.length === 0) {
    const print = wantsHelp ? console.log : console.error;
    print(
      "usage: certificate ADDRESS [ADDRESS ...]\n\n" +
        "Writes ringline.cert.pem and ringline.key.pem for these addresses of this machine into\n" +
        "the current folder, e.g.: certificate 192.168.1.20",
    );
    Deno.exit(wantsHelp ? 0 : 2);
  }
  try {
    const { cert, key } = await selfSignedCertificate(Deno.args);
    await replaceFile("ringline.cert.pem", cert, 0o644);
    // Only the file's owner may read the key.
    await replaceFile("ringline.key.pem", key, 0o600);
    console.log(`Wrote ringline.cert.pem and ringline.key.pem for ${Deno.args.join(", ")}.`);
  } catch (error) {
    console.error(`No certificate: ${messageOf(error)}`);
    Deno.exit(1);
  }
}
