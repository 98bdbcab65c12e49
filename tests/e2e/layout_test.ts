/** The call's tiles in windows of all shapes: whole, beside one another, and in reach. */
import { assertEquals } from "@std/assert";
import { openAgentFixture } from "./_agents.ts";
import { browserTest } from "./_fixture.ts";

const WINDOWS = [
  [1280, 800],
  [1280, 720],
  [1024, 768],
  [800, 600],
  [844, 390],
  [390, 760],
  [360, 560],
] as const;

/** How many people are in the call, and how many of them share a screen. */
const CALLS = [[1, 0], [2, 0], [3, 0], [4, 0], [6, 0], [15, 0], [3, 1], [6, 3]] as const;

/** What runs in the page: a round trip for each of hundreds of layouts would take most of the time. */
const IN_PAGE = `{
/** Lets the page think that so many people are there, some of them sharing a screen. */
function pretend(people, screens) {
  const client = globalThis.ringline;
  client.participants = new Map(Array.from({ length: people }, (_, at) => ["p" + at, {
    id: "p" + at, name: "Person number " + at, kind: at ? "person" : "agent", audible: at !== 1,
    camera: false, screen: at < screens, reconnecting: false,
  }]));
  client.dispatchEvent(new CustomEvent("participants", { detail: {} }));
}

/** Lets the page think that the agent, who is the first of those people, told its figures. */
function pretendFigures() {
  const counts = Object.fromEntries(Array.from({ length: 30 }, (_, at) => ["counter" + at, at]));
  const parts = { endOfTurnDelayMs: 400, transcriptionDelayMs: 150, llmMs: 280, ttfbMs: 120, playoutMs: 60, overheadMs: 0 };
  const data = {
    type: "metrics", voiceToVoiceMs: 1010, parts, bargeInMs: 160, bargeIns: 1, falseInterruptions: 0,
    figures: { agent: { droppedSlots: 0 }, ["a long name ".repeat(4)]: counts },
  };
  globalThis.ringline.dispatchEvent(new CustomEvent("event", { detail: { from: "p0", data } }));
}

/** What is wrong with how the tiles lie, in words. */
function faults() {
  const found = [];
  const list = document.querySelector("#tiles");
  const tiles = [...list.children].map((tile) => [tile.innerText, tile.getBoundingClientRect()]);
  const around = list.getBoundingClientRect();
  for (const [name, box] of tiles) {
    if (box.width < 60 || box.height < 60) found.push(name + " is too small");
    if (box.left < around.left - 1 || box.right > around.right + 1) found.push(name + " sticks out");
    if (box.top < around.top - 1) found.push(name + " cannot be scrolled to");
    for (const [other, its] of tiles) {
      if (other !== name && box.left < its.right - 1 && its.left < box.right - 1 &&
        box.top < its.bottom - 1 && its.top < box.bottom - 1) {
        found.push(name + " lies over " + other);
      }
    }
  }
  const edges = (one) => document.querySelector(one).getBoundingClientRect();
  if (around.bottom > edges("#controls").top + 1) found.push("the tiles lie over the controls");
  const figures = edges("#metrics");
  if (figures.height > 0) {
    if (figures.left < around.right - 1 && figures.top < around.bottom - 1) {
      found.push("the figures lie over the tiles");
    }
    if (figures.height < 32 || figures.bottom > edges("#controls").top + 1) {
      found.push("the figures are out of reach");
    }
    const panel = document.querySelector("#metrics");
    if (panel.scrollWidth > panel.clientWidth) found.push("a figure is cut off");
  }
  if (!list.querySelector(".screen")) {
    const right = Math.max(...tiles.map(([, box]) => box.right));
    const last = tiles.at(-1)[1];
    if (last.right < right - 1) found.push("the last row is not full");
    const left = Math.min(...tiles.map(([, box]) => box.left));
    if (tiles.some(([, box]) => Math.abs(box.top - last.top) < 1 && box.left < left - 1)) {
      found.push("the last row does not begin at the left");
    }
  }
  for (const tile of list.children) {
    if (tile.clientWidth >= 400) continue;
    const picture = tile.querySelector(".picture").getBoundingClientRect();
    const caption = tile.querySelector(".caption").getBoundingClientRect();
    if (picture.height < 28) found.push(tile.innerText + " has no space for a face");
    if (caption.top < picture.bottom - 1) found.push(tile.innerText + " has a label over its face");
    const meter = tile.querySelector(".meter")?.getBoundingClientRect();
    if (!tile.matches(".screen") && (meter.width < 20 || meter.height < 2)) {
      found.push(tile.innerText + " has no level meter");
    }
  }
  const compose = edges("#compose");
  if (compose.height > 0 && compose.bottom > edges("#controls").top + 1) {
    found.push("the box to write in is out of reach");
  }
  for (const caption of list.querySelectorAll(".who")) {
    const its = caption.getBoundingClientRect();
    const box = caption.closest(".tile").getBoundingClientRect();
    if (its.bottom > box.bottom || its.top < box.top) found.push("a name is cut off");
  }
  return found;
}

/** What is wrong in this window with a call. */
globalThis.faultsOf = async (people, screens, figures) => {
  const list = document.querySelector("#tiles");
  pretend(people, screens);
  if (figures !== "no") {
    pretendFigures();
    document.querySelector("#metrics").open = figures === "open";
  }
  const end = performance.now() + 20_000;
  while (list.querySelectorAll(":scope > li").length !== people + screens + 1) {
    if (performance.now() > end) return ["the tiles are not there"];
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const found = faults();
  // Where they fit, they are all in view.
  const hidden = list.scrollHeight - list.clientHeight;
  const isFitting = people <= 2 && screens === 0 && figures !== "open";
  if (isFitting && hidden > 1) found.push(hidden + " px are out of view");
  return found;
};
}`;

/** All windows, first before the agent has told any figures: then they are there for good. */
function* everyWindow(): Generator<[typeof WINDOWS[number], "no" | "closed" | "open"]> {
  for (const figures of ["no", "closed", "open"] as const) {
    for (const window of WINDOWS) yield [window, figures];
  }
}

browserTest("tiles are whole and do not overlap in any window", async (browser) => {
  await using fixture = await openAgentFixture();
  const page = await browser.newPage();
  await page.goto(fixture.link.href);
  await page.waitForSelector("#lobby:not([hidden])");
  await page.type("#name", "Ada");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#status[data-state=connected]");
  await page.evaluate(IN_PAGE);
  for (const [[width, height], figures] of everyWindow()) {
    await page.setViewport({ width, height });
    const found = await page.evaluate(`(async () => {
      const found = [];
      for (const [people, screens] of ${JSON.stringify(CALLS)}) {
        for (const fault of await faultsOf(people, screens, "${figures}")) {
          found.push(people + " people, " + screens + " screens: " + fault);
        }
      }
      return found;
    })()`);
    assertEquals(found, [], `${width}x${height}, ${figures} figures`);
  }
});
