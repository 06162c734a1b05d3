import { ARRIVES, type Attempt, attempts, FORGES, KNOCKS, matches, tells } from "./attempt.ts";

/** Anything that leaves the process by a socket. */
export const NETWORK: readonly Attempt[] = attempts([
  [
    "net.tcp",
    ARRIVES,
    "const c = await Deno.connect({ hostname: '127.0.0.1', port: t.tcp }); await c.write(new TextEncoder().encode(t.mark)); c.closeWrite();",
  ],
  [
    "net.tcp_by_name",
    ARRIVES,
    "const c = await Deno.connect({ hostname: 'localhost', port: t.tcp }); await c.write(new TextEncoder().encode(t.mark)); c.closeWrite();",
  ],
  [
    "net.tls",
    ARRIVES,
    "await Deno.connectTls({ hostname: '127.0.0.1', port: t.tcp, alpnProtocols: [t.mark] }).then((c) => c.handshake());",
  ],
  [
    "net.listen",
    matches(/^\d+$/),
    "const l = Deno.listen({ hostname: '127.0.0.1', port: 0 }); const { port } = l.addr; l.close(); return String(port);",
  ],
  [
    "net.serve",
    matches(/^\d+$/),
    "const s = Deno.serve({ port: 0, hostname: '127.0.0.1', onListen: () => {} }, () => new Response()); const { port } = s.addr; await s.shutdown(); return String(port);",
  ],
  [
    "net.udp",
    ARRIVES,
    "const s = Deno.listenDatagram({ transport: 'udp', hostname: '127.0.0.1', port: 0 }); await s.send(new TextEncoder().encode(t.mark), { transport: 'udp', hostname: '127.0.0.1', port: t.udp }); s.close();",
  ],
  ["net.http", ARRIVES, "await (await fetch(t.http + '/' + t.mark)).text();"],
  [
    "net.http_client",
    ARRIVES,
    "const client = Deno.createHttpClient({ proxy: { url: t.http } }); await (await fetch('http://elsewhere.test/' + t.mark, { client })).text();",
  ],
  [
    "net.http_unix",
    ARRIVES,
    "const client = Deno.createHttpClient({ proxy: { transport: 'unix', path: t.unix } }); setTimeout(() => client.close(), 1500); await fetch('http://elsewhere.test/' + t.mark, { client }).catch(() => {});",
  ],
  [
    "net.http_unix_open",
    ARRIVES,
    "const client = Deno.createHttpClient({ proxy: { transport: 'unix', path: t.unix } }); await Promise.race([fetch('http://elsewhere.test/' + t.mark, { client }), new Promise((y) => setTimeout(y, 300))]);",
  ],
  [
    "net.event_source",
    ARRIVES,
    "const s = new EventSource(t.http + '/' + t.mark); await new Promise((y, n) => { s.onopen = y; s.onerror = () => n(new Error('event source failed')); }); s.close();",
  ],
  [
    "net.websocket",
    ARRIVES,
    "const s = new WebSocket(t.http.replace('http', 'ws') + '/' + t.mark); await new Promise((y, n) => { s.onopen = y; s.onerror = (e) => n(e.error ?? new Error(e.message)); });",
  ],
  [
    "net.websocket_stream",
    ARRIVES,
    "const { WebSocketStream } = globalThis; await new WebSocketStream(t.http.replace('http', 'ws') + '/' + t.mark).opened;",
    { control: { plain: ["--unstable-net"] } },
  ],
  [
    "net.dns",
    ARRIVES,
    "await Promise.race([Deno.resolveDns(t.mark + '.test', 'A', { nameServer: { ipAddr: '127.0.0.1', port: t.udp } }), new Promise((y) => setTimeout(y, 300))]);",
  ],
  [
    "net.node_dns_lookup",
    matches(/127\.0\.0\.1|::1/),
    "return (await (await import('node:dns/promises')).lookup('localhost')).address;",
  ],
  [
    "net.node_dns_resolver",
    ARRIVES,
    "const { Resolver } = await import('node:dns'); const r = new Resolver({ timeout: 200, tries: 1 }); r.setServers(['127.0.0.1:' + t.udp]); await new Promise((y, n) => { r.resolve4(t.mark + '.test', (e) => e && !/TIMEOUT|CANCEL|REFUSED|BADRESP/.test(e.code) ? n(e) : y()); setTimeout(y, 300); });",
    { control: { never: "the runtime asks no servers but those of the system" } },
  ],
  [
    "net.unix",
    ARRIVES,
    "const c = await Deno.connect({ transport: 'unix', path: t.unix }); await c.write(new TextEncoder().encode(t.mark)); c.closeWrite();",
  ],
  [
    "net.node_unix",
    ARRIVES,
    "const { connect } = await import('node:net'); await new Promise((y, n) => { const s = connect(t.unix, () => s.end(t.mark, y)); s.on('error', n); });",
  ],
  [
    "net.node_net",
    ARRIVES,
    "const { connect } = await import('node:net'); await new Promise((y, n) => { const s = connect(t.tcp, '127.0.0.1', () => s.end(t.mark, y)); s.on('error', n); });",
  ],
  [
    "net.node_net_listen",
    matches(/^\d+$/),
    "const { createServer } = await import('node:net'); return await new Promise((y, n) => { const s = createServer().on('error', n).listen(0, '127.0.0.1', () => { y(String(s.address().port)); s.close(); }); });",
  ],
  [
    "net.node_tls",
    ARRIVES,
    "const { connect } = await import('node:tls'); await new Promise((y, n) => { const s = connect({ host: '127.0.0.1', port: t.tcp, ALPNProtocols: [t.mark] }); s.on('error', n); setTimeout(y, 300); });",
  ],
  [
    "net.node_http",
    ARRIVES,
    "const { get } = await import('node:http'); await new Promise((y, n) => get(t.http + '/' + t.mark, y).on('error', n));",
  ],
  [
    "net.node_https",
    ARRIVES,
    "const { request } = await import('node:https'); const { Agent } = await import('node:https'); await new Promise((y, n) => { request({ host: '127.0.0.1', port: t.tcp, ALPNProtocols: [t.mark], agent: new Agent({ ALPNProtocols: [t.mark] }) }).on('error', (e) => /NotCapable|denied|Requires/.test(String(e)) ? n(e) : y()).end(); setTimeout(y, 400); });",
  ],
  [
    "net.node_http2",
    ARRIVES,
    "const { connect } = await import('node:http2'); await new Promise((y, n) => { const c = connect(t.http2); c.on('error', n); c.on('connect', () => { const r = c.request({ ':path': '/' + t.mark }); const done = () => { c.destroy(); y(); }; r.on('response', done).on('error', done).end(); setTimeout(done, 2000); }); });",
  ],
  [
    "net.node_dgram",
    ARRIVES,
    "const { createSocket } = await import('node:dgram'); await new Promise((y, n) => { const s = createSocket('udp4'); s.on('error', n); s.send(t.mark, t.udp, '127.0.0.1', (e) => { s.close(); e ? n(e) : y(); }); setTimeout(y, 300); });",
  ],
  [
    "net.quic",
    KNOCKS,
    "await Promise.race([Deno.connectQuic({ hostname: '127.0.0.1', port: t.knock, alpnProtocols: ['h3'] }), new Promise((y) => setTimeout(y, 300))]);",
  ],
  [
    "net.quic_endpoint",
    matches(/^\d+$/),
    "const e = new Deno.QuicEndpoint({ hostname: '127.0.0.1', port: 0 }); const { port } = e.addr; e.close(); return String(port);",
  ],
  [
    "net.web_transport",
    KNOCKS,
    "const w = new WebTransport('https://127.0.0.1:' + t.knock); w.closed.catch(() => {}); await Promise.race([w.ready, new Promise((y) => setTimeout(y, 300))]);",
  ],
  [
    "net.wasm_streaming",
    ARRIVES,
    "await WebAssembly.instantiateStreaming(fetch(t.http + '/' + t.mark)).catch((e) => { if (!(e instanceof WebAssembly.CompileError) && !(e instanceof TypeError)) throw e; });",
  ],
  [
    "net.telemetry",
    ARRIVES,
    "await Deno.telemetry.tracerProvider.getTracer(t.mark).startSpan(t.mark).end(); await new Promise((y) => setTimeout(y, 100));",
    { control: { never: "spans leave the process only when it was started with OTEL_DENO" } },
  ],
]);

/** Code from elsewhere. */
export const REMOTE: readonly Attempt[] = attempts([
  ["remote.http", ARRIVES, "await import(t.http + '/' + t.mark + '.ts');"],
  [
    "remote.http_static_in_data",
    ARRIVES,
    "await import('data:text/javascript,' + encodeURIComponent('import ' + JSON.stringify(t.http + '/' + t.mark + '.ts')));",
  ],
  [
    "remote.http_static_in_blob",
    ARRIVES,
    "await import(URL.createObjectURL(new Blob(['import ' + JSON.stringify(t.http + '/' + t.mark + '.ts')], { type: 'text/javascript' })));",
  ],
  [
    "remote.http_worker",
    ARRIVES,
    "const w = new Worker(t.http + '/' + t.mark + '.ts', { type: 'module' }); await new Promise((y) => { w.onerror = (e) => { e.preventDefault(); y(); }; setTimeout(y, 2000); });",
  ],
  ["remote.static", tells("server"), "return String(answer);", {
    imports: 'import answer from "$HTTP/answer.ts";',
    alone: true,
  }],
  ["remote.npm", ARRIVES, "await import('npm:@ground/' + t.mark + '@1.0.0');"],
  [
    "remote.npm_in_data_url",
    ARRIVES,
    "await import('data:text/javascript,' + encodeURIComponent('import ' + JSON.stringify('npm:@ground/' + t.mark + '@1.0.0')));",
  ],
  ["remote.npm_at_hand", matches(/^function$/), "return typeof (await import('npm:commander@15.1.0')).Command;", {
    allowed: ["strict", "standard"],
  }],
  ["remote.npm_native", matches(/^function$/), "return typeof (await import('npm:node-av@6.1.1/lib')).FormatContext;"],
  ["remote.jsr", ARRIVES, "await import('jsr:@ground/' + t.mark + '@1');"],
  [
    "remote.require_package",
    matches(/^function$/),
    "return typeof (await import('node:module')).createRequire(t.packages)('commander').Command;",
  ],
  [
    "remote.source_map",
    FORGES,
    "await import('data:text/javascript,throw new Error(1)//%23 sourceMappingURL=' + t.http + '/' + t.mark);",
    { control: { never: "the runtime fetches no source maps" } },
  ],
]);
