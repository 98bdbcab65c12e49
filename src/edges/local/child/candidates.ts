/**
 * The ICE candidates that may pass. wrtc gathers on every interface, whatever address the server is
 * bound to, and a browser can name any address for wrtc to send packets to. So candidates outside the
 * configured host are removed in both directions.
 *
 * A server on the loopback is for browsers on its own machine, and Firefox uses no loopback: it
 * gathers no loopback candidates and pairs none. A browser that is known to run on this machine
 * therefore gets our host candidates of every interface, which tell it nothing that it could not find
 * out itself. Of the addresses that it names in return, the loopback and those candidates pass.
 *
 * This keeps a page from making wrtc send packets to an address of the page's choice, and no more: a
 * peer that knows our addresses, ports and ICE credentials reaches wrtc from any machine that the
 * network lets through, and wrtc responds to the source of its packets. `isFromThisMachine` says more
 * about tunnels.
 *
 * @module
 */
import { isIP } from "node:net";
import { isLoopback, isWildcard } from "../wire/auth.ts";
import type { IceServer } from "../wire/ice_servers.ts";

/** The parts of a candidate line that decide. */
interface CandidateParts {
  protocol: string;
  address: string;
  port: number;
  type: string;
}

/** Filters the candidate lines of one peer connection; `undefined` removes a line. */
export interface CandidatePolicy {
  /** A candidate of ours on its way to the browser, perhaps rewritten. */
  outgoing(candidate: string): string | undefined;
  /**
   * A candidate of the browser on its way to wrtc. A removed one may pass after another candidate of
   * ours has gone out: that is how the machine's own addresses become known.
   */
  incoming(candidate: string): string | undefined;
}

/** The settings that a policy depends on. */
export interface CandidateSettings {
  host: string;
  announcedAddress?: string | undefined;
  /** The STUN and TURN servers: with any, their candidates may go out. */
  iceServers: readonly IceServer[];
  /** Whether the browser is known to run on this machine; see `isFromThisMachine`. */
  sameMachine?: boolean;
}

// candidate:<foundation> <component> <protocol> <priority> <address> <port> typ <type> ...
const CANDIDATE =
  /^(?:a=)?candidate:(\S+) (\d+) (\S+) (\d+) (\S+) (\d+) typ (\S+)((?: [\x21-\x7e]+)*)$/;

function parse(candidate: string): CandidateParts | undefined {
  const match = CANDIDATE.exec(candidate);
  if (match === null) return undefined;
  return {
    protocol: match[3]!.toLowerCase(),
    address: match[5]!.toLowerCase(),
    port: Number(match[6]),
    type: match[7]!,
  };
}

function ipv4Bytes(address: string): number[] | undefined {
  if (isIP(address) === 4) return address.split(".").map(Number);
  // An IPv4-mapped IPv6 address goes to the same machine.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  return mapped && isIP(mapped[1]!) === 4 ? mapped[1]!.split(".").map(Number) : undefined;
}

function addressClass(address: string): "loopback" | "private" | "public" | "unusable" {
  const v4 = ipv4Bytes(address);
  if (v4) {
    const [a, b] = v4 as [number, number];
    if (a === 127) return "loopback";
    if (a === 10 || a === 172 && b >= 16 && b < 32 || a === 192 && b === 168) return "private";
    // The shared address space of internet providers (RFC 6598), which VPNs use too.
    if (a === 100 && b >= 64 && b < 128) return "private";
    // "This network", link-local (where clouds keep their metadata), multicast, reserved.
    if (a === 0 || a === 169 && b === 254 || a >= 224) return "unusable";
    return "public";
  }
  if (isIP(address) !== 6 || address.startsWith("::ffff:")) return "unusable";
  if (address === "::1") return "loopback";
  if (/^f[cd]/.test(address)) return "private";
  if (/^(fe[89ab]|ff)/.test(address) || address === "::") return "unusable";
  return "public";
}

/** Creates the policy for one peer connection of a server with these settings. */
export function candidatePolicy(settings: CandidateSettings): CandidatePolicy {
  const { host, announcedAddress, sameMachine = false } = settings;
  const iceServers = settings.iceServers.length > 0;
  const local = isLoopback(host) && announcedAddress === undefined;
  /** Addresses of this machine, as wrtc has gathered them so far. */
  const own = new Set<string>();

  function isOurs(address: string): boolean {
    if (announcedAddress !== undefined || isWildcard(host)) return !isLoopback(address);
    if (isLoopback(host)) return isLoopback(address);
    return address === host.toLowerCase();
  }

  return {
    outgoing(candidate) {
      const parts = parse(candidate);
      // TCP candidates appear when UDP ports run out, and would only hide that.
      if (parts === undefined || parts.protocol !== "udp") return undefined;
      if (parts.type !== "host") return iceServers ? candidate : undefined;
      if (local && sameMachine) {
        own.add(parts.address);
        return candidate;
      }
      if (!isOurs(parts.address)) return undefined;
      if (announcedAddress === undefined) return candidate;
      if (isIP(parts.address) !== isIP(announcedAddress)) return undefined;
      return candidate.replace(
        ` ${parts.address} ${parts.port} typ`,
        ` ${announcedAddress} ${parts.port} typ`,
      );
    },
    incoming(candidate) {
      const parts = parse(candidate);
      if (parts === undefined || parts.protocol !== "udp" || parts.port < 1024) return undefined;
      if (own.has(parts.address)) return candidate;
      // Names, most of them mDNS names, are not resolved: wrtc learns the address of such a browser
      // from its packets, as a peer-reflexive candidate.
      const kind = addressClass(parts.address);
      if (kind === "unusable") return undefined;
      if (local) return kind === "loopback" ? candidate : undefined;
      if (kind === "loopback") return isWildcard(host) || isLoopback(host) ? candidate : undefined;
      // A server on a private address is for the machines of that network.
      if (!isWildcard(host) && announcedAddress === undefined && !iceServers) {
        return addressClass(host.toLowerCase()) === "private" && kind !== "private"
          ? undefined
          : candidate;
      }
      return candidate;
    },
  };
}

/** Removes and rewrites candidates of a session description as `filter` says. */
export function filterDescription(
  sdp: string,
  filter: (candidate: string) => string | undefined,
): string {
  const lines: string[] = [];
  for (const line of sdp.split(/\r\n|\r|\n/)) {
    if (!line.startsWith("a=candidate:")) {
      lines.push(line);
      continue;
    }
    const kept = filter(line.slice(2));
    if (kept !== undefined) lines.push(`a=${kept}`);
  }
  return lines.join("\r\n");
}
