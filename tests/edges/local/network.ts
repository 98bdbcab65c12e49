/** What networks this machine has, since not every machine has each. */

const addresses = Deno.networkInterfaces().map(({ address }) => address.toLowerCase());

/** Whether `::1` can be listened on. */
export const hasLoopback6 = addresses.includes("::1");

/** Whether there is any network but the loopback, without which no browser makes calls by itself. */
export const hasNetwork = addresses.some((address) => !/^(127\.|::1$|fe80:)/.test(address));
