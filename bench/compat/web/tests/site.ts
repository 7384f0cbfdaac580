import { test as base, type Browser, type Page } from "@playwright/test";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";

const types: Record<string, string> = { "/index.html": "text/html", "/clients.js": "text/javascript" };

/** The built page on a free port of loopback: another web origin than any node, so that CORS is in force. */
export const test = base.extend<{ site: string }>({
  site: async ({}, use) => {
    const server = createServer(async (req, res) => {
      const path = req.url === "/" ? "/index.html" : (req.url ?? "");
      const type = types[path];
      if (!type) {
        res.writeHead(404).end();
        return;
      }
      res.writeHead(200, { "content-type": type }).end(await readFile(new URL(`../dist${path}`, import.meta.url)));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  },
});

/** A page in a context of its own, and the errors nobody in it has caught. */
export async function open(browser: Browser, site: string, permissions: string[] = []): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext({ permissions });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (e) => errors.push(e.message));
  page.on("console", (m) => {
    if (m.type() === "error") errors.push(m.text());
  });
  await page.goto(site);
  await page.waitForFunction(() => "compat" in window);
  return { page, errors };
}
