/**
 * Lost packets of sound, sent again: what browsers with WebRTC's own code do wherever the other side's
 * description asks for it, and never say by themselves.
 *
 * @module
 */

/**
 * Whether this browser's WebRTC is the code that Chromium and Safari share. The HTML standard leaves a
 * vendor to them and none to Firefox, which asks for nothing again.
 */
const REPAIRS = navigator.vendor !== "";

/**
 * Returns an answer that says so of all sound that the offer says it of.
 *
 * @param {string} answer
 * @param {string} offer
 * @returns {string}
 */
export function withAudioNack(answer, offer) {
  if (!REPAIRS) return answer;
  return answer.replaceAll(/^a=rtpmap:(\d+) opus\/48000\/2\r\n/gim, (line, payload) => {
    const nack = `a=rtcp-fb:${payload} nack\r\n`;
    return offer.includes(nack) ? line + nack : line;
  });
}
