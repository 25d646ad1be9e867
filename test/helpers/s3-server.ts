/** A server that speaks S3, one for a test, and a proxy in front of it that makes faults. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Transform } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { freePort, ServerProcess } from './server-process.js';

const S3RVER = fileURLToPath(
  new URL('../../../test/servers/node_modules/s3rver/bin/s3rver.js', import.meta.url),
);

const BUCKET = 'tables';

/** What s3rver takes. */
const CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

/** What is done to a request, in place of or besides what it asks for. */
export type Fault =
  /** This status, and nothing is done. */
  | { readonly status: number }
  /** No answer: the connection ends. */
  | 'refuse'
  /** No answer, and the connection stays. */
  | 'hang'
  /** After so long, in milliseconds. */
  | { readonly delayMs: number }
  /** After so many bytes of the body, which way it goes, the connection ends. */
  | { readonly cutUploadAfter: number }
  | { readonly cutDownloadAfter: number }
  /** After so many bytes of the body nothing comes any more. */
  | { readonly stallDownloadAfter: number }
  /** One byte of the body is another, which way it goes. */
  | 'damageUpload'
  | 'damageDownload';

export interface SeenRequest {
  readonly method: string;
  /** Within the bucket, such as `/prefix/tables/….arrow`. */
  readonly key: string;
  readonly query: URLSearchParams;
}

export class S3Server {
  /** Of the server, without the proxy. */
  readonly direct: string;
  /** Of the proxy. */
  readonly endpoint: string;
  readonly bucket = BUCKET;
  readonly region = 'us-east-1';
  readonly credentials = CREDENTIALS;
  /** For the environment of a process that uses it. */
  readonly env = {
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
  /** Of each request that has come, in their order. */
  readonly seen: SeenRequest[] = [];
  uploadedBytes = 0;
  downloadedBytes = 0;
  /** Called for each request. */
  fault: (seen: SeenRequest) => Fault | undefined = () => undefined;
  readonly #proxy: Server;
  readonly #process: ServerProcess;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(process: ServerProcess, target: string, proxy: Server, endpoint: string) {
    this.#process = process;
    this.direct = target;
    this.#proxy = proxy;
    this.endpoint = endpoint;
    proxy.on('request', (incoming: IncomingMessage, answer: ServerResponse) => {
      this.#handle(incoming, answer);
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Of the store, as the command line takes it. */
  url(prefix = 'here'): string {
    return `s3://${BUCKET}/${prefix}?endpoint=${this.endpoint}&region=${this.region}`;
  }

  /** For s3Store(). */
  options(prefix = 'here') {
    const { bucket, region, endpoint, credentials } = this;
    return { bucket, prefix, region, endpoint, credentials };
  }

  async stop(): Promise<void> {
    this.#proxy.closeAllConnections();
    this.#proxy.close();
    this.#agent.destroy();
    await this.#process.stop('SIGKILL');
  }

  #handle(incoming: IncomingMessage, answer: ServerResponse): void {
    const { pathname, searchParams: query } = new URL(incoming.url ?? '', this.endpoint);
    const seen = { method: incoming.method ?? '', key: pathname.slice(BUCKET.length + 1), query };
    this.seen.push(seen);
    const fault = this.fault(seen);
    const cut = (): void => {
      incoming.socket.destroy();
    };
    for (const stream of [incoming, answer]) stream.on('error', cut);
    if (fault === 'hang') return;
    if (fault === 'refuse') {
      cut();
    } else if (typeof fault === 'object' && 'status' in fault) {
      incoming.resume().on('end', () => answer.writeHead(fault.status).end());
    } else if (typeof fault === 'object' && 'delayMs' in fault) {
      setTimeout(() => {
        this.#forward(incoming, answer, fault, cut);
      }, fault.delayMs).unref();
    } else {
      this.#forward(incoming, answer, fault, cut);
    }
  }

  #forward(
    incoming: IncomingMessage,
    answer: ServerResponse,
    fault: Fault | undefined,
    cut: () => void,
  ): void {
    const { headers } = incoming;
    const chunks: Buffer[] = [];
    const up = incoming.pipe(new Body(fault, 'Upload', cut));
    up.on('data', (chunk: Buffer) => chunks.push(chunk));
    up.on('end', () => {
      const body = Buffer.concat(chunks);
      this.uploadedBytes += body.byteLength;
      const expected = headers['x-amz-checksum-sha256'];
      // As S3 does, and s3rver doesn't: nothing is done of a request that isn't whole, or was damaged on the way.
      if (expected === undefined || expected === createHash('sha256').update(body).digest('base64')) {
        this.#send(incoming, answer, body, fault, cut);
      } else {
        answer.writeHead(400, { 'content-type': 'application/xml' });
        answer.end('<?xml version="1.0"?><Error><Code>BadDigest</Code><Message>damaged</Message></Error>');
      }
    });
  }

  #send(
    { method, url, headers }: IncomingMessage,
    answer: ServerResponse,
    body: Buffer,
    fault: Fault | undefined,
    cut: () => void,
  ): void {
    const onward = request(this.direct + (url ?? ''), { method, headers, agent: this.#agent });
    onward.on('error', cut);
    answer.on('close', () => onward.destroy());
    onward.end(body);
    onward.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers);
      const down = new Body(fault, 'Download', cut);
      down.on('data', (chunk: Buffer) => (this.downloadedBytes += chunk.byteLength));
      response.on('error', cut).pipe(down).on('error', cut).pipe(answer);
    });
  }
}

/** Bytes on their way, with a fault in them. */
class Body extends Transform {
  readonly #fault: Fault | undefined;
  readonly #way: 'Upload' | 'Download';
  readonly #cut: () => void;
  #passed = 0;

  constructor(fault: Fault | undefined, way: 'Upload' | 'Download', cut: () => void) {
    super();
    this.#fault = fault;
    this.#way = way;
    this.#cut = cut;
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk?: Buffer) => void): void {
    const fault = this.#fault;
    const isFirst = this.#passed === 0;
    const after =
      typeof fault === 'object' ? (Reflect.get(fault, `cut${this.#way}After`) as unknown) : undefined;
    const stall =
      typeof fault === 'object' ? (Reflect.get(fault, `stall${this.#way}After`) as unknown) : undefined;
    this.#passed += chunk.byteLength;
    if (typeof after === 'number' && this.#passed > after) {
      this.#cut();
    } else if (typeof stall === 'number' && this.#passed > stall) {
      // Nothing more is asked for.
    } else if (fault === `damage${this.#way}` && isFirst && chunk.byteLength > 0) {
      const damaged = Buffer.from(chunk);
      const middle = damaged.byteLength >> 1;
      damaged.writeUInt8(damaged.readUInt8(middle) ^ 1, middle);
      done(null, damaged);
    } else {
      done(null, chunk);
    }
  }
}

/** Ends with the test. */
export async function startS3(t: Pick<Test, 'teardown'>): Promise<S3Server> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'nodespawner-s3-'));
  const port = await freePort();
  const target = `http://127.0.0.1:${port}`;
  const argv = [
    process.execPath,
    S3RVER,
    '--directory',
    dir,
    '--address',
    '127.0.0.1',
    '--port',
    String(port),
  ];
  const server = new ServerProcess(
    [...argv, '--silent', '--no-vhost-buckets', '--configure-bucket', BUCKET],
    async () => (await fetch(`${target}/${BUCKET}`, { method: 'HEAD' })).ok,
  );
  t.teardown(async () => {
    await server.stop('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  await server.start();
  const proxy = createServer().listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  if (typeof address !== 'object' || address === null) throw new Error('a proxy without a port');
  const s3 = new S3Server(server, target, proxy, `http://127.0.0.1:${address.port}`);
  t.teardown(() => s3.stop());
  return s3;
}
