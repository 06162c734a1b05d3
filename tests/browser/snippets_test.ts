import assert from "node:assert/strict";
import { eventuallyInPage, openPage } from "../support/browser.ts";
import { examplePipeline, startTestServer } from "../support/test_server.ts";

const VIDEO = '<video id="video" autoplay muted playsinline></video>';

/** A code block of a language in a page of the documentation, the first one if nothing else is said. */
async function snippet(path: string, language: string, place = 0): Promise<string> {
  const text = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  const block = [...text.matchAll(new RegExp("```" + language + "\\n([\\s\\S]*?)```", "g"))][place]?.[1];
  assert.ok(block !== undefined, `${path} has a ${language} block`);
  return block;
}

Deno.test("the minimal client of docs/api.md connects and plays as it stands", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openPage(`${server.url}/v1/service/health`);
  const { page, errors } = browser;
  const code = (await snippet("docs/api.md", "js")).replaceAll("http://localhost:8088", server.url);
  await page.setContent(VIDEO);
  await page.evaluate(`(async () => { ${code} })()`);
  await eventuallyInPage("the video plays", async () => {
    return await page.evaluate<number>("document.querySelector('#video').currentTime") > 0.5;
  });
  assert.deepEqual(errors, []);
});

Deno.test("the page of the README plays as it stands, from another origin", async () => {
  await using server = await startTestServer(examplePipeline("video_replay"));
  await using other = await startTestServer(examplePipeline("video_replay"));
  await using browser = await openPage(`${other.url}/v1/service/health`);
  const { page, errors } = browser;
  await page.setContent((await snippet("README.md", "html")).replaceAll("http://localhost:8088", server.url));
  await eventuallyInPage("the video plays", async () => {
    return await page.evaluate<number>("document.querySelector('#video').currentTime") > 0.5;
  });
  assert.equal(server.server.registry.size, 1);
  assert.deepEqual(errors, []);
});

Deno.test("the two-way client of docs/api.md sends its camera and shows what comes back, as it stands", async () => {
  await using server = await startTestServer(examplePipeline("camera_effects"));
  await using browser = await openPage(`${server.url}/v1/service/health`, { camera: true });
  const { page, errors } = browser;
  const code = (await snippet("docs/api.md", "js", 1)).replaceAll("http://localhost:8088", server.url);
  await page.setContent(VIDEO);
  await page.evaluate(`(async () => { ${code} })()`);
  await eventuallyInPage("the video plays", async () => {
    return await page.evaluate<number>("document.querySelector('#video').currentTime") > 1;
  });
  const metadata = await (await server.fetch("/v1/service/metadata")).json();
  assert.equal(metadata.webrtc_bidirectional_sessions, 1);
  assert.deepEqual(errors, []);
});
