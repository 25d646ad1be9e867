/**
 * What code in a child finds out about its own descriptors, as source text to put before a test's own: `resultFd()`
 * and `outputFd()` are where the library's own answer goes, which nobody tells the code.
 */
export const OWN_FDS = `
const fs = require('node:fs');
function openFds() {
  const found = new Map();
  for (const name of fs.readdirSync('/proc/self/fd')) {
    try {
      found.set(Number(name), fs.readlinkSync('/proc/self/fd/' + name));
    } catch {} // that of the folder itself
  }
  return found;
}
/** The runtime's own pipes have both ends here. */
function resultFd() {
  const ends = [...openFds()].filter(([fd, target]) => fd > 2 && target.startsWith('pipe:'));
  const [[fd]] = ends.filter(([, target]) => ends.filter((end) => end[1] === target).length === 1);
  return fd;
}
function outputFd() {
  return [...openFds()].find(([, target]) => target.startsWith('/memfd:nodespawner-output'))[0];
}
`;
