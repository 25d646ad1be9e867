/** The messages of protocol.thrift: all that the rest of the package uses of this directory, with value.ts. */
export {
  type Adapter,
  decodeJob,
  encodeJob,
  encodeParams,
  type FileRange,
  type InputTable,
  type Job,
  type JobFds,
  type JobLimits,
  type PreloadedTask,
  type SourceKind,
  type SourceTask,
} from './job.js';
export {
  type BadReturn,
  decodeResult,
  decodeResultInSteps,
  encodeResult,
  type ErrorText,
  type Outcome,
  type OutputTable,
  type Returned,
  type Threw,
  toBadReturn,
} from './result.js';
