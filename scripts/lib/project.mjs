// What the scripts share: where things are, and running a program so that its failure ends the script.
// Only Node's built-ins here: setup.mjs runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fs from 'node:fs';
import path from 'node:path';

export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
export const inRoot = (/** @type {string[]} */ ...parts) => path.join(root, ...parts);

/** Reads a file of ours. @returns {unknown} */
export function readJson(/** @type {string} */ file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

/** Says what went wrong without a stack trace, and ends the script. @returns {never} */
export function fail(/** @type {string} */ message) {
  console.error(message);
  process.exit(1);
}

/**
 * Runs a program with the script's own stdio and ends the script where it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function run(command, args, { cwd = root, env = process.env } = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd, env, stdio: 'inherit' });
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) fail(`${[command, ...args].join(' ')}: ${signal ?? `exit code ${String(status)}`}`);
}

/** Runs a script of an installed package with this Node, as its entry in node_modules/.bin would. */
export function runBin(/** @type {string} */ script, /** @type {readonly string[]} */ args) {
  run(process.execPath, [inRoot('node_modules', script), ...args]);
}
