/**
 * The few things that are done to the page everywhere. Names and texts become text nodes, nothing
 * else: there is no way from here to markup.
 *
 * @module
 */

/** The element with an id, or the element itself. */
export function element(id) {
  return typeof id === "string" ? document.getElementById(id) : id;
}

/** Shows or hides an element. */
export function show(id, visible) {
  element(id).hidden = !visible;
}

/** Makes an element with a class, a text and children. */
export function make(tag, className = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

/** Sets a text, unless it is there already: what is being read, or selected, stays as it is. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Says something in a notice, or takes it away. */
export function notice(id, text) {
  const box = element(id);
  box.textContent = text ?? "";
  box.hidden = !text;
}

/** Fills a device list; keeps what was chosen. */
export function fillDevices(select, devices, options) {
  const chosen = select.value;
  const choices = options.map(([value, text]) => new Option(text, value));
  for (const [index, { deviceId, label }] of devices.entries()) {
    // Before a permission is given, browsers tell neither names nor ids.
    if (!deviceId || deviceId === "default" || deviceId === "communications") continue;
    choices.push(new Option(label || `${options.at(-1)[1]} ${index + 1}`, deviceId));
  }
  select.replaceChildren(...choices);
  if (choices.some(({ value }) => value === chosen)) select.value = chosen;
}

/** The devices of one kind; none where the browser tells of none. */
export async function listDevices(kind) {
  const devices = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
  return devices.filter((device) => device.kind === kind);
}

/** Turns a choice of a device list into what the client takes. */
export function deviceChoice(value) {
  return value === "none" ? null : value === "default" ? true : value;
}
