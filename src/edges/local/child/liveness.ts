/**
 * Gone, or only cut off?
 *
 * A page that leaves, is closed or goes elsewhere says so. A killed browser does not, and neither
 * does one whose network is cut, and yet the first must be known at once and the second gets a few
 * seconds. What tells them apart is the media, which takes another way than the signalling:
 *
 * - the socket breaks off and packets still come: the browser lives, and has its time to come back;
 * - the socket breaks off and no packets come either: whoever closed it was the browser's machine
 *   cleaning up after a dead process. He is gone, half a second later;
 * - the socket does not break off but falls silent: a cut network cannot close a socket. He has his
 *   time to come back, and counts as muted meanwhile.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";
import type { RoomPeer } from "./room_media.ts";

/** When packets are counted after a socket broke off: what comes between the two is new. */
const PROBE_MS = [150, 450] as const;

/**
 * Whether packets still come over a connection; takes half a second. `holdTimer` is given each
 * timer: whoever disposes of one gives the question up, which is then never answered.
 */
export async function mediaGoesOn(
  peer: RoomPeer | undefined,
  holdTimer: (timer: Disposable) => void,
  clock: Clock,
): Promise<boolean> {
  const counts: number[] = [];
  let waited = 0;
  for (const at of PROBE_MS) {
    const ms = at - waited;
    waited = at;
    await new Promise<void>((resolve) => holdTimer(clock.schedule(resolve, ms)));
    counts.push(await packetsReceived(peer));
  }
  return counts[1]! > counts[0]!;
}

async function packetsReceived(peer: RoomPeer | undefined): Promise<number> {
  try {
    for (const entry of (await peer?.stats())?.values() ?? []) {
      if (entry.type === "transport") return Number(entry.packetsReceived ?? 0);
    }
  } catch {
    // A connection that is closed receives nothing.
  }
  return 0;
}
