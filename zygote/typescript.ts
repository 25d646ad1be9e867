/**
 * Takes the types out of TypeScript and puts blanks in their place, so that positions stay. Node does it since 22.13;
 * for older ones the package amaro, which is what Node has inside, must be installed.
 *
 * It is SWC as WebAssembly, 3 MB of it. The first use takes 35 to 40 ms and 20 to 30 MB in a child; prepareTypeScript()
 * in the zygote makes that 0.1 ms, of memory that the children share.
 */
import Module from 'node:module';
import { NodespawnerError } from '../protocol/errors.js';
import { type Problem, problemOf } from './syntax-error.js';
import { withoutExperimentalWarnings } from './warnings.js';

type Strip = (code: string) => string;

interface Amaro {
  readonly transformSync: (code: string, options: { mode: 'strip-only' }) => { code: string };
}

/** What amaro throws. */
interface AmaroError {
  readonly code: 'InvalidSyntax' | 'UnsupportedSyntax';
  readonly message: string;
  readonly startLine: number;
  readonly startColumn: number;
}

const AMARO_CODES = {
  InvalidSyntax: 'ERR_INVALID_TYPESCRIPT_SYNTAX',
  UnsupportedSyntax: 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
};

// A user's code may replace it.
const { stripTypeScriptTypes } = Module as { stripTypeScriptTypes?: Strip };
let amaro: Strip | undefined;

const requireOptional = require as (id: string) => unknown;

export function canStripTypes(): boolean {
  try {
    stripper();
    return true;
  } catch {
    return false;
  }
}

function stripper(): Strip {
  return stripTypeScriptTypes ?? (amaro ??= loadAmaro());
}

/** Loads and warms up what takes the types out. In the zygote. @throws ERR_TYPESCRIPT_UNAVAILABLE */
export function prepareTypeScript(): void {
  stripTypes('const answer: number = 42;');
}

/** @throws ERR_TYPESCRIPT_UNAVAILABLE, or a {@link TypeScriptProblem} */
export function stripTypes(code: string): string {
  const strip = stripper();
  try {
    return withoutExperimentalWarnings(() => strip(code));
  } catch (error) {
    throw new TypeScriptProblem(toProblem(error));
  }
}

export class TypeScriptProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

function toProblem(error: unknown): Problem {
  if (error instanceof Error) return problemOf(error);
  const { code, message, startLine, startColumn } = error as AmaroError;
  return { message, code: AMARO_CODES[code], line: startLine, column: startColumn + 1 };
}

function loadAmaro(): Strip {
  try {
    const { transformSync } = requireOptional('amaro') as Amaro;
    return (code) => transformSync(code, { mode: 'strip-only' }).code;
  } catch (cause) {
    throw new NodespawnerError(
      'ERR_TYPESCRIPT_UNAVAILABLE',
      `Node ${process.version} doesn't strip types: use Node 22.13 or later, or install the package amaro (1.2 or ` +
        'later) and start the zygote with the option typescript',
      { cause },
    );
  }
}
