/**
 * The page of a call: a lobby, the call itself, and an end. What it knows of calls is in
 * `client.js`.
 *
 * @module
 */
import { parseLink, RinglineClient, RinglineError, startCall } from "./client.js";
import { CallView } from "./call.js";
import { element, show } from "./dom.js";
import { Lobby } from "./lobby.js";

/**
 * What stands above the sentence when a call is over, what can be done about it, and the sentence
 * where the client's own would say the title again.
 */
const ENDS = {
  "left": ["You left the call", "Join again"],
  "agent-left": ["The agent has left", "", "The call is over."],
  "call-ended": ["The call has ended", "", "It was ended for everybody."],
  "call-lost": ["The call was lost", "Try again", "It broke down at the other end."],
  "server-closing": ["The call has ended"],
  "no-agent": ["No answer"],
  "replaced": ["You are here twice", "Use this page"],
  "wrong-link": ["This link does not work"],
  "room-full": ["This call is full", "Try again", "Somebody may leave."],
  "server-gone": [
    "The server cannot be reached",
    "Try again",
    "The program that runs the call may have ended.",
  ],
  "no-network": ["No network", "Try again"],
  "no-webrtc": ["This browser cannot make calls", "", "It has no WebRTC, or it was switched off."],
};
/** Milliseconds between looks whether a server that was gone is back. */
const LOOK_MS = 2000;

let link = parseLink(location.href);
const lobby = new Lobby({ starting: link.callId === undefined });

lobby.onJoin = async (choice) => {
  if (link.callId === undefined) {
    // The call has an address of its own, to be passed on and reloaded.
    const address = await startCall(location.href);
    history.replaceState(null, "", address);
    link = parseLink(address);
  }
  const client = new RinglineClient();
  // A handle for tests and for curious people with a console.
  globalThis.ringline = client;
  const view = new CallView(client, choice);
  client.addEventListener("ended", ({ detail }) => {
    view.close();
    // What keeps a microphone from opening is said in the lobby, where it can be mended.
    if (!mendable(detail.code)) showEnd(detail);
  });
  try {
    await client.join(choice);
  } catch (error) {
    if (mendable(error.code)) throw error;
    if (!(error instanceof RinglineError)) {
      showEnd({ code: "server-gone", message: String(error) });
    }
    return;
  }
  lobby.close();
  view.open();
};

function mendable(code) {
  return /^(microphone|camera|no-microphone|no-camera|insecure-context)/.test(code ?? "");
}

function showEnd({ code, message }) {
  lobby.close();
  const [title, action, text] = ENDS[code] ?? ["The call could not go on", "Try again"];
  element("end-title").textContent = title;
  element("end-text").textContent = text ?? message;
  const again = element("end-again");
  show(again, Boolean(action));
  again.textContent = action ?? "";
  again.onclick = () => location.reload();
  if (code === "server-gone") awaitServer(again);
  show("end", true);
  element("end").focus();
  document.title = `${title} – Ringline`;
}

/** Looks whether the server is back: a page that is loaded without it is the browser's error page. */
function awaitServer(again) {
  let answers = false;
  const look = async () => {
    if (answers) return true;
    try {
      await fetch("/icon.svg", { method: "HEAD", cache: "no-store" });
    } catch {
      return false;
    }
    answers = true;
    clearInterval(timer);
    element("end-title").textContent = "The server answers again";
    element("end-text").textContent = "You can join again.";
    again.textContent = "Join again";
    return true;
  };
  const timer = setInterval(look, LOOK_MS);
  again.onclick = async () => {
    if (await look()) return location.reload();
    element("end-text").textContent = "It still does not answer. This page goes on looking.";
  };
}

// A link that is pasted over another one changes the fragment only, which loads nothing.
addEventListener("hashchange", () => location.reload());

if (typeof RTCPeerConnection !== "function") {
  const { code, message } = new RinglineError("no-webrtc");
  showEnd({ code, message });
} else if (!link.secret) {
  const { code, message } = new RinglineError("wrong-link");
  showEnd({ code, message });
} else {
  lobby.open();
}
