/** What a worker says of itself over HTTP, to those who operate it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { RendererWorker } from './worker.js';

export interface StatusServerOptions {
  readonly port: number;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Answers `/metrics`. @default 404 */
  readonly metrics?: (request: IncomingMessage, response: ServerResponse) => void;
}

/**
 * `/healthz`: 200 while the process does what it is there for, draining included. `/readyz`: 200 while it takes steps. `/stats`: what it
 * has done, as JSON.
 */
export class StatusServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws what listen(2) fails with */
  static async start(
    worker: RendererWorker,
    { port, host = '127.0.0.1', metrics }: StatusServerOptions,
  ): Promise<StatusServer> {
    const server = createServer((request, response) => {
      const [path] = (request.url ?? '').split('?');
      if (request.method !== 'GET' && request.method !== 'HEAD') answer(response, 405, 'GET only');
      else if (path === '/healthz') answer(response, 200, 'ok');
      else if (path === '/readyz')
        answer(response, worker.isReady ? 200 : 503, worker.isReady ? 'ok' : 'not ready');
      else if (path === '/stats') answer(response, 200, JSON.stringify(worker.stats), 'application/json');
      else if (path === '/metrics' && metrics !== undefined) metrics(request, response);
      else answer(response, 404, 'there are /healthz, /readyz, /stats and /metrics');
    });
    server.listen(port, host);
    await once(server, 'listening');
    // It is no reason to go on.
    server.unref();
    return new StatusServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function answer(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type }).end(`${body}\n`);
}
