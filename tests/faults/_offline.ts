/**
 * A program of its own, to be run where the only network is the loopback: opens the page of a call
 * in "firefox" or "chromium", joins, and prints as JSON what the page says in the end and after how
 * many milliseconds. With `--hide` the machine may have a network: the browser is told to use it by
 * a proxy only, of which there is none, and does as it does without one.
 */
import { launchBrowser, launchFirefox } from "../../scripts/lib/browser.ts";
import { openAgentFixture } from "../e2e/_agents.ts";
import { joinByKeyboard, openPage } from "../e2e/_page.ts";

const [name, hide] = Deno.args;
await using fixture = await openAgentFixture();
await using own = name === "firefox"
  ? await launchFirefox(hide ? { "media.peerconnection.ice.proxy_only": true } : {})
  : await launchBrowser({
    loopback: false,
    args: hide ? ["--webrtc-ip-handling-policy=disable_non_proxied_udp"] : [],
  });
const page = await openPage(own.browser, fixture.link);
await joinByKeyboard(page, "Ada");
const joined = performance.now();
await page.waitForSelector("#end:not([hidden])", { timeout: 60_000 });
const ms = Math.round(performance.now() - joined);
console.log(JSON.stringify({ ms, text: await page.evaluate("document.body.innerText") }));
