import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** One HTTP request over a Unix socket. */
export function askSocket(
  socketPath: string,
  method: string,
  path: string,
): Promise<{ status: number | undefined; type: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    request({ socketPath, method, path, agent: false }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode, type: response.headers['content-type'], text: body }),
        reject,
      );
    })
      .on('error', reject)
      .end();
  });
}
