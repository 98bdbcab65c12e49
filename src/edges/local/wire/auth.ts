/**
 * Who may use the server: the secret of a call's link, and the allowed `Host` and `Origin` headers.
 * Those keep a foreign page from reaching the server through a person's browser (DNS rebinding makes a
 * name of the attacker's choice point to 127.0.0.1; the browser still sends that name in `Host` and
 * `Origin`). Also: which browsers run on this machine.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** The bytes of a secret: 128 bits. */
const SECRET_BYTES = 16;

/** Returns a new secret: 128 random bits, as 22 characters that are safe in a URL's fragment. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * Returns the secret of a call's link: the same as long as the edge's secret is. Invitations are signed
 * with the edge's secret too, over a text without spaces: one says nothing about the other.
 */
export function callSecret(secret: string, callType: string, callId: string): string {
  return derived(secret, `link to ${JSON.stringify([callType, callId])}`);
}

/** Returns the secret of the start page. */
export function startSecret(secret: string): string {
  return derived(secret, "start page of calls");
}

/** Returns 132 bits that only holders of the secret can compute, for one purpose. */
export function derived(secret: string, purpose: string): string {
  return createHmac("sha256", secret).update(purpose).digest("base64url").slice(0, 22);
}

/**
 * Returns whether a value could come from {@linkcode newSecret}: an empty secret would admit every
 * visitor.
 */
export function isSecret(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{22}$/.test(value);
}

/** Returns whether two secrets are equal, in a time that does not depend on where they differ. */
export function sameSecret(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(expected);
  // The length is not secret: it is the same for all.
  const other = encoder.encode(given);
  if (other.length !== bytes.length) return false;
  return timingSafeEqual(other, bytes);
}

/** The settings that decide which names the server accepts. */
export interface ListenAddress {
  /** The address that the server is bound to. */
  host: string;
  /** The port that it listens on. */
  port: number;
  tls: boolean;
  /** The address that others reach this machine by. */
  announcedAddress?: string;
  /** Further origins, e.g. of a proxy in front, or of your own page. */
  origins: readonly string[];
}

/** The allowed `Host` and `Origin` headers, in lower case and as browsers write them. */
export interface AllowLists {
  hosts: Pick<ReadonlySet<string>, "has">;
  origins: Pick<ReadonlySet<string>, "has">;
}

/** Returns whether an address is this machine's loopback. */
export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || /^127(\.\d{1,3}){3}$/.test(address);
}

/** Returns an address without the prefix of IPv4-mapped IPv6, which sockets for both families use. */
export function plainAddress(address: string = ""): string {
  return address.replace(/^::ffff:/i, "");
}

/** Returns whether a server bound to this address listens on every interface. */
export function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/**
 * Headers that proxies and tunnels add to what they forward. Browsers send none of them. A list of the
 * headers that browsers do send would be stricter, but each of their versions and extensions may add
 * one, and Firefox would then fail with "no network".
 */
const FORWARDED = new RegExp(
  [
    "^(forwarded|via|cdn-loop|x-scheme|x-(request|correlation)-id)$",
    "^(cf|fastly|fly|tailscale|x-(amzn|appengine|azure|envoy|original|vercel))-",
    "forwarded",
    "(client|connecting|real|user)-?ip$",
    "(external|internal)-address$",
  ].join("|"),
);

/** The headers that show where a request comes from. */
export interface RequestSource {
  /** The other end of its TCP connection. */
  remoteAddress: string;
  headers: Headers;
  settings: { announcedAddress?: string; origins: readonly string[] };
}

/**
 * Returns whether a request comes from a browser on this machine: over the loopback, to a name of the
 * loopback, from a page of the loopback, and with no sign of a proxy. A proxy on this machine connects
 * over the loopback too, so one sign is enough: a header that it adds, the page's public origin, or
 * settings that name the address or the origin by which others reach the server.
 *
 * A tunnel that leaves no sign (`ssh -L`) looks like a browser here. A person who has a call's link
 * and comes through one learns this machine's addresses, and can exchange the media of that call with
 * them directly, from any machine that reaches them. Nothing more may depend on the result.
 */
export function isFromThisMachine({ remoteAddress, headers, settings }: RequestSource): boolean {
  if (!isLoopback(plainAddress(remoteAddress))) return false;
  const origins = [...settings.origins, `http://${headers.get("host")}`];
  const origin = headers.get("origin");
  if (origin !== null) origins.push(origin);
  return settings.announcedAddress === undefined && origins.every(isLoopbackOrigin) &&
    ![...headers.keys()].some((name) => FORWARDED.test(name));
}

/** Returns whether an origin is one of this machine's loopback. */
export function isLoopbackOrigin(origin: string): boolean {
  const hostname = URL.parse(origin)?.hostname ?? "";
  // Browsers resolve every name under `localhost` to the loopback (RFC 6761), and allow a last dot.
  return /^(.+\.)?localhost\.?$/.test(hostname) ||
    isLoopback(hostname.replace(/^\[(.*)\]$/, "$1"));
}

/** Returns an address as it stands in a URL. */
function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** Returns the origin of the links to calls. */
export function ownOrigin(address: ListenAddress): string {
  const name = address.announcedAddress ??
    (isWildcard(address.host) ? "127.0.0.1" : address.host);
  return new URL(`${address.tls ? "https" : "http"}://${urlHost(name)}:${address.port}`).origin;
}

/** Returns the names that the server accepts, each with its port. */
export function allowLists(
  address: ListenAddress,
): { hosts: ReadonlySet<string>; origins: ReadonlySet<string> } {
  const names = new Set<string>();
  if (!isWildcard(address.host)) names.add(address.host);
  if (isLoopback(address.host) || isWildcard(address.host)) {
    names.add("localhost").add("127.0.0.1");
    if (address.host === "::1" || address.host === "::") names.add("::1");
  }
  if (address.announcedAddress !== undefined) names.add(address.announcedAddress);
  const origins = new Set<string>();
  const scheme = address.tls ? "https" : "http";
  for (const name of names) {
    // URL omits the scheme's own port, as browsers do.
    origins.add(new URL(`${scheme}://${urlHost(name)}:${address.port}`).origin);
  }
  const hosts = new Set([...origins].map((origin) => new URL(origin).host));
  for (const origin of address.origins) {
    const url = new URL(origin);
    origins.add(url.origin);
    hosts.add(url.host);
  }
  return { hosts, origins };
}
