/**
 * The page's files, embedded: they come with this module wherever it is loaded from, and reading them
 * needs no permission.
 *
 * @module
 */
import app from "../page/app.js" with { type: "text" };
import callStyle from "../page/call.css" with { type: "text" };
import call from "../page/call.js" with { type: "text" };
import client from "../page/client.js" with { type: "text" };
import clientDevices from "../page/client/devices.js" with { type: "text" };
import clientError from "../page/client/error.js" with { type: "text" };
import clientEventLimit from "../page/client/event_limit.js" with { type: "text" };
import clientJitterDepth from "../page/client/jitter_depth.js" with { type: "text" };
import clientStats from "../page/client/stats.js" with { type: "text" };
import clientLink from "../page/client/link.js" with { type: "text" };
import clientNames from "../page/client/names.js" with { type: "text" };
import clientOutbox from "../page/client/outbox.js" with { type: "text" };
import clientPeer from "../page/client/peer.js" with { type: "text" };
import clientRepair from "../page/client/repair.js" with { type: "text" };
import clientSentMedia from "../page/client/sent_media.js" with { type: "text" };
import clientSignalling from "../page/client/signalling.js" with { type: "text" };
import clientSocket from "../page/client/socket.js" with { type: "text" };
import clientSound from "../page/client/sound.js" with { type: "text" };
import dom from "../page/dom.js" with { type: "text" };
import handover from "../page/handover.js" with { type: "text" };
import icon from "../page/icon.svg" with { type: "text" };
import metricsStyle from "../page/metrics.css" with { type: "text" };
import metrics from "../page/metrics.js" with { type: "text" };
import page from "../page/index.html" with { type: "text" };
import lobby from "../page/lobby.js" with { type: "text" };
import style from "../page/style.css" with { type: "text" };
import conversationStyle from "../page/conversation.css" with { type: "text" };
import compose from "../page/compose.js" with { type: "text" };
import conversation from "../page/conversation.js" with { type: "text" };
import tilesStyle from "../page/tiles.css" with { type: "text" };
import tiles from "../page/tiles.js" with { type: "text" };

/** A file of the page and its path. */
export interface PageFile {
  path: string;
  type: string;
  text: string;
}

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";

/** All files. The page of a call is the start page too: its script reads the address. */
export const pageFiles: readonly PageFile[] = [
  { path: "/", type: HTML, text: page },
  { path: "/call/:type/:id", type: HTML, text: page },
  { path: "/app.js", type: SCRIPT, text: app },
  { path: "/call.js", type: SCRIPT, text: call },
  { path: "/dom.js", type: SCRIPT, text: dom },
  { path: "/handover.js", type: SCRIPT, text: handover },
  { path: "/lobby.js", type: SCRIPT, text: lobby },
  { path: "/metrics.js", type: SCRIPT, text: metrics },
  { path: "/compose.js", type: SCRIPT, text: compose },
  { path: "/conversation.js", type: SCRIPT, text: conversation },
  { path: "/tiles.js", type: SCRIPT, text: tiles },
  { path: "/client.js", type: SCRIPT, text: client },
  { path: "/client/devices.js", type: SCRIPT, text: clientDevices },
  { path: "/client/error.js", type: SCRIPT, text: clientError },
  { path: "/client/event_limit.js", type: SCRIPT, text: clientEventLimit },
  { path: "/client/stats.js", type: SCRIPT, text: clientStats },
  { path: "/client/link.js", type: SCRIPT, text: clientLink },
  { path: "/client/names.js", type: SCRIPT, text: clientNames },
  { path: "/client/outbox.js", type: SCRIPT, text: clientOutbox },
  { path: "/client/peer.js", type: SCRIPT, text: clientPeer },
  { path: "/client/repair.js", type: SCRIPT, text: clientRepair },
  { path: "/client/jitter_depth.js", type: SCRIPT, text: clientJitterDepth },
  { path: "/client/sent_media.js", type: SCRIPT, text: clientSentMedia },
  { path: "/client/signalling.js", type: SCRIPT, text: clientSignalling },
  { path: "/client/socket.js", type: SCRIPT, text: clientSocket },
  { path: "/client/sound.js", type: SCRIPT, text: clientSound },
  { path: "/style.css", type: STYLE, text: style },
  { path: "/call.css", type: STYLE, text: callStyle },
  { path: "/tiles.css", type: STYLE, text: tilesStyle },
  { path: "/conversation.css", type: STYLE, text: conversationStyle },
  { path: "/metrics.css", type: STYLE, text: metricsStyle },
  { path: "/icon.svg", type: "image/svg+xml", text: icon },
];
