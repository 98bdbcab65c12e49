/** ICE and DTLS parameters, rebuilt: one transport for all sections. @module */
import { ProtocolError } from "../../../edge/errors.ts";
import { rebuiltCandidate } from "./candidate.ts";
import type { Transport } from "./parsed.ts";

/** Bytes of the fingerprints that are accepted. */
const HASH_BYTES: Record<string, number> = { "sha-256": 32, "sha-384": 48, "sha-512": 64 };

/**
 * Returns the lines of a transport, from the first of `from` that has each.
 *
 * @throws {ProtocolError} none has valid parameters
 */
export function transportLines(
  type: "offer" | "answer",
  from: readonly Transport[],
): string[] {
  const ufrag = String(from.find((one) => one.iceUfrag !== undefined)?.iceUfrag ?? "");
  const password = String(from.find((one) => one.icePwd !== undefined)?.icePwd ?? "");
  if (!/^[\w+/]{4,256}$/.test(ufrag) || !/^[\w+/]{22,256}$/.test(password)) {
    throw badSignal(`the ${type} has no valid ICE credentials`);
  }
  const { type: hashName, hash } = from.find((one) => one.fingerprint)?.fingerprint ??
    { type: "", hash: "" };
  const algorithm = String(hashName).toLowerCase();
  const bytes = Object.hasOwn(HASH_BYTES, algorithm) ? HASH_BYTES[algorithm]! : 0;
  if (bytes === 0 || !new RegExp(`^([0-9A-F]{2}:){${bytes - 1}}[0-9A-F]{2}$`, "i").test(hash)) {
    throw badSignal(`the ${type} has no valid fingerprint`);
  }
  const setup = from.find((one) => one.setup)?.setup ?? "";
  const roles = type === "offer" ? ["actpass", "active", "passive"] : ["active", "passive"];
  if (!roles.includes(setup)) throw badSignal(`the ${type} has no DTLS role`);
  return [
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${password}`,
    "a=ice-options:trickle",
    `a=fingerprint:${algorithm} ${hash.toUpperCase()}`,
    `a=setup:${setup}`,
  ];
}

/** Returns the candidates of a description. */
export function candidateLines(sdp: string): string[] {
  return [...sdp.matchAll(/^a=(candidate:.*)$/gm)]
    .flatMap(([, line]) => rebuiltCandidate(line!.trimEnd()) ?? [])
    .map((line) => `a=${line}`);
}

/** Returns an error about what a peer sent. */
export function badSignal(message: string): ProtocolError {
  return new ProtocolError(message, { code: "bad-signal" });
}
