/** A cluster of a journey's own, each node a process, so that one can die by itself. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Node {
  args: string[];
  process: ChildProcess;
}

/** An address of this machine where nobody listens now. */
async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}

export class Cluster {
  readonly #nodes = new Map<string, Node>();
  #agents = '';
  /** Of control. */
  url = '';

  private constructor(
    private readonly program: string,
    private readonly dir: string,
  ) {}

  /** Starts control, an origin and edges of these names, all in one region, with stream `talk` on the air: small, since many watch it here. */
  static async start(edges: readonly string[]): Promise<Cluster> {
    const program = process.env['FRESHET'];
    if (program === undefined) throw new Error('FRESHET is not set: which program is to be started?');
    const cluster = new Cluster(program, await mkdtemp(join(tmpdir(), 'freshet-cluster-')));
    try {
      await cluster.#begin(edges);
    } catch (thrown) {
      await cluster.stop();
      throw thrown;
    }
    return cluster;
  }

  async #begin(edges: readonly string[]): Promise<void> {
    const data = join(this.dir, 'control-1');
    const key = 'e2e-talk-key';
    await run(this.program, ['cluster', 'init', '--data', data, '--region', 'yul']);
    this.#agents = await freeAddress();
    const web = await freeAddress();
    const gossip = await freeAddress();
    this.url = `http://${web}`;
    const control = ['--data', data, '--http', web, '--agents', this.#agents, '--gossip', gossip];
    await this.#serve('control-1', ['control', ...control, '--stream', `talk=${key}`]);
    for (const name of ['origin-1', ...edges]) await this.#join(name);
    const picture = join(this.dir, 'talk.h264');
    await run('ffmpeg', [
      ...[
        '-loglevel',
        'error',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=320x180:rate=30',
        '-t',
        '20',
        '-c:v',
        'libx264',
      ],
      ...['-profile:v', 'baseline', '-preset', 'veryfast', '-b:v', '200k', '-f', 'h264'],
      ...['-x264-params', 'keyint=60:min-keyint=60:scenecut=0:bframes=0:repeat-headers=1', picture],
    ]);
    const publish = [
      'publish',
      '--url',
      `${this.url}/whip/talk`,
      '--key',
      key,
      '--reconnect',
      '--loop',
      picture,
    ];
    this.#nodes.set('publisher', {
      args: publish,
      process: spawn(this.program, publish, { stdio: 'ignore' }),
    });
  }

  async #join(name: string): Promise<void> {
    const role = name.split('-')[0] ?? '';
    const data = join(this.dir, 'control-1');
    const { stdout } = await run(this.program, [
      ...['cluster', 'token', '--role', role, '--region', 'yul', '--data', data],
    ]);
    const token = stdout.trim().split(/\s+/).at(-1) ?? '';
    const own = ['--http', await freeAddress(), '--data', join(this.dir, name), '--node', name];
    const local = ['--relay', '127.0.0.1:0', '--media', '127.0.0.1:0', '--gossip', '127.0.0.1:0'];
    const args = [role, '--join', this.#agents, '--token', token, ...own, ...local];
    await this.#serve(name, role === 'edge' ? [...args, '--shards', '1'] : args);
  }

  /** Starts a node and waits until it serves. */
  async #serve(name: string, args: string[]): Promise<void> {
    const started = spawn(this.program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#nodes.set(name, { args, process: started });
    const lines = createInterface(started.stderr);
    await new Promise<void>((resolve, reject) => {
      let last = '';
      lines.on('line', line => {
        last = line;
        if (/"msg":"serving"|msg=serving/.test(line)) resolve();
      });
      started.once('exit', code => {
        reject(new Error(`${name} ended with ${code ?? 'a signal'}: ${last}`));
      });
    });
  }

  /** Has a node die: by kill the kernel answers for it, by freeze nobody does. */
  die(name: string, death: 'kill' | 'freeze'): void {
    this.#nodes.get(name)?.process.kill(death === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  }

  /** Has a node that died come back, and waits until it serves. */
  async back(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`no node ${name}`);
    await end(node.process);
    await this.#serve(name, node.args);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map(node => end(node.process)));
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Ends a process, whatever it does. */
async function end(running: ChildProcess): Promise<void> {
  if (running.exitCode !== null || running.signalCode !== null) return;
  const gone = once(running, 'exit');
  running.kill('SIGKILL');
  await gone;
}
