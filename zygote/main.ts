/**
 * The zygote:   node --expose-internals --experimental-vm-modules main.js ADDON_PATH
 *
 *  1. Takes the baseline: which threads and which code belong to the runtime itself.
 *  2. Puts stand-ins where preloaded modules would use up something that a fresh process has of its own.
 *  3. Reads its configuration from the control socket.
 *  4. Loads the caller's modules, and what the child needs, so that no child has to read a file.
 *  5. Waits until what they have begun is done, and takes the stand-ins away.
 *  6. Seals and serves: one native call, from which each child returns.
 *  7. While nobody wants a child, warms up and serves on: warm-up.ts. Then the zygote never returns from the call again.
 *  8. In the child: child.ts.
 *
 * If 3 to 6 fail, the reason goes to the host as JSON, and the zygote ends.
 */
import { addon } from './first.js';
import path from 'node:path';
import type { ZygoteComplaint, ZygoteConfig } from '../protocol/start.js';
import { type Life, live } from './child.js';
import { prepareFresh } from './fresh.js';
import { ModuleRegistry } from './modules.js';
import { preloadModules } from './preload.js';
import { untilQuiet } from './quiet.js';
import { sealRandom } from './random.js';
import { rehearsalOfChild, rehearsalOfScout } from './rehearsal.js';
import { isPackageNeededAndThere } from './typescript.js';
import { listenForEnd } from './uncaught.js';
import { prepareUserModules } from './user-module.js';
import { serveAndWarmUp } from './warm-up.js';

const CONTROL_FD = 3;
const STUB_FD = 4;
const RING_FD = 5;
const MAX_CONFIG_BYTES = 128 * 1024;
const MAX_COMPLAINT = 30_000;
/** How many stubs init makes ahead of demand. */
const SPARE_STUBS = 2;

function readConfig(): ZygoteConfig {
  const message = addon.receiveMessage(CONTROL_FD, MAX_CONFIG_BYTES);
  if (message === null) return addon.exitNow(1); // the host has thought better of it
  return JSON.parse(message.bytes.toString()) as ZygoteConfig;
}

function complain(error: unknown): never {
  const { code = 'ERR_START_FAILED', message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  // A system call's own code says less to a caller than that the start failed; its message has the rest.
  const stable = code.startsWith('ERR_') ? code : 'ERR_START_FAILED';
  const complaint: ZygoteComplaint = { code: stable, message: message.slice(0, MAX_COMPLAINT) };
  addon.sendMessage(CONTROL_FD, Buffer.from(JSON.stringify(complaint)), []);
  // To end with what the host has sent would be an error of the connection to it, before it reads.
  if (addon.hasMessage(CONTROL_FD)) addon.receiveMessage(CONTROL_FD, MAX_CONFIG_BYTES);
  return addon.exitNow(1);
}

/** Resolves in each clone, with what it is there for. */
async function start(): Promise<Life> {
  const config = readConfig();
  const requests = config.preload.map((specifier) => ({ specifier, parent: config.from }));
  const registry = new ModuleRegistry(await preloadModules(requests));
  await prepareUserModules({ typescript: config.typescript ?? isPackageNeededAndThere(), registry });
  // By the one clock that doesn't begin anew.
  const begun = process.hrtime.bigint();
  await untilQuiet(addon, config.idleTimeoutMs / 2);

  const packageRoot = path.resolve(__dirname, '..');
  prepareFresh({ ownDirectories: [packageRoot] });
  listenForEnd();
  const sandbox = { ...config.sandbox, filter: Buffer.from(config.sandbox.filter, 'base64') };
  sealRandom();

  const { cwd, execArgv } = config;
  const life = {
    addon,
    registry,
    environment: { ...process.env } as Record<string, string>,
    cwd,
    execArgv,
    rehearsal: rehearsalOfChild(registry),
    scoutRehearsal: rehearsalOfScout(registry),
  };
  const spentMs = Number(process.hrtime.bigint() - begun) / 1e6;
  const served = addon.sealAndServe({
    controlFd: CONTROL_FD,
    stubFd: STUB_FD,
    ringFd: RING_FD,
    spareStubs: SPARE_STUBS,
    idleTimeoutMs: Math.ceil(config.idleTimeoutMs - spentMs),
    sandbox,
  });
  const clone = await serveAndWarmUp({ addon, served, life });
  return { ...life, ...clone, title: 'node' };
}

// What goes wrong in a child is not the zygote's to complain of: it ends the child.
void start().then(live, complain);
