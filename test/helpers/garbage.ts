import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects all garbage, as `--expose-gc` would let one do it. */
export const collectGarbage = runInNewContext('gc') as () => void;
