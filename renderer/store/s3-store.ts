/** A store in a bucket of S3, or of what speaks its protocol. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type * as S3 from '@aws-sdk/client-s3';
import { fail, Reader, text, type Check } from '../../lib/reader.js';
import { StoreError } from './errors.js';
import { unlessAborted } from './flights.js';
import { storeKey } from './key.js';
import type { ObjectStore, PutOptions, StoreCallOptions, StoredObject } from './types.js';

/** As the SDK has them. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3StoreOptions {
  readonly bucket: string;
  /** Before the names of all objects, with a `/` between. @default none */
  readonly prefix?: string;
  /** The URL of another service than Amazon's. @default none */
  readonly endpoint?: string;
  /** @default what the SDK finds in the environment and its files */
  readonly region?: string;
  /** Whether the bucket is named in the path, and not in the host. @default whether there is an endpoint */
  readonly pathStyle?: boolean;
  /**
   * Or a function that gives them whenever they are needed.
   *
   * @default what the SDK finds: environment, files, the roles of containers and machines
   */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>);
  /** For each request, until it is answered, with all that is tried again, in milliseconds. @default 60,000 */
  readonly timeoutMs?: number;
  /** How often a request is tried where that may help. @default 4 */
  readonly maxAttempts?: number;
}

const DEFAULT_REQUEST_TIMEOUT_MS = 60_000;
const DEFAULT_ATTEMPTS = 4;

const CONNECT_MS = 10_000;
/** A connection on which nothing moves for so long is given up. */
const IDLE_MS = 20_000;

/** Up to here it costs less to send it than to ask first. */
const ASK_FIRST_BYTES = 256 * 1024;

/** Larger ones are sent in parts, each of which can be tried again by itself. */
const MOST_AT_ONCE_BYTES = 16 * 1024 * 1024;
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 4;

const CLEANUP_MS = 10_000;

const DAMAGED_ON_THE_WAY = new Set(['BadDigest', 'XAmzContentChecksumMismatch', 'XAmzContentSHA256Mismatch']);

interface Client {
  readonly s3: typeof S3;
  readonly client: S3.S3Client;
}

type Request<T> = (client: Client, options: { readonly abortSignal: AbortSignal }) => Promise<T>;

type Checked = Required<Pick<S3StoreOptions, 'bucket' | 'timeoutMs' | 'maxAttempts'>> & S3StoreOptions;

const flag: Check<boolean | undefined> = (value, name) =>
  typeof value === 'boolean' ? value : fail(name, 'true or false', value);

const amount: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) > 0
    ? (value as number)
    : fail(name, 'a whole number above 0', value);

const name: Check<string> = (value, option) =>
  typeof value === 'string' && /^[a-z0-9][a-z0-9._-]{1,254}$/i.test(value)
    ? value
    : fail(option, 'the name of a bucket', value);

const url: Check<string | undefined> = (value, option) =>
  typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value)
    ? value
    : fail(option, 'a URL of http or https', value);

const secrets: Check<S3StoreOptions['credentials']> = (value, option) => {
  if (typeof value === 'function') return value as () => Promise<S3Credentials>;
  const given = value as Partial<S3Credentials> | null;
  return typeof given?.accessKeyId === 'string' && typeof given.secretAccessKey === 'string'
    ? (given as S3Credentials)
    : // SECURITY: what was given is not repeated.
      fail(option, 'an object with accessKeyId and secretAccessKey, or a function', typeof value);
};

/**
 * Needs the package `@aws-sdk/client-s3`, which is loaded with the first request. Nothing is ever removed: how
 * long objects are kept is for the lifecycle rules of the bucket.
 *
 * @throws {InvalidOptionError} `ERR_INVALID_OPTION`
 */
export function s3Store(options: S3StoreOptions): ObjectStore {
  const reader = new Reader(options, 'options');
  const endpoint = reader.get('endpoint', url, undefined);
  const checked = {
    bucket: reader.required('bucket', name),
    prefix: reader.get<string | undefined>('prefix', storeKey, undefined),
    endpoint,
    region: reader.get<string | undefined>('region', text, undefined),
    pathStyle: reader.get('pathStyle', flag, endpoint !== undefined),
    credentials: reader.get('credentials', secrets, undefined),
    timeoutMs: reader.get('timeoutMs', amount, DEFAULT_REQUEST_TIMEOUT_MS),
    maxAttempts: reader.get('maxAttempts', amount, DEFAULT_ATTEMPTS),
  };
  reader.end();
  return new S3Store(checked as Checked);
}

class S3Store implements ObjectStore {
  readonly name: string;
  readonly #options: Checked;
  readonly #prefix: string;
  readonly #cleanups = new Set<Promise<void>>();
  #client: Promise<Client> | undefined;

  constructor(options: Checked) {
    this.#options = options;
    this.#prefix = options.prefix === undefined ? '' : `${options.prefix}/`;
    this.name = `s3://${options.bucket}${options.prefix === undefined ? '' : `/${options.prefix}`}`;
  }

  async put(
    key: string,
    body: Uint8Array,
    { sha256, replace = false, signal }: PutOptions,
  ): Promise<boolean> {
    if (body.byteLength > ASK_FIRST_BYTES && !replace) {
      const size = await this.sizeOf(key, signal && { signal });
      if (size === body.byteLength) return false;
    }
    if (body.byteLength > MOST_AT_ONCE_BYTES) {
      await this.#putInParts(key, body, signal);
    } else {
      const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
      const at = this.#at(key);
      await this.#send(key, signal, ({ s3, client }, options) =>
        client.send(new s3.PutObjectCommand({ ...at, Body: body, ChecksumSHA256 }), options),
      );
    }
    return true;
  }

  async get(key: string, { signal }: StoreCallOptions = {}): Promise<StoredObject | undefined> {
    const at = this.#at(key);
    const found = await this.#find(key, signal, ({ s3, client }, options) =>
      client.send(new s3.GetObjectCommand(at), options),
    );
    if (found === undefined) return undefined;
    const body = found.Body as Readable;
    // It is read, or destroyed, by somebody who looks for errors; until then they are nobody's.
    body.on('error', () => undefined);
    const { ContentLength: byteLength } = found;
    if (byteLength === undefined) {
      body.destroy();
      throw new StoreError('ERR_STORE_UNAVAILABLE', this.name, key, 'an answer without a Content-Length');
    }
    return { byteLength, body };
  }

  async sizeOf(key: string, { signal }: StoreCallOptions = {}): Promise<number | undefined> {
    const at = this.#at(key);
    const found = await this.#find(key, signal, ({ s3, client }, options) =>
      client.send(new s3.HeadObjectCommand(at), options),
    );
    return found?.ContentLength;
  }

  async close(): Promise<void> {
    await Promise.all(this.#cleanups);
    const opened = await this.#client?.catch(() => undefined);
    opened?.client.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#options.bucket, Key: this.#prefix + storeKey(key, 'key') };
  }

  /** Readers see nothing of it until the last request, which the service carries out as a whole or not at all. */
  async #putInParts(key: string, body: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const at = this.#at(key);
    const { UploadId } = await this.#send(key, signal, ({ s3, client }, options) =>
      client.send(new s3.CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: 'SHA256' }), options),
    );
    const upload = { ...at, UploadId };
    const parts: S3.CompletedPart[] = [];
    const abort = new AbortController();
    const onAbort = (): void => {
      abort.abort(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    let next = 0;
    const sendParts = async (): Promise<void> => {
      while (next * PART_BYTES < body.byteLength) {
        const index = next++;
        const PartNumber = index + 1;
        const Body = body.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
        const ChecksumSHA256 = createHash('sha256').update(Body).digest('base64');
        const { ETag } = await this.#send(key, abort.signal, ({ s3, client }, options) =>
          client.send(new s3.UploadPartCommand({ ...upload, PartNumber, Body, ChecksumSHA256 }), options),
        );
        parts[index] = { PartNumber, ETag, ChecksumSHA256 };
      }
    };
    try {
      signal?.throwIfAborted();
      await Promise.all(Array.from({ length: PARTS_AT_ONCE }, sendParts));
      await this.#send(key, signal, ({ s3, client }, options) =>
        client.send(
          new s3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }),
          options,
        ),
      );
    } catch (error) {
      abort.abort(error);
      this.#cleanUp(({ s3, client }, options) =>
        client.send(new s3.AbortMultipartUploadCommand(upload), options),
      );
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Nobody waits for it; what it leaves is for the bucket's lifecycle rules. */
  #cleanUp(request: Request<unknown>): void {
    const cleanup = this.#open()
      .then((client) => request(client, { abortSignal: AbortSignal.timeout(CLEANUP_MS) }))
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#cleanups.delete(cleanup));
    this.#cleanups.add(cleanup);
  }

  /** Undefined for what isn't there. */
  async #find<T>(key: string, signal: AbortSignal | undefined, request: Request<T>): Promise<T | undefined> {
    try {
      return await this.#send(key, signal, request);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'ERR_STORE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async #send<T>(key: string, signal: AbortSignal | undefined, request: Request<T>): Promise<T> {
    signal?.throwIfAborted();
    const abort = new AbortController();
    const onAbort = (): void => {
      abort.abort(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const { timeoutMs, maxAttempts } = this.#options;
    const timer = setTimeout(() => {
      abort.abort(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      const client = await unlessAborted(this.#open(), abort.signal);
      for (let attempts = 1; ; attempts++) {
        try {
          // The SDK doesn't look at the signal while it waits to try again.
          return await unlessAborted(request(client, { abortSignal: abort.signal }), abort.signal);
        } catch (error) {
          if (attempts >= maxAttempts || !DAMAGED_ON_THE_WAY.has((error as Error).name)) throw error;
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#toStoreError(key, error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #toStoreError(key: string, error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    const { name: code, message, $metadata } = error as Error & Partial<S3.S3ServiceException>;
    const status = $metadata?.httpStatusCode;
    const detail = `${code}${message === '' ? '' : `: ${message}`}`;
    const of = (what: StoreError['code']): StoreError =>
      new StoreError(what, this.name, key, detail, { cause: error });
    if (code === 'NoSuchBucket' || code === 'CredentialsProviderError') return of('ERR_STORE_DENIED');
    if (DAMAGED_ON_THE_WAY.has(code)) return of('ERR_STORE_UNAVAILABLE');
    if (status === 404) return of(code === 'NoSuchUpload' ? 'ERR_STORE_UNAVAILABLE' : 'ERR_STORE_NOT_FOUND');
    const isRefused =
      status !== undefined && status >= 300 && status < 500 && status !== 408 && status !== 429;
    return of(isRefused ? 'ERR_STORE_DENIED' : 'ERR_STORE_UNAVAILABLE');
  }

  #open(): Promise<Client> {
    this.#client ??= this.#load();
    return this.#client;
  }

  async #load(): Promise<Client> {
    let s3;
    try {
      s3 = await import('@aws-sdk/client-s3');
    } catch (cause) {
      const detail =
        'it needs the package @aws-sdk/client-s3 beside nodespawner: npm install @aws-sdk/client-s3';
      throw new StoreError('ERR_STORE_DENIED', this.name, 'everything', detail, { cause });
    }
    const { endpoint, region, credentials, pathStyle, maxAttempts } = this.#options;
    const client = new s3.S3Client({
      ...(endpoint !== undefined && { endpoint }),
      ...(region !== undefined && { region }),
      ...(credentials !== undefined && { credentials }),
      ...(pathStyle !== undefined && { forcePathStyle: pathStyle }),
      maxAttempts,
      // What is sent has its SHA-256; what comes is checked by its reader.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: IDLE_MS },
    });
    return { s3, client };
  }
}
