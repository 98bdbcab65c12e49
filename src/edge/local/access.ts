/**
 * Who may talk to the server: the secret of a call's link, and the lists of `Host` and `Origin`
 * headers. The lists keep a foreign page from using a person's browser as its hands (DNS rebinding
 * makes a name of the attacker's choice point to 127.0.0.1; the browser still says that name in
 * `Host` and `Origin`).
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";

/** The bytes of a secret: 128 bits. */
const SECRET_BYTES = 16;

/** A new secret: 128 random bits, as 22 characters that are safe in a URL's fragment. */
export function newSecret(): string {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Whether something could come from {@linkcode newSecret}: an empty secret would let anybody in. */
export function isSecret(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{22}$/.test(value);
}

/** Whether two secrets are equal, in a time that says nothing of where they differ. */
export function sameSecret(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const bytes = encoder.encode(expected);
  // The length is no secret: it is the same for all.
  const other = encoder.encode(given);
  if (other.length !== bytes.length) return false;
  return timingSafeEqual(other, bytes);
}

/** What decides which names the server answers to. */
export interface ListenAddress {
  /** The address that the server is bound to. */
  host: string;
  /** The port that it really got. */
  port: number;
  tls: boolean;
  /** The address that others reach this machine by. */
  announcedAddress?: string;
  /** Further origins, e.g. of a proxy in front, or of a page of one's own. */
  origins: readonly string[];
}

/** The explicit lists. Entries are lower case and as browsers write them. */
export interface AccessLists {
  hosts: ReadonlySet<string>;
  origins: ReadonlySet<string>;
}

/** Whether an address is this machine's loopback. */
export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || /^127(\.\d{1,3}){3}$/.test(address);
}

/** Whether a server bound to this address listens on every interface. */
export function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** Writes an address as it stands in a URL. */
export function urlHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** The origin under which the server tells people to look for it. */
export function ownOrigin(address: ListenAddress): string {
  const name = address.announcedAddress ??
    (isWildcard(address.host) ? "127.0.0.1" : address.host);
  return new URL(`${address.tls ? "https" : "http"}://${urlHost(name)}:${address.port}`).origin;
}

/** The names that the server answers to, each with its port. */
export function accessLists(address: ListenAddress): AccessLists {
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
    // URL leaves the scheme's own port out, as browsers do.
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
