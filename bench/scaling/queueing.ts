/** What queueing theory knows of c servers, arrivals by chance (Poisson), and exponential service: M/M/c. */

/**
 * Erlang's C: the probability that an arrival finds all servers busy.
 *
 * @param load arrivals per service time, on average: below the number of servers
 */
export function erlangC(servers: number, load: number): number {
  if (load >= servers) return 1;
  // Erlang's B, one server after the other, which never overflows.
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (load * blocked) / (n + load * blocked);
  return blocked / (1 - (load / servers) * (1 - blocked));
}

/** From arrival to end, on average, in units of a service time. The same if the servers share all work equally. */
export function meanResponse(servers: number, load: number): number {
  return load >= servers ? Infinity : 1 + erlangC(servers, load) / (servers - load);
}

/** How many servers it takes until at most this part of all arrivals finds them all busy. */
export function serversFor(load: number, mostWaiting: number): number {
  let servers = Math.floor(load) + 1;
  while (erlangC(servers, load) > mostWaiting) servers++;
  return servers;
}
