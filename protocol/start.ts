/** What host and zygote say to each other, as JSON, before the zygote is sealed. Both are trusted. */

/** From the host, first of all. */
export interface ZygoteConfig {
  readonly preload: readonly string[];
  /** The `file:` URL from which they are resolved. */
  readonly from: string;
  /** Those of node's options that the caller gave. */
  readonly execArgv: readonly string[];
  readonly cwd: string;
  /** Undefined: if this Node can't strip types and the package for it is there. */
  readonly typescript: boolean | undefined;
  readonly idleTimeoutMs: number;
  readonly sandbox: SandboxConfig;
}

/** `struct Sandbox` of native/sandbox.h. */
export interface SandboxConfig {
  readonly layers: number;
  /** Layers that children don't set up and still look for: for a test of what they then say. */
  readonly skipped: number;
  readonly limits: readonly (readonly [resource: number, soft: number, hard: number])[];
  readonly dataBytes: number;
  /** Of the file system /tmp of each child. */
  readonly tmp: { readonly bytes: number; readonly inodes: number };
  /** Whether children have a link that leads out of their network namespace. */
  readonly hasNetwork: boolean;
  /** Whether little is left to children of /proc. */
  readonly coversProc: boolean;
  /** The seccomp program, in base64. */
  readonly filter: string;
  /** Whether the filter lets no child start a process. */
  readonly singleProcess: boolean;
  /** Whether namespaces of children that are gone are for others: these can leave nothing there. */
  readonly reusesStubs: boolean;
  readonly filterProbe: number;
}

/** From a zygote that can't start. */
export interface ZygoteComplaint {
  readonly code: string;
  readonly message: string;
}
