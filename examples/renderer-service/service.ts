/** The HTTP service: a page, and `POST /render`, which answers with what became of a step. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Fastify, { type FastifyInstance } from 'fastify';
import { SharedTable } from '../../lib/index.js';
import type { Renderer, RendererOptions } from '../../renderer/index.js';
import { answerOf, type Answer } from './answer.js';
import { SAMPLES } from './samples.js';

/** What a keystroke may cost. */
export const RENDERER_OPTIONS: RendererOptions = {
  preload: ['apache-arrow'],
  limits: { timeoutMs: 2_000, memoryBytes: 256 * 2 ** 20, tasks: 32, maxTableBytes: 64 * 2 ** 20 },
};

const PAGE = fileURLToPath(new URL('page/', import.meta.url));

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/page.css': ['page.css', 'text/css; charset=utf-8'],
};

/** Whoever sends a second text before the first is rendered gets no answer to the first: it is canceled. */
interface RenderRequest {
  /** Made up by the page: each tab of a browser has its own. */
  readonly session: string;
  readonly code: string;
  readonly params: Record<string, unknown>;
}

const RENDER_REQUEST = {
  type: 'object',
  required: ['session', 'code', 'params'],
  additionalProperties: false,
  properties: {
    session: { type: 'string', minLength: 8, maxLength: 64 },
    code: { type: 'string', maxLength: 100_000 },
    params: { type: 'object' },
  },
};

/** @param flights the path of an Arrow file, which is in memory once, for all children */
export async function makeService(renderer: Renderer, flights: string): Promise<FastifyInstance> {
  const table = await SharedTable.from({ path: flights });
  const service = Fastify({ bodyLimit: 1024 * 1024 });
  service.addHook('onClose', (_, done) => {
    table.close();
    done();
  });
  // What the code of strangers prints is shown as text; should the page ever forget that, nothing runs.
  service.addHook('onSend', (_, reply, payload, done) => {
    reply.header('content-security-policy', "default-src 'self'");
    done(null, payload);
  });
  for (const [url, [file, type]] of Object.entries(FILES)) {
    service.get(url, async (_, reply) => reply.type(type).send(await readFile(path.join(PAGE, file))));
  }
  service.get('/samples', () => SAMPLES);
  service.post<{ Body: RenderRequest; Reply: Answer }>(
    '/render',
    { schema: { body: RENDER_REQUEST } },
    async (request) => {
      const { session, code, params } = request.body;
      const workflow = {
        id: session,
        tabs: [{ id: 'tab', from: 'flights', steps: [{ id: 'step', code, params }] }],
      };
      using report = await renderer.render(workflow, { inputs: { flights: table } });
      return await answerOf(report);
    },
  );
  return service;
}
