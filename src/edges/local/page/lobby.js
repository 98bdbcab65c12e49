/**
 * The lobby before a call: a name, a microphone, a camera.
 *
 * @module
 */
import {
  analyse,
  analyserLevel,
  cleanName,
  constraints,
  deviceError,
  RinglineError,
} from "./client.js";
import {
  deviceChoice,
  element,
  fillDevices,
  listDevices,
  setText,
  show,
  showMessage,
} from "./dom.js";

const NAME_KEY = "ringline-name";
/** Names of people, or of agents, that the lobby shows. */
const MAX_NAMES = 4;

/** The form before a call. */
export class Lobby {
  /** Called with `{ name, microphone, camera }`; the form shows what it throws. */
  onJoin = async () => {};
  #form = element("lobby");
  #microphone = element("microphone");
  #camera = element("camera");
  #preview = element("preview");
  #streams = { microphone: undefined, camera: undefined };
  #context;
  #frame;

  /** Whether the name is an invitation's, which no page changes. */
  #isInvited;

  /** `invited`: the name in the invitation that the page was opened with, if it has one. */
  constructor({ starting, invited }) {
    if (starting) {
      element("lobby-title").textContent = "Start a call";
      element("join").textContent = "Start";
    }
    this.#isInvited = Boolean(invited);
    element("name").value = invited || (stored() ?? "");
    if (invited) {
      show("name", false);
      show("name-label", false);
      element("lobby-hint").textContent =
        `You join as ${invited}. Allow the microphone when the browser asks. Then just speak.`;
    }
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#join(deviceChoice(this.#microphone.value));
    });
    element("listen").addEventListener("click", () => {
      if (this.#form.reportValidity()) this.#join(null);
    });
    element("try").addEventListener("click", () => this.#test("microphone"));
    this.#microphone.addEventListener("change", () => {
      if (this.#streams.microphone) this.#test("microphone");
    });
    this.#camera.addEventListener("change", () => this.#test("camera"));
  }

  async open() {
    this.#fill([], []);
    show(this.#form, true);
    if (!navigator.mediaDevices) {
      showMessage("lobby-message", new RinglineError("insecure-context").message);
      show("listen", true);
      show("join", false);
      for (const id of ["microphone", "camera", "try"]) element(id).disabled = true;
    }
    // A person who was here before only presses Enter.
    const first = ["name", "join", "listen"].map(element)
      .find((one) => one.id === "name" ? !one.value : !one.hidden);
    first.focus({ focusVisible: first.id === "name" });
    await this.#list();
    navigator.mediaDevices?.addEventListener("devicechange", this.#list);
  }

  /**
   * Says whom a person joins.
   *
   * @param {{ name: string, kind: "person" | "agent" }[]} participants who is in the call
   */
  showParticipants(participants) {
    const named = (kind) => participants.filter((one) => one.kind === kind).map(({ name }) => name);
    const [agents, people] = [named("agent"), named("person")];
    const parts = [
      agents.length > 0 && `${list(agents)} (${agents.length > 1 ? "agents" : "agent"})`,
      people.length > 0 && list(people),
    ].filter(Boolean);
    setText(
      element("lobby-who"),
      parts.length > 0
        ? `In this call: ${parts.join(", ")}.`
        : "There is no agent in this call yet. You can join and wait.",
    );
    show("lobby-who", true);
  }

  close() {
    show(this.#form, false);
    this.#stop("microphone");
    this.#stop("camera");
    this.#context?.close();
    this.#context = undefined;
    navigator.mediaDevices?.removeEventListener("devicechange", this.#list);
  }

  #list = async () => {
    this.#fill(await listDevices("audioinput"), await listDevices("videoinput"));
  };

  #fill(microphones, cameras) {
    fillDevices(this.#microphone, microphones, [
      ["default", "Default microphone"],
      ["none", "No microphone"],
    ]);
    fillDevices(this.#camera, cameras, [["none", "Off"], ["default", "Default camera"]]);
  }

  async #join(microphone) {
    const name = cleanName(element("name").value);
    if (!name) return element("name").focus();
    if (!this.#isInvited) store(name);
    await this.join(() => ({ name, microphone, camera: deviceChoice(this.#camera.value) }));
  }

  /** Joins with a choice, and shows what hinders that. */
  async join(choose) {
    const button = element("join");
    button.disabled = true;
    showMessage("lobby-message");
    // Some systems allow a device only once.
    this.#stop("microphone");
    this.#stop("camera");
    try {
      const choice = await choose();
      if (!this.#isInvited) element("name").value = choice.name;
      await this.onJoin(choice);
    } catch (error) {
      this.#explain(error);
    } finally {
      button.disabled = false;
    }
  }

  async #test(kind) {
    this.#stop(kind);
    const choice = deviceChoice((kind === "camera" ? this.#camera : this.#microphone).value);
    if (choice === null) return;
    try {
      const stream = await navigator.mediaDevices.getUserMedia(constraints(kind, choice));
      showMessage("lobby-message");
      this.#streams[kind] = stream;
      if (kind === "camera") {
        this.#preview.srcObject = stream;
        show(this.#preview, true);
      } else {
        this.#context ??= new AudioContext();
        const analyser = analyse(this.#context, stream.getAudioTracks()[0]);
        const draw = () => {
          element("try-meter").style.setProperty("--level", analyserLevel(analyser));
          this.#frame = requestAnimationFrame(draw);
        };
        draw();
      }
      await this.#list();
    } catch (error) {
      this.#explain(deviceError(kind, error));
      if (kind === "camera") this.#camera.value = "none";
    }
  }

  #stop(kind) {
    for (const track of this.#streams[kind]?.getTracks() ?? []) track.stop();
    this.#streams[kind] = undefined;
    if (kind === "camera") {
      this.#preview.srcObject = null;
      show(this.#preview, false);
    } else {
      cancelAnimationFrame(this.#frame);
      element("try-meter").style.setProperty("--level", 0);
    }
  }

  #explain(error) {
    showMessage("lobby-message", advice(error));
    show("listen", error.code !== "camera-denied" && /microphone/.test(error.code ?? ""));
  }
}

/** Returns what went wrong, and the way out. */
function advice(error) {
  const message = error instanceof RinglineError ? error.message : `${error}`;
  switch (error.code) {
    case "microphone-denied":
      return `${message} Allow it next to the page's address and try again, or join without one: you will hear the others.`;
    case "no-microphone":
      return `${message} Connect one and try again, or join without one: you will hear the others.`;
    case "camera-denied":
      return `${message} Allow it next to the page's address, or join without a camera.`;
    default:
      return message;
  }
}

/** Names in a row; of many, the first few and a count. */
function list(names) {
  const shown = names.length > MAX_NAMES
    ? [...names.slice(0, MAX_NAMES - 1), `${names.length - MAX_NAMES + 1} more`]
    : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

function stored() {
  try {
    return localStorage.getItem(NAME_KEY);
  } catch {
    return null;
  }
}

function store(name) {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // A browser that stores nothing asks again next time.
  }
}
