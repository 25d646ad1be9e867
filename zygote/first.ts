/** What has to happen before any other module of ours, or of the caller's, is loaded. main.ts imports it first. */
import { loadAddon } from './addon.js';
import { beginPreload } from './fresh.js';
import { installPreloadRandom } from './random.js';

export const addon = loadAddon(process.argv[2] ?? '');
addon.takeBaseline();
installPreloadRandom();
beginPreload();
