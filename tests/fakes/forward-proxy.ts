import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

export interface ForwardProxy {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** `CONNECT host:port` and `GET http://...`, in order, with the credentials that came along. */
  readonly requests: readonly { readonly line: string; readonly credentials?: string }[];
  /** Connections of clients that are open now. */
  readonly open: ReadonlySet<unknown>;
  close(): Promise<void>;
}

/** An HTTP proxy of the kind companies have. `route` says where on this machine a host is, whatever its name. */
export async function startForwardProxy(route: (host: string) => number): Promise<ForwardProxy> {
  const requests: { line: string; credentials?: string }[] = [];
  const server: Server = createServer((request, response) => {
    const credentials = request.headers['proxy-authorization'];
    requests.push({ line: `${request.method} ${request.url}`, ...(credentials && { credentials }) });
    const url = new URL(request.url ?? '');
    void fetch(`http://127.0.0.1:${route(url.host)}${url.pathname}${url.search}`).then(async (answer) => {
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
  });
  const open = new Set<unknown>();
  server.on('connection', (socket) => open.add(socket.on('close', () => open.delete(socket))));
  server.on('connect', (request, client) => {
    const credentials = request.headers['proxy-authorization'];
    requests.push({ line: `CONNECT ${request.url}`, ...(credentials && { credentials }) });
    const onward = connect(route(request.url ?? ''), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connected\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    client.on('error', () => onward.destroy());
    onward.on('error', () => client.destroy());
    client.on('close', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    open,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
