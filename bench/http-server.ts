/** The other side of the calls over HTTP, in a process of its own: it answers every request with the same words. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { frames } from './frames.ts';

const pieces = frames(Number(process.argv[2]));

const server = createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of pieces) response.write(piece);
    response.end();
  });
});
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
});
process.once('disconnect', () => process.exit());
