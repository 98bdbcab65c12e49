/** Backchannels: what people say to show that they listen, without taking the turn. */
const BACKCHANNELS = new Set(
  ("ah aha ahem em er erm ha haha hah hm hmm hmmm huh mhm mhmm mm mmm mm-hmm mm-hm oh oh okay ok " +
    "okay right sure uh uhm um uh-huh uhhuh yeah yep yes yup wow ja genau gut ach so klar oui ouais " +
    "si claro vale").split(" "),
);

/** Returns whether this is only a backchannel ("mhm", "uh-huh", "yeah, okay"), or empty. */
export function isBackchannel(text: string): boolean {
  const words = text.toLowerCase().replace(/\[[^\]]*\]|\([^)]*\)/g, " ")
    .split(/[^\p{L}\p{N}'-]+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words.length <= 3 && words.every((word) => BACKCHANNELS.has(word));
}
