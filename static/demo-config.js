// @ts-check
/**
 * What a demo page begins with: the options that its server gives, and those
 * of its own address, which win.
 *
 * Query parameters: `server`, `prompt`, `fps`, `turn` (URLs, separated by
 * commas), `turn_username`, `turn_credential`, `relay=1` (TURN only),
 * `gather_ms`.
 *
 * @module
 */

/**
 * The part of the client's options that can come from outside.
 *
 * @typedef {object} BaseOptions
 * @property {string} serverUrl
 * @property {string} [prompt]
 * @property {number} [fps]
 * @property {{ urls: string | string[], username?: string, credential?: string }[]} [iceServers]
 * @property {"all" | "relay"} [iceTransportPolicy]
 * @property {number} [iceGatherTimeoutMs]
 */

const TIMEOUT_MS = 3000;

/** @returns {Promise<BaseOptions>} The defaults if the server has nothing to say. */
export async function readBaseOptions() {
  return baseOptions(await readConfig(), new URLSearchParams(location.search), location.protocol);
}

/** @returns {Promise<unknown>} */
async function readConfig() {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch("/demo/config.json", { signal, cache: "no-store" });
    return response.ok ? await response.json() : {};
  } catch (cause) {
    console.debug("telefuser: no options of the server", cause);
    return {};
  }
}

/**
 * @param {unknown} config Body of `/demo/config.json`; what is not as it should
 *   be is left out.
 * @param {URLSearchParams} query
 * @param {string} protocol Of the page, for servers named without one.
 * @returns {BaseOptions}
 */
export function baseOptions(config, query, protocol) {
  /** @type {Record<string, any>} */
  const given = typeof config === "object" && config !== null ? config : {};
  /** @type {BaseOptions} */
  const options = { serverUrl: serverUrl(query.get("server") ?? text(given.server_url) ?? "", protocol) };
  const prompt = query.get("prompt") ?? text(given.prompt);
  if (prompt) options.prompt = prompt;
  const fps = positive(query.get("fps")) ?? positive(given.fps);
  if (fps) options.fps = fps;
  const servers = turnServers(query) ?? (Array.isArray(given.ice_servers) ? given.ice_servers : null);
  if (servers) options.iceServers = servers;
  if (query.get("relay") === "1" || given.ice_transport_policy === "relay") options.iceTransportPolicy = "relay";
  const gatherMs = positive(query.get("gather_ms")) ?? positive(given.ice_gather_timeout_ms);
  if (gatherMs) options.iceGatherTimeoutMs = gatherMs;
  return options;
}

/** @param {URLSearchParams} query */
function turnServers(query) {
  const urls = query.get("turn");
  if (!urls) return null;
  const username = query.get("turn_username") ?? "";
  const credential = query.get("turn_credential") ?? "";
  return [{ urls: urls.split(","), username, credential }];
}

/**
 * @param {string} address An origin, or a bare host such as `10.0.0.7:8000`.
 * @param {string} protocol
 */
function serverUrl(address, protocol) {
  return address === "" || /^https?:\/\//.test(address) ? address : `${protocol}//${address}`;
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : null;
}

/** @param {unknown} value */
function positive(value) {
  const amount = Number(value);
  return amount > 0 && Number.isFinite(amount) ? amount : null;
}
