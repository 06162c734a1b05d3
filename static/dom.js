// @ts-check
/**
 * Access to the elements that the pages' HTML promises.
 *
 * @module
 */

/**
 * Finds an element and holds it to its type.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 * @throws {TypeError} If the page has no such element.
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new TypeError(`The page has no ${type.name} with id ${id}.`);
}
