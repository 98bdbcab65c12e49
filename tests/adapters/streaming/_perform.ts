/** Performs the acts of a recogniser's double, one after the other. */
import type { STTAct } from "../../../src/testing/mod.ts";
import type { ServedConnection } from "./_service.ts";

/**
 * Returns a function that performs the next act around what it sends: slow, silent, hanging, cut off,
 * nonsense.
 */
export function performer<Act extends STTAct>(connection: ServedConnection<Act>) {
  let last: Promise<void> = Promise.resolve();
  return (half: (text: string) => void, whole: (text: string) => void) => {
    last = last.then(() => perform(connection, half, whole));
    connection.run(() => last);
  };
}

async function perform<Act extends STTAct>(
  connection: ServedConnection<Act>,
  half: (text: string) => void,
  whole: (text: string) => void,
): Promise<void> {
  const { beforeMs = 0, gapMs = 0, end, message, text = "" } = connection.act;
  if (end === "silent") return;
  await connection.pause(beforeMs);
  if (message !== undefined) {
    connection.next();
    return connection.send(message);
  }
  half(text);
  await connection.pause(gapMs);
  if (end === "hang") return;
  connection.next();
  if (end === "cut") return connection.socket.terminate();
  whole(text);
}
