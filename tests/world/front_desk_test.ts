/** The front desk as a person meets it: by its first line, in a real browser, with spoken words. */
import { assertEquals } from "@std/assert";
import { EspeakVoice } from "../../examples/lib/espeak_voice.ts";
import { Example, ROOT } from "../e2e/_example.ts";
import { browserTest, Guest, until } from "../e2e/_fixture.ts";
import { hasRecogniser, spoken } from "../fixtures/offline_speech.ts";

/** For a machine on which three models and a browser share two busy cores. */
const SLOW_MS = 60_000;
const TRANSCRIPT = new URL("front_desk.txt", ROOT);

browserTest(
  "the front desk books a room for a browser, hangs up and saves the transcript",
  async (browser) => {
    await using example = await Example.start("front_desk.ts");
    await until("its models have loaded", () => example.output !== "", SLOW_MS);
    using resources = new DisposableStack();
    const voice = resources.adopt(new EspeakVoice(), (one) => one.close());
    await voice.start();
    const guest = await Guest.join(browser, await example.link(), { name: "Ada" });
    const hears = (text: string) =>
      until(`the guest hears: ${text}`, async () => {
        const events = await guest.events("event");
        return events.some(({ data }) => data.complete && data.text === text);
      }, SLOW_MS);
    const say = async (text: string) => {
      const { samples, sampleRate } = await spoken(voice, text);
      await guest.run("speak", [new Uint8Array(samples.buffer).toBase64(), sampleRate, 1]);
    };
    try {
      await hears("Harbour Hotel, good day. What can I do for you?");
      await say("book a room for two nights");
      await hears("I have booked a room for two nights. It is 160 euros.");
      await say("good bye");
      assertEquals(await example.ended(), 0);
      const ended = await until("the page knows", async () => (await guest.events("ended")).at(0));
      assertEquals(ended.code, "call-ended");
      const transcript = await Deno.readTextFile(TRANSCRIPT);
      assertEquals(transcript.trimEnd().split("\n").slice(-3), [
        "Guest: good bye",
        "Tool: end_call({}): Thank you for calling. Good bye!",
        "Desk: Thank you for calling. Good bye!",
      ]);
    } finally {
      await Deno.remove(TRANSCRIPT).catch(() => {});
    }
  },
  { ignore: !hasRecogniser() },
);
