// Sends the table to somebody.
import { createConnection } from 'node:net';
import { once } from 'node:events';

export async function render(flights) {
  const socket = createConnection(9, '127.0.0.1');
  await once(socket, 'connect');
  socket.end(String(flights.numRows));
  return flights;
}
