/**
 * The page of a call: a lobby, the call and an end. Calls themselves are in `client.js`.
 *
 * @module
 */
import {
  cleanName,
  findCall,
  parseLink,
  RinglineClient,
  RinglineError,
  startCall,
} from "./client.js";
import { CallView } from "./call.js";
import { Conversation } from "./conversation.js";
import { element, show, showMessage } from "./dom.js";
import { goWith, takeChoice, withDevices } from "./handover.js";
import { Lobby } from "./lobby.js";

/** For each end of a call: the title, the button, and the sentence if not the client's own. */
const ENDS = {
  "left": ["You left the call", "Join again"],
  "agent-left": ["The agent has left", "", "The call is over."],
  "call-ended": ["The call has ended", "", "It was ended for all."],
  "call-lost": ["The call was lost", "Try again", "The server lost it."],
  "server-closing": ["The call has ended"],
  "no-agent": ["No answer"],
  "removed": ["You were removed from this call"],
  "refused": ["You cannot join with this browser"],
  "invitation-expired": ["This invitation has expired"],
  "replaced": ["You joined elsewhere", "Use this page"],
  "no-link": [
    "No call here",
    "",
    "This address does not say which call to join. Open the whole link that you were given, or paste it here.",
  ],
  "cut-link": [
    "This link is incomplete",
    "",
    "A part of it is missing, or has a typing mistake: copy the whole link again and paste it here.",
  ],
  "wrong-link": [
    "This call is not open",
    "Try again",
    "It has ended, or has not begun, or its program was started again with a new link. Ask for the new link and paste it here.",
  ],
  "room-full": ["This call is full", "Try again", "Try again when a person has left."],
  "server-gone": [
    "The server cannot be reached",
    "Try again",
    "It may be starting again, or have ended.",
  ],
  "no-network": ["No network", "Try again"],
  "no-webrtc": ["This browser cannot make calls", "", "WebRTC is missing or turned off."],
};
/** Milliseconds between looks whether a call is back. */
const CHECK_MS = 2000;

/** What a person chose on the page that started this call. */
const brought = takeChoice();
let link = parseLink(location.href);
const conversation = new Conversation();
const lobby = new Lobby({
  starting: link.callId === undefined,
  invited: invitedName(link.secret),
});
/** The ends that another link helps with. */
const LINK_ENDS = ["no-link", "cut-link", "wrong-link", "invitation-expired"];
/** The secret of a call's link, or a signed invitation. */
const COMPLETE = /^[\w-]{22}$|^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The ends after which the call may go on when its program has started again. */
const RETURNS = ["server-gone", "server-closing", "call-lost"];
/** Milliseconds for which a server that is back may take to open the call. */
const OPENS_MS = 20_000;

lobby.onJoin = async (choice) => {
  if (link.callId === undefined) {
    // The call has its own address, to share and to reload.
    const address = await startCall(location.href);
    // A call on a server of its own has its own page.
    if (new URL(address).origin !== location.origin) {
      await goWith(address, choice);
      // Until that page is there.
      return await new Promise(() => {});
    }
    history.replaceState(null, "", address);
    link = parseLink(address);
  }
  await join(choice);
};

async function join(choice, continues) {
  const client = new RinglineClient({ continues });
  // For tests, and for the browser's console.
  globalThis.ringline = client;
  const view = new CallView(client, choice, conversation);
  let isUnsent = false;
  client.addEventListener("unsent", () => isUnsent = client.state === "ended");
  client.addEventListener("ended", ({ detail }) => {
    view.close();
    // The lobby shows errors of devices, where people can fix them.
    if (isDeviceError(detail.code)) return;
    showEnd(detail);
    const waits = RETURNS.includes(detail.code);
    if (waits) awaitCall(choice, client);
    if (!isUnsent) return;
    element("end-text").textContent += waits
      ? " What you wrote last is sent then."
      : " What you wrote last was not sent.";
  });
  try {
    await client.join(choice);
  } catch (error) {
    if (isDeviceError(error.code)) throw error;
    if (!(error instanceof RinglineError)) {
      showEnd({ code: "server-gone", message: String(error) });
    }
    return;
  }
  lobby.close();
  view.open();
}

function isDeviceError(code) {
  return /^(microphone|camera|no-microphone|no-camera|insecure-context)/.test(code ?? "");
}

/** Shows why a call ended. */
function showEnd({ code, message }) {
  lobby.close();
  const [title, action, text] = ENDS[code] ?? ["The call has failed", "Try again"];
  element("end-title").textContent = title;
  element("end-text").textContent = text ?? message;
  const again = element("end-again");
  show(again, Boolean(action));
  again.textContent = action ?? "";
  again.onclick = () => location.reload();
  show("paste", LINK_ENDS.includes(code));
  show("end", true);
  element("end").focus();
  document.title = `${title} – Ringline`;
}

/** Joins the call again when its server is back, as the participant that `client` was. */
function awaitCall(choice, client) {
  const again = element("end-again");
  element("end-text").textContent =
    "This page comes back by itself when the call's server is back.";
  let timer;
  let backAt;
  const look = async () => {
    try {
      await findCall(location.href);
    } catch (error) {
      // The program listens before it opens its calls, and may have another link now.
      if (error.code !== "server-gone") backAt ??= performance.now();
      if (backAt === undefined || performance.now() - backAt < OPENS_MS) return wait();
      return showEnd(error);
    }
    show("end", false);
    // A device that is gone by then ends it as it would in the lobby.
    join(choice, client).catch((error) => showEnd(error));
  };
  const wait = () => timer = setTimeout(look, CHECK_MS);
  again.onclick = () => {
    clearTimeout(timer);
    element("end-text").textContent = "It cannot be reached yet. This page keeps trying.";
    look();
  };
  wait();
}

/** Opens a link that a person pastes. */
element("paste").addEventListener("submit", (event) => {
  event.preventDefault();
  const pasted = URL.parse(element("paste-link").value.trim());
  // Nothing but a page of the web: a pasted script must not run.
  if (/^https?:$/.test(pasted?.protocol ?? "") && COMPLETE.test(pasted.hash.slice(1))) {
    location.assign(pasted);
  } else {showMessage(
      "paste-message",
      "This is no whole link to a call. It ends with # and a code.",
    );}
});

/** Returns the name in an invitation, as the page shows it; the server checks the invitation itself. */
function invitedName(secret) {
  const claims = secret.split(".")[1];
  if (claims === undefined) return undefined;
  try {
    const bytes = atob(claims.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0)));
    return cleanName(`${JSON.parse(text).name ?? ""}`);
  } catch {
    return undefined;
  }
}

/** Shows whom a person joins, before they do. */
async function lookAhead() {
  try {
    lobby.showParticipants((await findCall(location.href)).participants);
  } catch (error) {
    if (!(error instanceof RinglineError)) throw error;
    // A link that does not work is said before a person fills the form in.
    if (LINK_ENDS.includes(error.code)) showEnd(error);
  }
}

// A link pasted over another one changes only the fragment, which loads nothing.
addEventListener("hashchange", () => location.reload());

if (typeof RTCPeerConnection !== "function") {
  const { code, message } = new RinglineError("no-webrtc");
  showEnd({ code, message });
} else if (!link.secret) showEnd({ code: "no-link" });
else if (!COMPLETE.test(link.secret)) showEnd({ code: "cut-link" });
else {
  lobby.open();
  if (brought) lobby.join(() => withDevices(brought));
  else if (link.callId !== undefined) lookAhead();
}
