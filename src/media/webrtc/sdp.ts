/**
 * What is changed in a session description before it is used. Line by line, since only single
 * attributes are touched and everything else must stay as it was written.
 *
 * @module
 */

const PACKET_MS = 10;

/**
 * Asks for packets of 10 ms in every audio section, in place of whatever was asked for: with it in
 * both directions a round trip is 11 to 20 ms shorter.
 */
export function withPacketTime(sdp: string): string {
  const lines = sdp.split(/\r?\n/);
  const result: string[] = [];
  let audio = false;
  for (const line of lines) {
    if (audio && /^a=(max)?ptime:/.test(line)) continue;
    if (line.startsWith("m=")) {
      if (audio) insertPacketTime(result);
      audio = line.startsWith("m=audio ");
    }
    result.push(line);
  }
  if (audio) insertPacketTime(result);
  return result.join("\r\n");
}

/** At the section's end, but before the empty line that ends the text. */
function insertPacketTime(lines: string[]): void {
  let at = lines.length;
  while (at > 0 && lines[at - 1] === "") at--;
  lines.splice(at, 0, `a=ptime:${PACKET_MS}`);
}

/** Leaves out the candidates that `keep` refuses, and all beyond the first `most`. */
export function filterCandidates(
  sdp: string,
  keep: (candidate: string) => boolean,
  most = Infinity,
): string {
  let kept = 0;
  return sdp.split(/\r?\n/).filter((line) => {
    if (!line.startsWith("a=candidate:")) return true;
    if (!keep(line.slice(2)) || kept >= most) return false;
    kept++;
    return true;
  }).join("\r\n");
}

/** The number of candidates that a description carries. */
export function countCandidates(sdp: string): number {
  return sdp.match(/^a=candidate:/gm)?.length ?? 0;
}
