/** Node, the kernel and libc. */
import os from 'node:os';
import { info, missing, ok, weaker, type Check } from './check.js';
import { readWords, versionOf } from './read.js';

const LEAST_NODE = versionOf('20.19');
const LEAST_KERNEL = versionOf('5.10');
const LEAST_NETWORK_KERNEL = versionOf('5.12');
const LEAST_GLIBC = versionOf('2.34');

interface ReportHeader {
  readonly glibcVersionRuntime?: string;
}

function glibc(): Check {
  const { header } = process.report.getReport() as { readonly header: ReportHeader };
  const version = header.glibcVersionRuntime;
  if (version === undefined)
    return missing('libc', 'not glibc', 'use an image with glibc (Debian, Ubuntu, RHEL), not Alpine');
  return versionOf(version) >= LEAST_GLIBC
    ? ok('libc', `glibc ${version}`)
    : weaker(
        'libc',
        `glibc ${version}`,
        'the packed binary needs 2.34: build from source, or take Debian 12 or later',
      );
}

function kernel(): Check {
  const release = os.release();
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return missing('kernel', `${process.platform} on ${process.arch}`, 'Linux on x86-64 is needed');
  const version = versionOf(release);
  if (version < LEAST_KERNEL) return missing('kernel', `Linux ${release}`, 'Linux 5.10 or later is needed');
  return version < LEAST_NETWORK_KERNEL
    ? weaker('kernel', `Linux ${release}`, 'the profile network needs Linux 5.12 or later')
    : ok('kernel', `Linux ${release}`);
}

const node = (): Check =>
  versionOf(process.version) < LEAST_NODE
    ? missing('node', process.version, 'Node 20.19 or later, 22, 24 or 26 is needed')
    : ok('node', `${process.version}, ${process.execPath}`);

/** Of what is no condition, and makes a difference for speed. */
function hugePages(): Check {
  const setting = readWords('/sys/kernel/mm/transparent_hugepage/enabled');
  return info('huge pages', /\[(\w+)\]/.exec(setting ?? '')?.[1] ?? 'unknown');
}

export const runtime = (): Check[] => [node(), kernel(), glibc(), hugePages()];
