/** Answers as a control node writes them. */
import { type IncomingMessage, type ServerResponse } from 'node:http';

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

export function problem(
  response: ServerResponse,
  status: number,
  kind: string,
  title: string,
  headers = {},
  more = {},
): void {
  response
    .writeHead(status, { 'Content-Type': 'application/problem+json', ...headers })
    .end(JSON.stringify({ type: `/problems/${kind}`, title, status, ...more }));
}

export async function text(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
