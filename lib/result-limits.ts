/** How deep and how large in number a returned value may be. */
import { DEFAULT_MAX_DEPTH, DEFAULT_MAX_ELEMENTS } from '../protocol/limits.js';

export const RESULT_LIMITS = Object.freeze({
  maxDepth: DEFAULT_MAX_DEPTH,
  maxElements: DEFAULT_MAX_ELEMENTS,
});
