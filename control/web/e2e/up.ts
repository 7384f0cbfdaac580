/** A `freshet up` of a journey's own, with nothing in its data directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export class Up {
  private constructor(
    readonly url: string,
    readonly process: ChildProcess,
    readonly data: string,
  ) {}

  /** Starts the program of FRESHET, as deploy/ci/e2e.sh sets it. */
  static async start(): Promise<Up> {
    const program = process.env['FRESHET'];
    if (program === undefined) throw new Error('FRESHET is not set: which program is to be started?');
    const data = await mkdtemp(join(tmpdir(), 'freshet-e2e-'));
    const started = spawn(program, ['up', '--http', '127.0.0.1:0', '--data', data, '--output', 'json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface(started.stdout).once('line', resolve);
      started.once('exit', code => {
        reject(new Error(`freshet up ended with ${code ?? 'a signal'}`));
      });
    });
    return new Up((JSON.parse(line) as { web: string }).web, started, data);
  }

  async stop(): Promise<void> {
    const gone = new Promise(resolve => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await gone;
    await rm(this.data, { recursive: true, force: true });
  }
}
