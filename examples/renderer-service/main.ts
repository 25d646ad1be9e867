/**
 * A page with an editor and, beside it, what its code makes of a table, rendered anew as one types.
 *
 *   npm run example        then open http://127.0.0.1:3000
 *   PORT=8080 HOST=0.0.0.0 npm run example
 */
import { FLIGHTS } from '../../demo/flights.js';
import { Renderer } from '../../renderer/index.js';
import { makeService, RENDERER_OPTIONS } from './service.js';

const renderer = await Renderer.start(RENDERER_OPTIONS);
const service = await makeService(renderer, FLIGHTS);
// The service first: requests that are under way get their answer from the Renderer.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void service.close().then(() => renderer.close());
  });
}
const { HOST: host = '127.0.0.1', PORT: port = '3000' } = process.env;
console.log(`nodespawner example: ${await service.listen({ host, port: Number(port) })}`);
