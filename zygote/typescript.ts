/**
 * Takes the types out of TypeScript and puts blanks in their place, so that positions stay. Node does it since 22.13;
 * for older ones the package amaro, which is what Node has inside, must be installed.
 *
 * It is SWC as WebAssembly, 3 MB of it. Where it was prepared in the zygote, which takes that 70 ms and 12 MB that all
 * children share, a small module in TypeScript starts 1.3 ms later than one in JavaScript; where not, 60 ms or more.
 */
import Module from 'node:module';
import { NodespawnerError } from '../protocol/errors.js';
import { type Problem, problemOf } from './syntax-error.js';
import { SAMPLE } from './typescript-sample.js';
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

/** Children can't load the package: they have no files of the host's. */
export function isPackageNeededAndThere(): boolean {
  return stripTypeScriptTypes === undefined && canStripTypes();
}

function stripper(): Strip {
  return stripTypeScriptTypes ?? (amaro ??= loadAmaro());
}

/** Loads and warms up what takes the types out. In the zygote. @throws ERR_TYPESCRIPT_UNAVAILABLE */
export function prepareTypeScript(): void {
  // The last two are wrong, so that reporting is prepared too.
  for (const code of [SAMPLE, 'let a: = 1;', 'enum A {}']) {
    try {
      stripTypes(code);
    } catch (error) {
      if (!(error instanceof TypeScriptProblem)) throw error;
    }
  }
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
      `Node ${process.version} doesn't strip types: use Node 22.13 or later, or install the package amaro (1.2 ` +
        'or later) and leave the option typescript on',
      { cause },
    );
  }
}
