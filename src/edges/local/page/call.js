/**
 * The call: tiles, controls, and the state of the connection.
 *
 * @module
 */
import { RinglineError } from "./client.js";
import { deviceChoice, element, fillDevices, listDevices, show, showMessage } from "./dom.js";
import { isMetrics, Metrics } from "./metrics.js";
import { Compose } from "./compose.js";
import { Tiles } from "./tiles.js";

const STATES = {
  connecting: "Connecting …",
  connected: "Connected",
  reconnecting: "Connection lost, reconnecting …",
};

/** The page while it is in a call. */
export class CallView {
  #client;
  #name;
  #chosen;
  #conversation;
  #metrics = new Metrics();
  #frame;
  #closing = new AbortController();
  #tiles = new Tiles(element("tiles"), this.#closing);

  /**
   * @param {import("./client.js").RinglineClient} client
   * @param {{ name: string, microphone: unknown, camera: unknown }} choice
   * @param {import("./conversation.js").Conversation} conversation the page's own, which goes on when
   *   another client continues the call
   */
  constructor(client, { name, microphone, camera }, conversation) {
    this.#client = client;
    this.#conversation = conversation;
    this.#name = name;
    this.#chosen = { microphone: microphone ?? true, camera: camera ?? true };
    const on = (type, handler) =>
      client.addEventListener(type, ({ detail }) => handler(detail), {
        signal: this.#closing.signal,
      });
    on("state", ({ state }) => this.#showState(state));
    on("participants", () => {
      this.#metrics.keep(client.participants);
      this.#showTiles();
    });
    on("videos", () => this.#showTiles());
    on("media", () => {
      this.#showControls();
      this.#showTiles();
    });
    on("audioLevels", ({ levels }) => this.#showLevels(levels));
    on("stats", (stats) => showStats(stats));
    on("sent", ({ waiting }) => this.#conversation.confirm(waiting));
    on("unsent", ({ message }) => {
      showMessage("call-message", message);
      setTimeout(() => showMessage("call-message"), 8000);
    });
    on("event", ({ from, data }) => {
      const sender = { id: from, ...client.participants.get(from) };
      (isMetrics(data) ? this.#metrics : this.#conversation).add(sender, data, client.id);
    });
    on("blocked", () => {
      showMessage(
        "call-message",
        "Click anywhere: the browser needs a click before it plays audio.",
      );
      document.addEventListener("click", () => {
        client.play().then(() => showMessage("call-message"), () => {});
      }, { once: true, signal: this.#closing.signal });
    });
    this.#bindControls();
    new Compose((text) => {
      client.sendText(text);
      this.#conversation.addWritten(name, text);
    }, { signal: this.#closing.signal });
  }

  /** Shows the call. */
  open() {
    show("call", true);
    show("controls", true);
    // Phones cannot share their screen.
    show("screen-toggle", Boolean(navigator.mediaDevices?.getDisplayMedia));
    this.#showControls();
    this.#showTiles();
    this.#draw();
    element("mute").focus({ focusVisible: false });
    document.title = "In a call – Ringline";
  }

  /** Hides the call. */
  close() {
    this.#closing.abort();
    cancelAnimationFrame(this.#frame);
    element("dialog").close();
    for (const id of ["call", "controls", "status", "compose"]) show(id, false);
    this.#tiles.show([]);
    this.#metrics.keep(new Map());
  }

  #bindControls() {
    const { signal } = this.#closing;
    const click = (id, handler) => element(id).addEventListener("click", handler, { signal });
    const client = this.#client;
    const device = (kind, act) => act.catch((error) => this.#explain(kind, error));

    click("mute", () => this.#toggleMute());
    click("camera-toggle", () => {
      const source = client.media.camera ? null : this.#chosen.camera;
      device("camera", client.setCamera(source));
    });
    click("screen-toggle", () => device("screen", client.setScreen(!client.media.screen)));
    click("leave", () => client.leave());
    click("settings", async () => {
      await this.#listDevices();
      element("dialog").showModal();
    });
    for (const kind of ["microphone", "camera"]) {
      const select = element(`in-${kind}`);
      select.addEventListener("change", () => {
        const choice = deviceChoice(select.value);
        if (choice !== null) this.#chosen[kind] = choice;
        const act = kind === "camera" ? client.setCamera(choice) : client.setMicrophone(choice);
        device(kind, act.then(() => this.#listDevices()));
      }, { signal });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "m" || event.ctrlKey || event.metaKey || event.altKey) return;
      // A key that is held down counts once.
      if (event.repeat) return;
      if (event.target.closest("input, select, textarea, dialog")) return;
      this.#toggleMute();
    }, { signal });
  }

  #toggleMute() {
    const client = this.#client;
    if (client.media.microphone) return client.setMuted(!client.media.muted);
    // Joined without a microphone: the button opens one.
    client.setMicrophone(this.#chosen.microphone).then(
      () => client.setMuted(false),
      (error) => this.#explain("microphone", error),
    );
  }

  #explain(kind, error) {
    // The person closed the browser's own dialog and knows.
    if (kind === "screen") return;
    showMessage("call-message", error instanceof RinglineError ? error.message : String(error));
    setTimeout(() => showMessage("call-message"), 8000);
  }

  async #listDevices() {
    const { microphone, camera } = this.#client.tracks;
    const fill = async (id, kind, track, options) => {
      const select = element(id);
      fillDevices(select, await listDevices(kind), options);
      const used = track?.getSettings().deviceId;
      select.value = track ? used : "none";
      if (select.selectedIndex < 0) select.value = "default";
    };
    await fill("in-microphone", "audioinput", microphone, [
      ["none", "No microphone"],
      ["default", "Default microphone"],
    ]);
    await fill("in-camera", "videoinput", camera, [["none", "Off"], ["default", "Default camera"]]);
  }

  #showState(state) {
    if (state === "ended") return;
    show("status", true);
    element("status").dataset.state = state;
    element("status-text").textContent = STATES[state] ?? state;
    if (state !== "connected") show("delay", false);
  }

  #showControls() {
    const { microphone, muted, camera, screen } = this.#client.media;
    const silent = muted || !microphone;
    press("mute", microphone && muted);
    // The label stays: that the button is pressed says that the microphone is muted.
    element("mute-label").textContent = microphone ? "Mute" : "Microphone";
    element("mute").toggleAttribute("data-silent", silent);
    press("camera-toggle", camera);
    press("screen-toggle", screen);
  }

  #showTiles() {
    const { participants, videos, paused, media, tracks } = this.#client;
    const stream = (id, kind) =>
      videos.find((video) => video.participantId === id && video.kind === kind)?.stream;
    const isPaused = (id, kind) =>
      paused.some((video) => video.participantId === id && video.kind === kind);
    const screens = [];
    const tiles = [];
    for (const participant of participants.values()) {
      if (participant.screen) {
        screens.push({
          ...participant,
          key: `${participant.id} screen`,
          screen: true,
          stream: stream(participant.id, "screen"),
          note: isPaused(participant.id, "screen") ? "Screen paused" : "",
        });
      }
      tiles.push({
        ...participant,
        key: participant.id,
        screen: false,
        stream: participant.camera ? stream(participant.id, "camera") : undefined,
        note: note(participant, isPaused(participant.id, "camera")),
      });
    }
    const canWrite = this.#client.grants?.sendEvents ?? true;
    show("compose", canWrite && [...participants.values()].some(({ kind }) => kind === "agent"));
    // Agents come first: people joined for them.
    tiles.sort((a, b) => Number(b.kind === "agent") - Number(a.kind === "agent"));
    tiles.push({
      key: "self",
      name: `${this.#name} (you)`,
      kind: "person",
      own: true,
      stream: media.camera ? this.#own(tracks.camera) : undefined,
      note: !media.microphone ? "No microphone" : media.muted ? "Muted" : "",
    });
    if (media.screen) {
      // A tile among the faces: a person knows their screen, and must only see that it is shared.
      tiles.push({
        key: "self screen",
        name: "Your screen",
        kind: "person",
        own: true,
        contained: true,
        stream: this.#ownScreen(tracks.screen),
        note: "Shared",
      });
    }
    this.#tiles.show([...screens, ...tiles]);
  }

  #own(track) {
    if (this.#ownStream?.getVideoTracks()[0] !== track) this.#ownStream = new MediaStream([track]);
    return this.#ownStream;
  }
  #ownStream;

  #ownScreen(track) {
    if (this.#ownScreenStream?.getVideoTracks()[0] !== track) {
      this.#ownScreenStream = new MediaStream([track]);
    }
    return this.#ownScreenStream;
  }
  #ownScreenStream;

  #showLevels(levels) {
    for (const key of this.#tiles.keys()) {
      if (key !== "self") this.#tiles.setLevel(key, levels[key] ?? 0);
    }
  }

  /** The person's own level, which needs no network. */
  #draw = () => {
    this.#tiles.setLevel("self", this.#client.microphoneLevel());
    this.#frame = requestAnimationFrame(this.#draw);
  };
}

function note(participant, paused) {
  if (participant.reconnecting) return "Reconnecting …";
  if (paused) return "Video paused";
  return participant.audible ? "" : participant.kind === "agent" ? "" : "Muted";
}

function press(id, pressed) {
  element(id).setAttribute("aria-pressed", String(pressed));
}

function showStats(stats) {
  const { roundTripMs } = stats;
  show("delay", roundTripMs !== undefined);
  element("delay-ms").textContent = roundTripMs === undefined ? "" : milliseconds(roundTripMs);
  for (const name of ["roundTripMs", "jitterBufferMs", "outputMs", "signalMs"]) {
    const value = stats[name];
    element(`figure-${name}`).textContent = value === undefined ? "–" : milliseconds(value);
  }
  element("figure-concealed").textContent = stats.concealed === undefined
    ? "–"
    : `${(stats.concealed * 100).toFixed(1)} %`;
}

function milliseconds(value) {
  return value < 1 ? "under 1 ms" : `${Math.round(value)} ms`;
}
