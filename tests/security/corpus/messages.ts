import { ARRIVES, type Attempt, attempts, CHANGES, EXITS, FORGES, POLLUTES, type Row, tells } from "./attempt.ts";

/** Gets hold of the port between worker and host, which the wall does not hide, and sends through it. */
const PORT = `
const port = await new Promise((found) => {
  const { dispatchEvent } = EventTarget.prototype;
  EventTarget.prototype.dispatchEvent = function (event) {
    if (this instanceof MessagePort) found(this);
    return dispatchEvent.call(this, event);
  };
  setTimeout(() => found(null), 2500);
});
if (port === null) throw new Error('there was no message on the port');
`;

const SAFE = "the host checks messages at every level alike; see message.port_is_reached for the way there";

/** Messages shaped as the host's own, and what tries to cross with them. */
export const MESSAGES: readonly Attempt[] = attempts([
  ...([
    [
      "message.port_is_reached",
      ARRIVES,
      `${PORT} port.postMessage({ t: 'log', level: 'info', message: t.mark, fields: {}, session: null }); await new Promise((y) => setTimeout(y, 50));`,
      { allowed: ["strict", "standard"] },
    ],
    [
      "message.forged_log",
      FORGES,
      `${PORT} port.postMessage({ t: 'log', level: 'info\\n', message: 'a\\nserver: ' + t.mark, fields: {}, session: 'b\\n12:00:00.000 INFO  server: ' + t.mark }); port.postMessage({ t: 'log', level: 'info', message: 'a\\nserver: ' + t.mark, fields: { session: 'x', 'a\\nb': 'c\\n server: ' + t.mark }, session: 'b\\n12:00:00.000 INFO  server: ' + t.mark }); await new Promise((y) => setTimeout(y, 50));`,
    ],
    [
      "message.forged_ready",
      EXITS,
      `${PORT} port.postMessage({ t: 'ready', mode: 'bidirectional', defaultFps: -1, viewerMedia: { video: { width: 1e9 } } }); port.postMessage({ t: 'ready' }); await new Promise((y) => setTimeout(y, 50));`,
    ],
    [
      "message.forged_call",
      tells("video"),
      `${PORT} port.postMessage({ t: 'call', call: 777, op: 'openVideo', args: { path: t.video, options: {} } }); return await new Promise((y) => { port.addEventListener('message', (e) => e.data.call === 777 && y(JSON.stringify(e.data.value ? e.data.value.width + 'x' + e.data.value.height : e.data))); setTimeout(() => y('none'), 2000); });`,
    ],
    [
      "message.forged_call_proto",
      POLLUTES,
      `${PORT} port.postMessage({ t: 'call', call: 778, op: '__proto__', args: JSON.parse('{"__proto__": {"' + t.mark + '": 1}}') }); port.postMessage({ t: 'call', call: 779, op: 'constructor', args: { path: 'a', options: JSON.parse('{"__proto__": {"' + t.mark + '": 1}}') } }); await new Promise((y) => setTimeout(y, 50));`,
    ],
    [
      "message.forged_chunk",
      EXITS,
      `${PORT} for (const id of ['1', '2', '3', '__proto__', 'constructor']) for (const chunk of [null, 1, {}, { fields: null, frames: 7 }, { fields: { fps: NaN }, frames: [{ format: 'rgba', data: {}, width: 1e9, height: 1e9 }], frameNames: [], audio: 'x', audioName: 1, metadata: '{', faults: [{}] }]) port.postMessage({ t: 'chunk', id, chunk }); await new Promise((y) => setTimeout(y, 50));`,
    ],
    [
      "message.strangers",
      EXITS,
      `${PORT} for (const m of [null, undefined, 7, 'x', [], {}, { t: 'constructor' }, { t: '__proto__' }, new Map([['t', 'log']]), new Error('x'), 10n, new Date(NaN), { t: 'taken', id: 'x'.repeat(1e6), lane: 'a' }]) port.postMessage(m); await new Promise((y) => setTimeout(y, 50));`,
    ],
    [
      "message.deep",
      EXITS,
      `${PORT} let deep = {}; for (let i = 0; i < 5000; i++) deep = { deep }; try { port.postMessage({ t: 'log', level: 'info', message: 'a', fields: { deep }, session: null }); } catch { port.postMessage(null); } await new Promise((y) => setTimeout(y, 50));`,
    ],
    [
      "message.cyclic",
      EXITS,
      `${PORT} const round = {}; round.round = round; port.postMessage({ t: 'log', level: 'info', message: 'a', fields: { round }, session: null }); port.postMessage({ t: 'call', call: 1, op: 'openVideo', args: round }); await new Promise((y) => setTimeout(y, 50));`,
    ],
    ["message.closed_port", EXITS, `${PORT} port.close(); await new Promise((y) => setTimeout(y, 50));`],
    [
      "message.forged_stopped",
      EXITS,
      `${PORT} port.postMessage({ t: 'stopped', error: 'x' }); port.postMessage({ t: 'closed', id: '1' }); port.postMessage({ t: 'end', id: '1', error: null, during: '', stack: '' }); await new Promise((y) => setTimeout(y, 50));`,
    ],
  ] as readonly Row[]).map(([id, proof, body, options = {}]): Row => [id, proof, body, {
    alone: true,
    ...(proof === ARRIVES ? {} : { control: id === "message.forged_call" ? "permissive" : { never: SAFE } }),
    ...options,
  }]),
  [
    "message.metadata_proto",
    POLLUTES,
    'return { chunk: JSON.parse(\'{"__proto__": {"\' + t.mark + \'": 1}, "constructor": {"prototype": {"\' + t.mark + \'": 1}}, "data": {"__proto__": {"\' + t.mark + \'": 1}}}\') };',
    { control: { never: "metadata is JSON text on its way, at every level" } },
  ],
  ["message.log_proto", POLLUTES, "context.log.info('a', JSON.parse('{\"__proto__\": {\"' + t.mark + '\": 1}}'));", {
    control: { never: "fields are checked at every level" },
  }],
  ["message.own_prototype", POLLUTES, "Object.prototype[t.mark] = 1; Array.prototype[t.mark] = 1;", {
    alone: true,
    control: { plain: [] },
  }],
  [
    "message.chunk_getter",
    POLLUTES,
    "return { chunk: new Proxy({}, { get: () => { throw new Error('strange'); }, ownKeys: () => ['__proto__', t.mark], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }) }) };",
    { control: { never: "chunks are read within the worker" } },
  ],
  [
    "message.open_options_proto",
    tells("video"),
    'return String((await context.openVideo(t.video, JSON.parse(\'{"__proto__": {"level": "permissive"}, "format": "rgba"}\'))).width) + \'x360\';',
  ],
  [
    "message.transfer_twice",
    EXITS,
    "const data = new Uint8Array(16 * 16 * 4); const frame = { format: 'rgba', data, width: 16, height: 16 }; return { chunk: { frames: [frame, frame], transfer: true } };",
    { control: { never: "at every level a faulty chunk costs only itself" } },
  ],
  [
    "message.shared_memory",
    CHANGES,
    "const data = new Uint8Array(new SharedArrayBuffer(16 * 16 * 4)); setInterval(() => data.fill(7), 5); return { chunk: { frames: [{ format: 'rgba', data, width: 16, height: 16 }] } };",
    { alone: true, control: { never: "bytes are copied out of shared memory" } },
  ],
]);

/** Globals of the worker, changed so that the host might stumble. */
export const TAMPERING: readonly Attempt[] = attempts([
  [
    "tamper.array",
    EXITS,
    "Array.prototype[Symbol.iterator] = function* () { yield 'x'; }; Array.prototype.map = () => { throw new Error(t.mark); };",
    { alone: true, control: { never: "globals of a worker are its own" } },
  ],
  [
    "tamper.json",
    POLLUTES,
    "JSON.stringify = () => '{\"__proto__\": {\"' + t.mark + '\": 1}}'; context.log.info('a', { b: 1 }); return { chunk: { a: 1 } };",
    { alone: true, control: { never: "globals of a worker are its own" } },
  ],
  ["tamper.promise", EXITS, "Promise.prototype.then = () => { throw new Error(t.mark); }; globalThis.Promise = null;", {
    alone: true,
    control: { never: "globals of a worker are its own" },
  }],
  [
    "tamper.deno",
    EXITS,
    "for (const key of Object.keys(Deno)) { try { Deno[key] = null; } catch { continue; } } for (const key of ['MessagePort', 'postMessage', 'structuredClone', 'Uint8Array']) globalThis[key] = null;",
    { alone: true, control: { never: "globals of a worker are its own" } },
  ],
  [
    "tamper.port_methods",
    EXITS,
    "MessagePort.prototype.postMessage = () => { throw new Error(t.mark); }; MessagePort.prototype.close = () => {};",
    { alone: true, control: { never: "globals of a worker are its own" } },
  ],
]);
