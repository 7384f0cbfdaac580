/** A cluster of a journey's own: each node a process, which joins by a token, so that one can die by itself. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const anywhere = '127.0.0.1:0';

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

  /** Begins a cluster with the program of FRESHET, and starts its control node, control-1, with more arguments. */
  static async start(...more: string[]): Promise<Cluster> {
    const program = process.env['FRESHET'];
    if (program === undefined) throw new Error('FRESHET is not set: which program is to be started?');
    const cluster = new Cluster(program, await mkdtemp(join(tmpdir(), 'freshet-cluster-')));
    try {
      const data = cluster.#data('control-1');
      await run(program, ['cluster', 'init', '--data', data, '--region', 'yul']);
      const web = await freeAddress();
      cluster.#agents = await freeAddress();
      cluster.url = `http://${web}`;
      const own = ['--data', data, '--http', web, '--agents', cluster.#agents, '--gossip', anywhere];
      await cluster.#serve('control-1', ['control', ...own, ...more]);
    } catch (thrown) {
      await cluster.stop();
      throw thrown;
    }
    return cluster;
  }

  /** What `freshet cluster` prints. */
  async ask(...args: string[]): Promise<string> {
    const { stdout } = await run(this.program, ['cluster', ...args, '--data', this.#data('control-1')]);
    return stdout;
  }

  /** Lets a machine in, and returns once it serves. */
  async join(name: string, role: 'origin' | 'edge', region: string): Promise<void> {
    const token = (await this.ask('token', '--role', role, '--region', region)).trim();
    await this.#serve(name, [
      ...[role, '--join', this.#agents, '--token', token, '--node', name, '--data', this.#data(name)],
      ...['--http', await freeAddress(), '--relay', anywhere, '--media', anywhere, '--gossip', anywhere],
      ...(role === 'edge' ? ['--shards', '1'] : []),
    ]);
  }

  /** Publishes a small moving picture until the cluster stops: many watch it here. */
  async publish(stream: string, key: string): Promise<void> {
    const picture = join(this.dir, `${stream}.h264`);
    const source = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=30', '-t', '20'];
    const codec = ['-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'veryfast', '-b:v', '200k'];
    const groups = 'keyint=60:min-keyint=60:scenecut=0:bframes=0:repeat-headers=1';
    await run('ffmpeg', [
      ...['-loglevel', 'error', ...source, ...codec],
      ...['-f', 'h264', '-x264-params', groups, picture],
    ]);
    const to = ['--url', `${this.url}/whip/${stream}`, '--key', key];
    const args = ['publish', ...to, '--reconnect', '--loop', picture];
    this.#nodes.set('publisher', { args, process: spawn(this.program, args, { stdio: 'ignore' }) });
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

  #data(name: string): string {
    return join(this.dir, name);
  }

  /** Starts a node and waits until it serves. */
  async #serve(name: string, args: string[]): Promise<void> {
    const started = spawn(this.program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#nodes.set(name, { args, process: started });
    await new Promise<void>((resolve, reject) => {
      const said: string[] = [];
      createInterface(started.stderr).on('line', line => {
        if (said.length < 20) said.push(line);
        if (/"msg":"serving"|msg=serving/.test(line)) resolve();
      });
      started.once('exit', code => {
        reject(new Error(`${name} ended with ${code ?? 'a signal'}: ${said.join('\n')}`));
      });
    });
  }
}

/** Ends a process, whatever it does. */
async function end(running: ChildProcess): Promise<void> {
  if (running.exitCode !== null || running.signalCode !== null) return;
  const gone = once(running, 'exit');
  running.kill('SIGKILL');
  await gone;
}
