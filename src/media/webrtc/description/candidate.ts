/** ICE candidates of a peer, rebuilt. @module */
import { isIP } from "node:net";

// candidate:<foundation> <component> <protocol> <priority> <address> <port> typ <type> ...
const CANDIDATE =
  /^candidate:([\w+/]{1,32}) ([12]) (udp|tcp) (\d{1,10}) ([\da-f.:]{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: |$)/i;
const TCP_TYPE = / tcptype (active|passive|so)(?: |$)/i;

/**
 * Returns a candidate with what it needs, and nothing else of the line; `undefined` for another text.
 * A name instead of an address is none: WebRTC would ask a name server for whatever a peer names, and
 * a peer that hides behind an mDNS name is found by its own packets.
 */
export function rebuiltCandidate(line: string): string | undefined {
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
  return `candidate:${foundation} ${component} ${protocol!.toLowerCase()} ${priority} ${address} ` +
    `${port} typ ${type!.toLowerCase()}${related}${
      isTcp ? ` tcptype ${tcpType!.toLowerCase()}` : ""
    }`;
}
