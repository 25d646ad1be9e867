import type { Command } from '../arguments.js';
import { LIMIT_OPTIONS, PRELOAD_OPTIONS, SANDBOX_OPTIONS } from '../zygote-options.js';

export const doctor: Command = {
  name: 'doctor',
  about: 'Say what this machine gives, whether steps can be confined on it, and what to change where not.',
  operands: '[OPTION...]',
  options: [...SANDBOX_OPTIONS, ...LIMIT_OPTIONS, ...PRELOAD_OPTIONS],
  run: async (given) => (await import('../doctor/doctor.js')).doctor(given),
};
