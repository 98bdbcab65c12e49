/** ICE candidates of a peer, rebuilt. @module */
import { isIP } from "node:net";

// candidate:<foundation> <component> <protocol> <priority> <address> <port> typ <type> ...
const CANDIDATE =
  /^candidate:([\w+/]{1,32}) ([12]) (udp|tcp) (\d{1,10}) ([\da-f.:]{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: |$)/i;
const TCP_TYPE = / tcptype (active|passive|so)(?: |$)/i;
const FRAGMENT = / ufrag (\S+)/;
const ICE_CHARS = /^[\w+/]{4,256}$/;

/**
 * Returns a candidate with what it needs, and nothing else of the line; `undefined` for another text.
 * A name instead of an address is none: WebRTC would ask a name server for whatever a peer names, and
 * a peer that hides behind an mDNS name is found by its own packets. The username fragment stays: it
 * tells WebRTC that a candidate which arrives before its description belongs to a restart of ICE, and
 * is not to be asked with the former password.
 *
 * @param usernameFragment the one that came beside the line, where the line has none
 */
export function rebuiltCandidate(
  line: string,
  usernameFragment?: string | null,
): string | undefined {
  const match = CANDIDATE.exec(line);
  if (match === null) return undefined;
  const [, foundation, component, protocol, priority, address, port, type] = match;
  if (Number(priority) >= 2 ** 32 || Number(port) > 65_535 || isIP(address!) === 0) {
    return undefined;
  }
  const related = type!.toLowerCase() === "host" ? "" : " raddr 0.0.0.0 rport 9";
  const isTcp = protocol!.toLowerCase() === "tcp";
  const tcpType = TCP_TYPE.exec(line)?.[1];
  if (isTcp && tcpType === undefined) return undefined;
  const fragment = FRAGMENT.exec(line)?.[1] ?? usernameFragment ?? "";
  return `candidate:${foundation} ${component} ${protocol!.toLowerCase()} ${priority} ${address} ` +
    `${port} typ ${type!.toLowerCase()}${related}` +
    (isTcp ? ` tcptype ${tcpType!.toLowerCase()}` : "") +
    (ICE_CHARS.test(fragment) ? ` ufrag ${fragment}` : "");
}
