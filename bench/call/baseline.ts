/**
 * Connects a page of the benchmark's browser to the one-process baseline.
 *
 * @module
 */
import type { Page } from "../../scripts/lib/browser.ts";
import { Helper } from "../lib/helper.ts";
import { Probe } from "../probe/probe.ts";

/** A page that hears its own clicks come back from the baseline. */
export interface BaselineConnection extends AsyncDisposable {
  probe: Probe;
  /** Says a tone instead of what it hears, until it is flushed. */
  say(): Promise<void>;
  /** Ends the tone. Returns when that was, on the wall clock. */
  flush(): Promise<number>;
}

/** In the page: answers the offer, and plays what comes, since otherwise nothing is decoded. */
async function answer(offer: string): Promise<string> {
  // deno-lint-ignore no-explicit-any -- runs in the page, whose types are not ours
  const page = globalThis as any;
  const connection = new page.RTCPeerConnection();
  page.baseline = connection;
  const player = new page.Audio();
  connection.ontrack = ({ streams, track }: { streams: unknown[]; track: unknown }) => {
    player.srcObject = streams[0] ?? new page.MediaStream([track]);
    player.play();
  };
  connection.onicecandidate = ({ candidate }: { candidate: { toJSON(): unknown } | null }) => {
    if (candidate) page.baselineCandidate(JSON.stringify(candidate.toJSON()));
  };
  await connection.setRemoteDescription({ type: "offer", sdp: offer });
  const [transceiver] = connection.getTransceivers();
  transceiver.direction = "sendrecv";
  await transceiver.sender.replaceTrack(page.ringlineProbe.makeSource().track);
  await connection.setLocalDescription(await connection.createAnswer());
  return connection.localDescription.sdp;
}

/** Starts a baseline of its own for this page, so that each connection draws its clock phases anew. */
export async function connectBaseline(page: Page, origin: URL): Promise<BaselineConnection> {
  await using stack = new AsyncDisposableStack();
  const helper = stack.use(new Helper(new URL("./baseline_process.ts", import.meta.url)));
  const probe = await Probe.install(page);
  await page.exposeFunction("baselineCandidate", async (candidate: string) => {
    await helper.send({ candidate: JSON.parse(candidate) });
  });
  await page.goto(origin.href);
  const { offer } = await helper.next("offer");
  await helper.send({ answer: await page.evaluate(answer, offer) });
  void (async () => {
    for (;;) {
      const { candidate } = await helper.next("candidate", 60_000);
      await page.evaluate(
        // deno-lint-ignore no-explicit-any -- runs in the page
        (candidate) => (globalThis as any).baseline.addIceCandidate(candidate),
        candidate,
      );
    }
  })().catch(() => {}); // until the helper or the page is gone
  await probe.listen();
  const owned = stack.move();
  return {
    probe,
    say: async () => void await helper.ask("say"),
    flush: async () => (await helper.ask("flush")).at,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
