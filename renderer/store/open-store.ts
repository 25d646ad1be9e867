/** Stores by their URLs, as the command line has them. */
import { fileURLToPath } from 'node:url';
import { fail } from '../../lib/reader.js';
import { folderStore } from './folder-store.js';
import { s3Store } from './s3-store.js';
import type { ObjectStore } from './types.js';

const EXPECTED =
  'file:///folder or s3://bucket/prefix, with ?endpoint=, &region= and &pathStyle= where needed, and without credentials';

const PARAMETERS = ['endpoint', 'region', 'pathStyle'];

/**
 * The store of a URL: `file:///folder`, or `s3://bucket/prefix?endpoint=https://…&region=…&pathStyle=true`. Credentials are what
 * the SDK finds: environment, files, the roles of containers and machines.
 *
 * @throws {InvalidOptionError} `ERR_INVALID_OPTION`
 */
export function openStore(url: string): ObjectStore {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : fail('store', EXPECTED, url);
  const { protocol, username, password, hostname, pathname, searchParams, hash } = parsed;
  // SECURITY: other processes see the command line; the URL is not repeated, either.
  if (username !== '' || password !== '') fail('store', 'a URL without credentials', 'one with them');
  if (protocol === 'file:' && hostname === '' && searchParams.size === 0 && hash === '')
    return folderStore({ dir: fileURLToPath(parsed) });
  if (protocol !== 's3:' || hash !== '') fail('store', EXPECTED, `${protocol}//${hostname}${pathname}`);
  for (const name of searchParams.keys())
    if (!PARAMETERS.includes(name)) fail('store', EXPECTED, `one with ?${name}=`);
  const get = (name: string): string | undefined => searchParams.get(name) ?? undefined;
  const pathStyle = get('pathStyle');
  if (pathStyle !== undefined && pathStyle !== 'true' && pathStyle !== 'false')
    fail('store.pathStyle', 'true or false', pathStyle);
  const prefix = pathname.replace(/^\/|\/$/g, '');
  const endpoint = get('endpoint');
  const region = get('region');
  return s3Store({
    bucket: hostname,
    ...(prefix !== '' && { prefix }),
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(pathStyle !== undefined && { pathStyle: pathStyle === 'true' }),
  });
}
