/** The servers that tests of many machines are built on. */
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { startRedis, type RedisServer } from '../helpers/redis-server.js';

async function command(server: RedisServer, line: string): Promise<string> {
  const connection = connect(server.port, '127.0.0.1').setEncoding('latin1');
  await once(connection, 'connect');
  connection.write(`${line}\r\n`);
  const [answer] = (await once(connection, 'data')) as [string];
  connection.destroy();
  return answer;
}

t.test('Redis that was killed has what it had acknowledged, when it is started again', async (t) => {
  const server = await startRedis(t);
  t.equal(await command(server, 'SET key value'), '+OK\r\n');
  const before = server.pid;
  await server.stop('SIGKILL');
  await t.rejects(command(server, 'GET key'));
  await server.start();
  t.not(server.pid, before);
  t.equal(await command(server, 'GET key'), '$5\r\nvalue\r\n');
});

t.test('each Redis has data of its own', async (t) => {
  const servers = await Promise.all([startRedis(t), startRedis(t)]);
  await command(servers[0], 'SET key value');
  t.equal(await command(servers[1], 'GET key'), '$-1\r\n');
});
