/**
 * The server options of a LocalEdge, checked where a program gives them.
 *
 * @module
 */
import { isIP } from "node:net";
import { checkOptions, shown } from "../../events/checks.ts";
import { isLoopback, isWildcard } from "./wire/auth.ts";
import { checkIceServers, type IceServer } from "./wire/ice_servers.ts";
import { checkLimits, type LocalLimits } from "./wire/limits.ts";
import { AddressList } from "./wire/address_list.ts";
import type { RevokedInvitation } from "./invitations.ts";
import { readSecret } from "./secret.ts";
import type { LocalSettings } from "./wire/settings.ts";

/** A certificate and its key, as PEM. */
export interface TlsSettings {
  /** The certificate, and its chain. */
  cert: string;
  /** Its private key. */
  key: string;
}

/** Options for the server of a `LocalEdge`. */
export interface LocalServerOptions {
  /**
   * The address to listen on. Default `"127.0.0.1"`: only programs on this machine reach the server.
   * The server offers browsers on this machine all its addresses for media, since Firefox uses no
   * loopback; `docs/production.md` of the repository covers tunnels. Another address of this machine
   * admits its network; `"0.0.0.0"` listens everywhere and needs `announcedAddress` or `origins`.
   */
  host?: string;
  /** The port. Default 0: a free one. */
  port?: number;
  /** The IP address by which others reach this machine, where that is not `host`. */
  announcedAddress?: string;
  /** STUN and TURN servers. Default none. */
  iceServers?: IceServer[];
  /** Serves HTTPS: without it, browsers give no microphone to pages of another machine. */
  tls?: TlsSettings;
  /** The UDP ports for media, one for each person. Default: any free one. */
  udpPortRange?: { min: number; max: number };
  /** Further origins whose pages may use this server, e.g. `"https://example.org"`. */
  origins?: string[];
  /**
   * The IP addresses of reverse proxies on other machines, or their networks (`"10.0.0.0/8"`): their
   * clients share one address, so `limits.socketsPerAddress` does not count it. One on this machine
   * needs no entry.
   */
  proxies?: string[];
  /**
   * Signs the links to calls and the invitations: with the same secret they stay valid when the program
   * starts again. At least 32 random characters, or the URL of a file that keeps them and is created
   * where there is none (needs `--allow-read` and `--allow-write` for it). Default: a new secret for
   * each edge.
   */
  secret?: string | URL;
  /**
   * Which calls share a media process. Default `"edge"`: all. `"call"` gives each call one of its own, so
   * that the crash of one does not touch the others, at 60 MiB and a port for each: `port` must be 0 then,
   * and a page that starts a call goes on at the call's own address.
   */
  mediaIsolation?: "edge" | "call";
  /**
   * Invitations that were revoked before, as `revoke` returned them: keep those whose time is not up, so
   * that they stay revoked when the program starts again. Default: none.
   */
  revoked?: readonly RevokedInvitation[];
  /** Limits of what the server accepts. */
  limits?: Partial<LocalLimits>;
}

/** The names of {@linkcode LocalServerOptions}. */
export const SERVER_OPTIONS: Readonly<Record<keyof LocalServerOptions, true>> = {
  host: true,
  port: true,
  announcedAddress: true,
  iceServers: true,
  tls: true,
  udpPortRange: true,
  origins: true,
  proxies: true,
  secret: true,
  mediaIsolation: true,
  revoked: true,
  limits: true,
};

/** Returns the settings, checked and with defaults filled in. */
export function checkSettings(options: LocalServerOptions = {}): LocalSettings {
  const host = String(options.host ?? "127.0.0.1").toLowerCase();
  if (host !== "localhost" && isIP(host) === 0) {
    throw new TypeError(`host: expected an IP address or "localhost", got "${host}"`);
  }
  const { announcedAddress } = options;
  if (announcedAddress !== undefined && isIP(announcedAddress) === 0) {
    throw new TypeError(`announcedAddress: expected an IP address, got "${announcedAddress}"`);
  }
  if (options.origins !== undefined && !Array.isArray(options.origins)) {
    throw new TypeError(
      `origins: expected a list like ["https://example.org"], got ${shown(options.origins)}`,
    );
  }
  const origins = (options.origins ?? []).map((origin) => {
    const url = URL.parse(origin);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new TypeError(`origins: expected one like "https://example.org", got ${shown(origin)}`);
    }
    if (url.href !== `${url.origin}/`) {
      throw new TypeError(
        `origins: expected one like "${url.origin}", got ${
          shown(origin)
        }: an origin has no path, user or query`,
      );
    }
    return url.origin;
  });
  const { proxies = [] } = options;
  if (!Array.isArray(proxies)) {
    throw new TypeError(`proxies: expected a list like ["192.0.2.10"], got ${shown(proxies)}`);
  }
  new AddressList(proxies, "proxies");
  if (isWildcard(host) && announcedAddress === undefined && origins.length === 0) {
    throw new TypeError(
      `host "${host}" listens on every address: pass announcedAddress or origins, ` +
        "by which others reach this machine",
    );
  }
  const range = options.udpPortRange;
  if (range && !(port(range.min, 1024) && port(range.max, range.min))) {
    throw new RangeError(
      `udpPortRange: expected ports from 1024 with min <= max, got ${range.min}-${range.max}`,
    );
  }
  if (range) checkOptions(range, "udpPortRange", { min: true, max: true });
  if (!port(options.port ?? 0, 0)) {
    throw new RangeError(`port: expected an integer from 0 to 65535, got ${shown(options.port)}`);
  }
  const { mediaIsolation = "edge" } = options;
  if (mediaIsolation !== "edge" && mediaIsolation !== "call") {
    throw new TypeError(`mediaIsolation: expected "edge" or "call", got ${shown(mediaIsolation)}`);
  }
  if (mediaIsolation === "call" && (options.port ?? 0) !== 0) {
    throw new RangeError(
      `mediaIsolation "call" gives each call a port of its own: leave port out, got ${options.port}`,
    );
  }
  const { tls } = options;
  if (tls !== undefined && !(isPem(tls?.cert) && isPem(tls?.key))) {
    throw new TypeError(
      "tls.cert and tls.key: expected PEM text, not file names: read the files first",
    );
  }
  if (tls !== undefined) checkOptions(tls, "tls", { cert: true, key: true });
  return {
    host: host === "localhost" ? "127.0.0.1" : host,
    port: options.port ?? 0,
    announcedAddress,
    iceServers: checkIceServers(options.iceServers ?? []),
    tls,
    udpPortRange: range,
    origins,
    proxies: proxies.map((entry) => String(entry).toLowerCase()),
    limits: checkLimits(options.limits),
    secret: readSecret(options.secret),
    revoked: [],
    refused: [],
    isolated: mediaIsolation === "call",
    mounted: false,
  };
}

function isPem(text: unknown): boolean {
  return typeof text === "string" && text.includes("-----BEGIN");
}

function port(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least && value <= 65_535;
}

/**
 * Returns the network permissions of the media process, for its HTTP server. wrtc's own sockets need
 * none: see the README on `--allow-ffi`.
 */
export function netPermissions(settings: LocalSettings): string[] {
  // The listener is tried over the loopback.
  const hosts = settings.host === "::"
    ? ["::", "::1"]
    : isWildcard(settings.host)
    ? [settings.host, "127.0.0.1"]
    : [settings.host];
  return hosts.map((host) => {
    const name = host.includes(":") ? `[${host}]` : host;
    return settings.port === 0 ? name : `${name}:${settings.port}`;
  });
}

/** Returns whether browsers give a page with these settings a microphone. */
export function isSecureContext(settings: LocalSettings): boolean {
  return settings.tls !== undefined ||
    isLoopback(settings.announcedAddress ?? settings.host) ||
    isWildcard(settings.host) && settings.announcedAddress === undefined;
}
