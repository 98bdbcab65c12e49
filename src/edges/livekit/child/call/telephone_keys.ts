/** Keys of telephones, as packets. @module */
import { type DataPacket, SipDTMF } from "@livekit/protocol";
import { type Clock, sleep } from "@ringline/edge/toolkit";

/** The pause after a key: LiveKit's telephones play each for 250 ms. */
const KEY_MS = 300;
/** The pause that a comma stands for. */
const COMMA_MS = 2000;
/** The keys in the order of their codes (RFC 4733). */
const KEYS = "0123456789*#ABCD";

/** Whether a text is one key. */
export function isKey(text: string): boolean {
  return text.length === 1 && KEYS.includes(text);
}

/** Presses keys one after the other; resolves when the last one is sent. */
export async function pressKeys(
  digits: string,
  { send, clock, signal }: {
    send: (value: DataPacket["value"]) => Promise<void>;
    clock: Clock;
    signal: AbortSignal;
  },
): Promise<void> {
  for (const [index, digit] of [...digits].entries()) {
    if (digit === ",") await sleep(COMMA_MS, { clock, signal });
    else {
      if (index > 0) await sleep(KEY_MS, { clock, signal });
      const code = KEYS.indexOf(digit);
      await send({ case: "sipDtmf", value: new SipDTMF({ code, digit }) });
    }
  }
}
