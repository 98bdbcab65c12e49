/** Lists of IP addresses and networks, however each is spelled. @module */
import { BlockList, isIP } from "node:net";

type Family = "ipv4" | "ipv6";

/** A list of addresses and networks, such as `"192.0.2.10"` and `"fd00::/8"`. */
export class AddressList {
  readonly #list = new BlockList();

  /** Throws a TypeError that names `name` for what is neither an address nor a network. */
  constructor(entries: readonly string[], name: string) {
    for (const entry of entries) {
      const [address = "", bits = "", more] = String(entry).split("/");
      const plain = unmapped(address);
      const family = familyOf(plain);
      // Of an IPv4 address in IPv6 form the first 96 bits say that it is one.
      const prefix = Number(bits) - (plain === address ? 0 : 96);
      const isPrefix = /^\d{1,3}$/.test(bits) && prefix >= 0 &&
        prefix <= (family === "ipv4" ? 32 : 128);
      if (family === undefined || more !== undefined || bits !== "" && !isPrefix) {
        throw new TypeError(
          `${name}: expected IP addresses or networks like "192.0.2.10" or "10.0.0.0/8", got "${entry}"`,
        );
      }
      if (bits === "") this.#list.addAddress(plain, family);
      else this.#list.addSubnet(plain, prefix, family);
    }
  }

  /** Whether an address is in the list. */
  has(address: string): boolean {
    const plain = unmapped(address);
    const family = familyOf(plain);
    return family !== undefined && this.#list.check(plain, family);
  }
}

function familyOf(address: string): Family | undefined {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? "ipv4" : "ipv6";
}

/** Returns an IPv4 address that is written as IPv6 in its own form. */
function unmapped(address: string): string {
  if (isIP(address) !== 6) return address;
  const canonical = URL.parse(`http://[${address}]`)?.hostname ?? "";
  const [, high, low] = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(canonical) ?? [];
  if (high === undefined) return address;
  const bits = parseInt(high, 16) * 65_536 + parseInt(low!, 16);
  return [24, 16, 8, 0].map((shift) => (bits / 2 ** shift) & 255).join(".");
}
