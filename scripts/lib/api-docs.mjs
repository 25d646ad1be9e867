// Public types as Markdown, from their declarations and comments, so that what the documentation says of an option, its
// default included, is what the code says.
import fs from 'node:fs';
import { inspect } from 'node:util';
import ts from 'typescript';
import { fail, inRoot } from './project.mjs';

const sources = [
  'lib/types.ts',
  'lib/zygote.ts',
  'lib/shared-table.ts',
  'lib/errors.ts',
  'lib/layers.ts',
  'protocol/errors.ts',
  'protocol/value.ts',
  'renderer/types.ts',
  'renderer/renderer.ts',
  'renderer/errors.ts',
  'renderer/store/types.ts',
  'renderer/workers/types.ts',
].map((file) =>
  ts.createSourceFile(file, fs.readFileSync(inRoot(file), 'utf8'), ts.ScriptTarget.Latest, true),
);

/** @type {unknown} */
const ofLib = await import(inRoot('dist/lib/defaults.js'));
/** @type {unknown} */
const ofRenderer = await import(inRoot('dist/renderer/defaults.js'));
/** @type {unknown} */
const ofWorkers = await import(inRoot('dist/renderer/workers/defaults.js'));
/** The constants of lib/, renderer/ and renderer/workers/defaults.ts, by name. */
const defaults = {
  .../** @type {Record<string, unknown>} */ (ofLib),
  .../** @type {Record<string, unknown>} */ (ofRenderer),
  .../** @type {Record<string, unknown>} */ (ofWorkers),
};

const KIB = 1024;

/** `512 MiB` for a number of bytes; everything else as JavaScript would write it. */
function written(/** @type {string} */ name, /** @type {unknown} */ value) {
  if (typeof value !== 'number')
    return `\`${inspect(value).replaceAll(/\[ | \]/g, (bracket) => bracket.trim())}\``;
  if (!name.endsWith('_BYTES')) return value.toLocaleString('en');
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  while (value % KIB ** (unit + 1) === 0 && unit + 1 < units.length) unit++;
  return `${value / KIB ** unit} ${units[unit]}`;
}

/** A comment's text, a paragraph a line, with constants in the place of their names. */
function text(/** @type {string | ts.NodeArray<ts.JSDocComment> | undefined} */ comment) {
  return (ts.getTextOfJSDocComment(comment) ?? '')
    .replace(/\{@link (DEFAULT_\w+)\}/g, (_, /** @type {string} */ name) => {
      if (!(name in defaults)) fail(`${name} is not in defaults.ts`);
      return written(name, defaults[name]);
    })
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.trim().replace(/\s*\n(?!\s*- )\s*/g, ' '))
    .join('\n\n');
}

function commentOf(/** @type {ts.Node} */ node) {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return text(comments.at(-1)?.comment);
}

function tagsOf(/** @type {ts.Node} */ node, /** @type {string} */ name) {
  return ts.getJSDocTags(node).filter((tag) => tag.tagName.text === name);
}

/** Types as a reader sees them: that all is read-only goes without saying. */
function code(/** @type {string} */ type) {
  return `\`${type.replaceAll('readonly ', '').replace(/\s+/g, ' ').replace(/^\| /, '')}\``;
}

function member(/** @type {ts.TypeElement} */ node) {
  if (!ts.isPropertySignature(node) && !ts.isMethodSignature(node))
    return fail(`a member that can't be described: ${node.getText()}`);
  const [given] = tagsOf(node, 'default');
  const value = given && text(given.comment);
  const isCode =
    value !== undefined && /^('[^']*'|\[.*\]|\{.*\}|process\.\w+|true|false|Infinity)$/.test(value);
  const byDefault = value === undefined ? '' : `, default ${isCode ? `\`${value}\`` : value}`;
  const head = ts.isMethodSignature(node)
    ? code(node.getText().replace(/;$/, ''))
    : `\`${node.name.getText()}\`: ${code(node.type?.getText() ?? 'unknown')}`;
  const what = commentOf(node);
  return `- ${head}${byDefault}${what === '' ? '' : `. ${what}`}`;
}

function signature(/** @type {ts.MethodDeclaration | ts.GetAccessorDeclaration} */ node) {
  const name = node.name.getText();
  const type = node.type?.getText() ?? 'void';
  const className = /** @type {ts.ClassDeclaration} */ (node.parent).name?.text ?? '';
  const instance = className.charAt(0).toLowerCase() + className.slice(1);
  if (ts.isGetAccessor(node)) return `${instance}.${name}: ${type}`;
  const isStatic = node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword);
  const parameters = node.parameters.map((parameter) => parameter.getText()).join(', ');
  return `${isStatic ? className : instance}.${name}(${parameters}): ${type}`;
}

const TAGS = /** @type {const} */ ({ param: '', returns: 'Returns ', throws: 'Throws ' });

/** What is public of a class: its methods and getters, with all that their comments say. */
function methods(/** @type {ts.ClassDeclaration} */ node) {
  return node.members
    .filter((method) => ts.isMethodDeclaration(method) || ts.isGetAccessor(method))
    .filter((method) => ts.isIdentifier(method.name)) // not #private, and not [Symbol.asyncDispose]
    .map((method) => {
      const details = Object.entries(TAGS).flatMap(([name, title]) =>
        tagsOf(method, name).map((tag) => {
          const of = ts.isJSDocParameterTag(tag) ? `\`${tag.name.getText()}\`: ` : '';
          // TypeScript takes {Type} off the text of @throws.
          const type =
            ts.isJSDocThrowsTag(tag) && tag.typeExpression ? `\`${tag.typeExpression.type.getText()}\` ` : '';
          return `- ${title}${of}${type}${text(tag.comment).replace(/\{(\w+)\}/g, '`$1`')}`;
        }),
      );
      return [`#### \`${signature(method)}\``, commentOf(method), details.join('\n')]
        .filter((part) => part !== '')
        .join('\n\n');
    })
    .join('\n\n');
}

function fields(/** @type {ts.ClassDeclaration} */ node) {
  return node.members
    .filter((field) => ts.isPropertyDeclaration(field) && ts.isIdentifier(field.name))
    .filter((field) => commentOf(field) !== '')
    .map((field) => `- \`${field.name?.getText()}\`: ${commentOf(field)}`)
    .join('\n');
}

/** @returns {string[]} */
function paragraphs(/** @type {ts.Statement} */ node) {
  if (ts.isInterfaceDeclaration(node)) return [commentOf(node), node.members.map(member).join('\n')];
  if (ts.isClassDeclaration(node)) return [commentOf(node), fields(node), methods(node)];
  const declaration = node
    .getText()
    .replace(/^export /, '')
    .replaceAll('readonly ', '');
  // What is made of another declaration says nothing by itself; then the comment does.
  if (declaration.includes('typeof ')) return [commentOf(node)];
  return [commentOf(node), `\`\`\`ts\n${declaration}\n\`\`\``];
}

/** The interface, class or type of that name. @returns {string} */
export function describe(/** @type {string} */ name) {
  for (const node of sources.flatMap((source) => [...source.statements])) {
    if (!ts.isInterfaceDeclaration(node) && !ts.isClassDeclaration(node) && !ts.isTypeAliasDeclaration(node))
      continue;
    if (node.name?.text !== name) continue;
    return paragraphs(node)
      .filter((part) => part !== '')
      .join('\n\n');
  }
  return fail(`the documentation speaks of ${name}, which is not there`);
}
