/**
 * Opens microphones, cameras and screens, and explains failures.
 *
 * @module
 */
import { RinglineError } from "./error.js";

/**
 * Opens a device.
 *
 * @param {"microphone" | "camera"} kind
 * @param {true | string} source `true` for the default one, or a device's id
 * @returns {Promise<MediaStreamTrack>}
 * @throws {RinglineError}
 */
export async function openDevice(kind, source) {
  const devices = navigator.mediaDevices;
  if (!devices) throw new RinglineError("insecure-context");
  try {
    const stream = await devices.getUserMedia(constraints(kind, source));
    return stream.getTracks()[0];
  } catch (error) {
    throw deviceError(kind, error);
  }
}

/**
 * Has the person choose a screen, and its sound where the browser and the person offer it.
 *
 * @returns {Promise<MediaStream>}
 * @throws {RinglineError}
 */
export async function openScreen() {
  const devices = navigator.mediaDevices;
  if (!devices) throw new RinglineError("insecure-context");
  try {
    return await devices.getDisplayMedia({ video: { frameRate: 15 }, audio: SCREEN_AUDIO });
  } catch (error) {
    throw deviceError("screen", error);
  }
}

/** A film stays as it is; what this page plays, the call itself, is left out where a browser can. */
const SCREEN_AUDIO = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
  restrictOwnAudio: true,
};

/**
 * Returns the constraints of a call for a microphone or a camera: for your own lobby that tests one.
 *
 * @param {"microphone" | "camera"} kind
 * @param {true | string} source `true` for the default one, or a device's id
 * @returns {MediaStreamConstraints}
 */
export function constraints(kind, source) {
  const device = typeof source === "string" && source ? { deviceId: { exact: source } } : {};
  if (kind === "camera") {
    return { video: { ...device, width: { ideal: 640 }, height: { ideal: 360 }, frameRate: 20 } };
  }
  // Without echo cancellation a loudspeaker makes the agent interrupt itself.
  const processing = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  return { audio: { ...device, ...processing, channelCount: 1 } };
}

/**
 * Returns the error for a device that failed to open.
 *
 * @param {"microphone" | "camera" | "screen"} kind
 * @param {unknown} error what the browser threw
 * @returns {RinglineError}
 */
export function deviceError(kind, error) {
  const name = error instanceof DOMException ? error.name : "";
  const options = { cause: error };
  if (kind === "screen") return new RinglineError("screen-failed", undefined, options);
  if (name === "NotAllowedError" || name === "SecurityError") {
    return new RinglineError(`${kind}-denied`, undefined, options);
  }
  if (name === "NotFoundError" || name === "OverconstrainedError") {
    return new RinglineError(`no-${kind}`, undefined, options);
  }
  return new RinglineError(`${kind}-failed`, undefined, options);
}
