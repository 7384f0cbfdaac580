import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const page = (name: string) => resolve(import.meta.dirname, 'app', `${name}.html`);
// Where `npm run dev` sends calls that the pages make: a `freshet up` beside it.
const backend = process.env['FRESHET_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  root: 'app',
  publicDir: resolve(import.meta.dirname, 'app/public'),
  build: {
    outDir: resolve(import.meta.dirname, 'dist'),
    emptyOutDir: false, // .gitkeep stays; stale files are removed by the plugin below
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // from these on light-dark() is known
    assetsInlineLimit: 0, // the content security policy allows no data: script, style or font
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: page('index'),
        watch: page('watch'),
        embed: page('embed'),
        refused: page('refused'),
        live: page('live'),
        shell: page('shell'),
        docs: page('docs'),
        join: page('join'),
        check: page('check'),
        register: page('register'),
        pass: page('pass'),
        unsubscribe: page('unsubscribe'),
      },
    },
  },
  server: { proxy: { '/api': backend, '/whip': backend } },
  plugins: [react(), cleanDist(), devRoutes()],
});

/** Empties dist before a build, but for .gitkeep, which lets Go embed the folder when nothing is built. */
function cleanDist() {
  return {
    name: 'clean-dist',
    apply: 'build' as const,
    async buildStart() {
      const { readdir, rm } = await import('node:fs/promises');
      const dist = resolve(import.meta.dirname, 'dist');
      for (const name of await readdir(dist).catch(() => [])) {
        if (name !== '.gitkeep') await rm(resolve(dist, name), { recursive: true });
      }
    },
  };
}

/** Gives the development server the routes of the Go handler. */
function devRoutes() {
  const routes: [RegExp, string][] = [
    [/^\/e\/[^/]+\/?(\?|$)/, '/watch.html'],
    [/^\/e\/[^/]+\/register\/?(\?|$)/, '/register.html'],
    [/^\/t\/[^/]+\/?(\?|$)/, '/pass.html'],
    [/^\/unsubscribe\/[^/]+\/?(\?|$)/, '/unsubscribe.html'],
    [/^\/embed\/[^/]+\/?(\?|$)/, '/embed.html'],
    [/^\/live\/[^/]+\/?(\?|$)/, '/live.html'],
    [/^\/join\/?(\?|$)/, '/join.html'],
    [/^\/check\/?(\?|$)/, '/check.html'],
    [/^\/docs\/api\/?(\?|$)/, '/docs.html'],
    [
      /^\/(setup|login|signup|reset|invite|settings|calendar|events|orders|dev)(\/[^.]*)?(\?|$)/,
      '/shell.html',
    ],
  ];
  return {
    name: 'dev-routes',
    configureServer(server: import('vite').ViteDevServer) {
      server.middlewares.use((req, _res, next) => {
        for (const [path, file] of routes) if (path.test(req.url ?? '')) req.url = file;
        next();
      });
    },
  };
}
