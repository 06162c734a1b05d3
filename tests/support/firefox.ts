import puppeteer, { type Browser, type Page } from "puppeteer-core";

/** Debian's Firefox. */
export const FIREFOX = "/usr/bin/firefox-esr";

/** Preferences of a headless Firefox that plays at once, talks over loopback and has a made-up camera without a question. */
export const FIREFOX_PREFERENCES: Readonly<Record<string, boolean | number | string>> = {
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.autoplay.default": 0,
  "media.gmp-manager.updateEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
};

/** How long a browser may take to close by itself, in milliseconds. */
const CLOSE_MS = 5000;

/** A page of a fresh headless Firefox, closed with it. */
export interface FirefoxPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors that the page threw. */
  readonly errors: readonly string[];
}

/**
 * Opens a page in a Firefox of its own, over WebDriver BiDi. However the test ends, the process is gone with the page.
 *
 * @param options.preferences more of them, or others in the place of {@link FIREFOX_PREFERENCES}
 * @param options.executablePath what to start in the place of Debian's Firefox
 */
export async function openFirefoxPage(
  url: string,
  { preferences = {}, executablePath = FIREFOX }: {
    preferences?: Readonly<Record<string, boolean | number | string>>;
    executablePath?: string;
  } = {},
): Promise<FirefoxPage> {
  await using stack = new AsyncDisposableStack();
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    extraPrefsFirefox: { ...FIREFOX_PREFERENCES, ...preferences },
  });
  stack.defer(() => closeForSure(browser));
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => void errors.push(error instanceof Error ? error.message : String(error)));
  await page.goto(url);
  const owned = stack.move();
  return { page, errors, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Closes a browser; one that does not end by itself is killed. */
async function closeForSure(browser: Browser): Promise<void> {
  const child = browser.process();
  const gone = new Promise<void>((resolve) => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
  const timer = setTimeout(() => child?.kill("SIGKILL"), CLOSE_MS);
  try {
    await browser.close();
    await gone;
  } finally {
    clearTimeout(timer);
  }
}
