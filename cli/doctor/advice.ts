/** What a container has to be given. */
import { existsSync } from 'node:fs';

export type Container = 'Kubernetes' | 'Docker' | 'Podman' | undefined;

export function container(env: NodeJS.ProcessEnv): Container {
  if (env.KUBERNETES_SERVICE_HOST !== undefined) return 'Kubernetes';
  if (existsSync('/.dockerenv')) return 'Docker';
  return existsSync('/run/.containerenv') ? 'Podman' : undefined;
}

export const IN_CONTAINERS: readonly string[] = [
  'Docker and Podman: --cap-add=SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined ' +
    '--security-opt systempaths=unconfined, or profiles that permit clone and unshare of namespaces, mount and pivot_root',
  'Kubernetes: securityContext with capabilities.add: [SYS_ADMIN], seccompProfile and appArmorProfile of type Unconfined ' +
    '(or Localhost profiles that permit the same), procMount: Unmasked',
];
