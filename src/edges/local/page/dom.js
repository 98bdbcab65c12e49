/**
 * Helpers for the page's elements. Names and texts only become text nodes, never markup.
 *
 * @module
 */

/** Returns the element with an id, or the element itself. */
export function element(id) {
  return typeof id === "string" ? document.getElementById(id) : id;
}

/** Shows or hides an element. */
export function show(id, visible) {
  element(id).hidden = !visible;
}

/** Creates an element with a class and children. */
export function create(tag, className = "", ...children) {
  const created = document.createElement(tag);
  if (className) created.className = className;
  created.append(...children.filter((child) => child !== undefined && child !== null));
  return created;
}

/** Sets a text if it differs: a screen reader and a selection keep their place. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Shows a message in a box, or hides the box. */
export function showMessage(id, text) {
  const box = element(id);
  box.textContent = text ?? "";
  box.hidden = !text;
}

/** Fills a device list; keeps the choice. */
export function fillDevices(select, devices, options) {
  const chosen = select.value;
  const choices = options.map(([value, text]) => new Option(text, value));
  for (const [index, { deviceId, label }] of devices.entries()) {
    // Before permission is granted, browsers reveal neither names nor ids.
    if (!deviceId || deviceId === "default" || deviceId === "communications") continue;
    choices.push(new Option(label || `${options.at(-1)[1]} ${index + 1}`, deviceId));
  }
  select.replaceChildren(...choices);
  if (choices.some(({ value }) => value === chosen)) select.value = chosen;
}

/** Returns the devices of one kind that the browser reveals. */
export async function listDevices(kind) {
  const devices = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
  return devices.filter((device) => device.kind === kind);
}

/** Returns a choice of a device list as a source for the client. */
export function deviceChoice(value) {
  return value === "none" ? null : value === "default" ? true : value;
}
