/** Checks a value against a schema that the caller brings, of whichever library: zod, valibot, arktype and others. */
import { InvalidOptionError, NodespawnerError } from './errors.js';

/** What the libraries have in common. @see https://standardschema.dev */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A value is not what the schema says: `ERR_SCHEMA_MISMATCH`. */
export class SchemaMismatchError extends NodespawnerError {
  declare readonly code: 'ERR_SCHEMA_MISMATCH';
  /** What the schema's library found. */
  readonly issues: readonly SchemaIssue[];

  constructor(issues: readonly SchemaIssue[]) {
    const [first, ...more] = issues;
    const rest = more.length > 0 ? `, and ${more.length} more` : '';
    super(
      'ERR_SCHEMA_MISMATCH',
      `the value doesn't match its schema: ${first ? describe(first) : 'no reason given'}${rest}`,
    );
    this.issues = issues;
  }
}

/**
 * @returns what the schema makes of the value, which may have defaults filled in, or be of other types
 * @throws {SchemaMismatchError}
 * @throws {InvalidOptionError} if the schema is none
 */
export async function validateWithSchema<Output>(
  schema: StandardSchema<Output>,
  value: unknown,
): Promise<Output> {
  if (!isStandardSchema(schema)) {
    throw new InvalidOptionError('schema', 'a schema with the Standard Schema interface, version 1', schema);
  }
  const result = await schema['~standard'].validate(value);
  if (result.issues) {
    throw new SchemaMismatchError(result.issues);
  }
  return result.value;
}

/** Some libraries' schemas are functions. */
export function isStandardSchema(schema: unknown): schema is StandardSchema {
  const standard = (schema as Partial<StandardSchema> | null | undefined)?.['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

function describe({ message, path = [] }: SchemaIssue): string {
  const keys = path.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return keys.length > 0 ? `${message} (at ${keys.join('.')})` : message;
}
