/**
 * The page's elements by their ids, what happens to them in, calls out: events, shortcuts, files dropped.
 */

/**
 * @param {string} id
 * @returns {any} the element; its kind is known where it is used
 */
export function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * @param {HTMLElement} place
 * @param {string} text what is `between backticks` is to be typed somewhere, and looks so
 */
export function write(place, text) {
  const parts = text.split("`").map((part, at) => (at % 2 === 0 ? part : Object.assign(document.createElement("code"), { textContent: part })));
  place.replaceChildren(...parts);
}

/**
 * @param {string} id of a select or an input
 * @returns {any} what is set there
 */
export function setting(id) {
  return element(id).value;
}

/**
 * @param {string} id
 * @param {string} event
 * @param {(event: any) => unknown} act
 */
export function on(id, event, act) {
  element(id).addEventListener(event, act);
}

/**
 * Keys that press buttons, while nothing is typed and no modifier is held, unless the visitor turned them off.
 *
 * @param {Record<string, () => void>} keys
 */
export function shortcuts(keys) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.matches("input:not([type=checkbox], [type=radio]), select");
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    const act = keys[event.key];
    if (act === undefined || modified || event.repeat || !element("shortcuts").checked) return;
    if (typing && event.key !== "Escape") return;
    event.preventDefault();
    act();
  });
}

/**
 * @param {HTMLElement} place
 * @param {(file: File) => void} take
 */
export function dropping(place, take) {
  const lit = (/** @type {DragEvent} */ event, /** @type {boolean} */ on) => {
    event.preventDefault();
    place.classList.toggle("dropping", on);
  };
  place.addEventListener("dragover", (event) => lit(event, true));
  place.addEventListener("dragleave", (event) => lit(event, false));
  place.addEventListener("drop", (event) => {
    lit(event, false);
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
}
