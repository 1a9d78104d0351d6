import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server does with one request; `body` sends the file as a good server would. */
export type Manners = (request: IncomingMessage, response: ServerResponse, body: () => void) => void;

export interface FileServer {
  readonly url: string;
  /** `Range` of each request for the file, in order; undefined where the whole was asked for. */
  readonly ranges: (string | undefined)[];
  readonly server: Server;
  stop(): Promise<void>;
}

/** Serves one content, with byte ranges, on a port of its own. Each request takes the next manners; the last ones stay. */
export const startFileServer = async (content: () => Buffer, ...manners: Manners[]): Promise<FileServer> => {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range);
    const now = manners.length > 1 ? manners.shift() : manners[0];
    const body = (): void => sendFile(content(), request, response);
    if (now === undefined) body();
    else now(request, response, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/image.qcow2`,
    ranges,
    server,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

const sendFile = (content: Buffer, { headers }: IncomingMessage, response: ServerResponse): void => {
  const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  if (headers.range === undefined) {
    response.writeHead(200, { 'content-length': content.length }).end(content);
  } else if (start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
  } else {
    const range = `bytes ${start}-${content.length - 1}/${content.length}`;
    response.writeHead(206, { 'content-range': range, 'content-length': content.length - start });
    response.end(content.subarray(start));
  }
};
