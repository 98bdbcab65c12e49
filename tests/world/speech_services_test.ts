/** The assistant with the recognisers and voices that stream, as a person runs it, in a browser. */
import { assert, assertEquals } from "@std/assert";
import { ServiceDouble } from "../adapters/_double.ts";
import { startCartesia } from "../adapters/cartesia/_double.ts";
import { startDeepgram } from "../adapters/deepgram/_double.ts";
import { startElevenLabs } from "../adapters/elevenlabs/_double.ts";
import { Example } from "../e2e/_example.ts";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { keyFor, speaking } from "../e2e/_service.ts";
import { toneDb } from "../e2e/_signal.ts";
import { utter } from "../e2e/_utterance.ts";

const QUESTION = "What time is it?";
/** The voices of all doubles are this tone. */
const TONE_HZ = 440;

const PAIRS = [
  ["deepgram", "elevenlabs"],
  ["elevenlabs", "cartesia"],
  ["cartesia", "deepgram"],
] as const;

for (const [stt, tts] of PAIRS) {
  browserTest(`the assistant hears by ${stt} and speaks by ${tts}`, async (browser) => {
    await using service = await ServiceDouble.start(speaking({
      hears: [],
      says: (messages) => messages.at(-1).content.endsWith(QUESTION) ? "It is late." : "Good day!",
      pitch: () => 900,
    }));
    await using deepgram = await startDeepgram([{ text: QUESTION, audioMs: 1500 }]);
    await using elevenLabs = await startElevenLabs([{ text: QUESTION, audioMs: 1500 }]);
    await using cartesia = await startCartesia([{ text: QUESTION, audioMs: 1500 }]);
    const services = { deepgram, elevenlabs: elevenLabs, cartesia };
    const env = {
      ...keyFor(service),
      DEEPGRAM_API_KEY: "key-d",
      DEEPGRAM_BASE_URL: deepgram.baseUrl,
      ELEVENLABS_API_KEY: "key-e",
      ELEVENLABS_BASE_URL: elevenLabs.baseUrl,
      CARTESIA_API_KEY: "key-c",
      CARTESIA_BASE_URL: cartesia.baseUrl,
    };
    await using assistant = await Example.start("assistant.ts", {
      env,
      args: ["--stt", stt, "--tts", tts],
    });
    const guest = await Guest.join(browser, await assistant.link(), { name: "Ada" });
    const hears = async () => toneDb(await guest.hear(200), TONE_HZ) > -30;
    await until("the greeting is heard", hears);
    // Not a gap in it, on a machine that is busy.
    const isQuiet = async () => !await hears() && !await hears() && !await hears();
    await until("it is over", isQuiet);
    await utter(guest);
    await until("the answer is heard", hears);
    const lines = await until("the conversation is shown", async () => {
      const all = (await guest.events("event")).map(({ data }) => data)
        .filter(({ type, complete }) => type === "transcript" && complete)
        .map(({ name, text }) => `${name}: ${text}`);
      return all.length >= 3 && all;
    });
    assertEquals(lines, ["Assistant: Good day!", `Ada: ${QUESTION}`, "Assistant: It is late."]);
    assert(services[stt].requests > 0 && services[tts].requests > 0);
    await guest.leave();
  });
}
