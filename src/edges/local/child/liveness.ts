/**
 * Tells a participant who is gone from one who is only cut off.
 *
 * A page that leaves, is closed or navigates away says so. A killed browser does not, and neither does
 * one whose network is cut, and yet the first must be known immediately and the second gets a few
 * seconds. The media, which takes another path than the signalling, shows the difference:
 *
 * - the socket breaks off and packets still arrive: the browser lives, and gets time to come back;
 * - the socket breaks off and no packets arrive: the operating system closed it for a dead process. The
 *   participant is gone, half a second later;
 * - the socket does not break off but falls silent: a cut network cannot close a socket. The participant
 *   gets time to come back, and counts as muted in the meantime.
 *
 * @module
 */
import type { Clock } from "../../../events/clock.ts";
import type { RoomPeer } from "./room_media.ts";

/** When packets are counted after a socket broke off: what arrives between the two is new. */
const PROBE_MS = [150, 450] as const;

/**
 * Returns whether packets still arrive over a connection, after half a second. `holdTimer` receives
 * each timer: after it is disposed of, the promise never settles.
 */
export async function mediaContinues(
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
    // A closed connection receives nothing.
  }
  return 0;
}
