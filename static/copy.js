// @ts-check
/**
 * The clipboard, also on pages without https.
 *
 * @module
 */

/**
 * @param {string} text
 * @returns {Promise<boolean>} False if the browser does not let the page copy.
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (cause) {
    console.debug("telefuser: no clipboard", cause);
    return copyBySelection(text);
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
