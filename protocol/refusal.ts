/**
 * How the codec says where in a value something is wrong without keeping a path while all is well: what is thrown
 * inside collects one segment from each level that it passes through, and becomes a typed error at the top.
 */
import type { NodespawnerError } from './errors.js';

/** A property name, or an index. */
export type Segment = string | number;

export class Refusal extends Error {
  /** From the innermost to the outermost. */
  readonly #segments: Segment[] = [];
  readonly #build: (path: string) => NodespawnerError;

  constructor(build: (path: string) => NodespawnerError) {
    super();
    this.#build = build;
  }

  at(segment: Segment): this {
    this.#segments.push(segment);
    return this;
  }

  toError(root: string): NodespawnerError {
    return this.#build(formatPath(root, this.#segments.reverse()));
  }
}

/** A name in a path may come from a hostile child: it is cut here, and what is not an identifier is quoted. */
const MAX_NAME_LENGTH = 64;
/** What stands in the middle of a longer path is left out. */
const MAX_SEGMENTS = 20;

function formatPath(root: string, segments: Segment[]): string {
  if (segments.length > MAX_SEGMENTS) {
    const half = MAX_SEGMENTS / 2;
    return `${root}${segments.slice(0, half).map(formatSegment).join('')}…${segments.slice(-half).map(formatSegment).join('')}`;
  }
  return root + segments.map(formatSegment).join('');
}

function formatSegment(segment: Segment): string {
  if (typeof segment === 'number') {
    return `[${segment}]`;
  }
  if (segment.length > MAX_NAME_LENGTH) {
    return `[${JSON.stringify(segment.slice(0, MAX_NAME_LENGTH))}…]`;
  }
  return /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(segment)
    ? `.${segment}`
    : `[${JSON.stringify(segment)}]`;
}

/** Runs one call of the public API. @throws {NodespawnerError} whose stack starts at the caller's call */
export function withPaths<T>(root: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Refusal) {
      throw error.toError(root);
    }
    throw error;
  }
}
