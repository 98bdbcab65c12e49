/**
 * Takes a person's choice along to the page of another server, where their call is: it joins without
 * asking again. The fragment carries it, which no server sees.
 *
 * @module
 */
import { cleanName, constraints } from "./client.js";
import { listDevices } from "./dom.js";

const MARK = "&choice=";

/**
 * Goes to a call, whose page joins it with this choice.
 *
 * @param {string} address the call's link
 * @param {{ name: string, microphone: true | string | null, camera: true | string | null }} choice
 */
export async function goWith(address, { name, microphone, camera }) {
  const choice = {
    name,
    microphone: await labelOf("audioinput", microphone),
    camera: await labelOf("videoinput", camera),
  };
  const anchor = document.createElement("a");
  anchor.href = `${address}${MARK}${encodeURIComponent(JSON.stringify(choice))}`;
  // By it the other page knows where the choice comes from.
  anchor.referrerPolicy = "origin";
  anchor.click();
}

/**
 * Takes the choice out of this page's address, if it came with one.
 *
 * @returns {{ name: string, microphone: unknown, camera: unknown } | undefined}
 */
export function takeChoice() {
  const at = location.hash.indexOf(MARK);
  if (at < 0) return undefined;
  const text = location.hash.slice(at + MARK.length);
  history.replaceState(null, "", location.hash.slice(0, at));
  // A link that a stranger wrote must not open a microphone: only a page of the same host does.
  if (URL.parse(document.referrer)?.hostname !== location.hostname) return undefined;
  try {
    return JSON.parse(decodeURIComponent(text));
  } catch {
    return undefined;
  }
}

/** Returns the choice with this server's ids of its devices; the default one stands in for a lost one. */
export async function withDevices({ name, microphone, camera }) {
  return {
    name: cleanName(`${name}`) || "Guest",
    microphone: await deviceOf("microphone", "audioinput", microphone),
    camera: await deviceOf("camera", "videoinput", camera),
  };
}

/** A device's id is another one on every server: its name is not. */
async function labelOf(list, choice) {
  if (typeof choice !== "string") return choice;
  return (await listDevices(list)).find(({ deviceId }) => deviceId === choice)?.label || true;
}

async function deviceOf(kind, list, choice) {
  if (typeof choice !== "string") return choice ? true : null;
  const find = async () => (await listDevices(list)).find(({ label }) => label === choice);
  let device = await find();
  try {
    if (!device) {
      // Browsers tell the names once a device may be used.
      const stream = await navigator.mediaDevices.getUserMedia(constraints(kind, true));
      for (const track of stream.getTracks()) track.stop();
      device = await find();
    }
  } catch {
    // Joining says why none can be opened.
  }
  return device?.deviceId || true;
}
