import { request } from 'node:http';
import { AgentError, type ErrorCode } from '../errors.ts';

/** A rotate may take a minute; the agent then answers, so a little longer. */
const TIMEOUT_MS = 70_000;

/**
 * Asks the running agent over its admin socket.
 *
 * @returns what it answered, parsed.
 * @throws AgentError what the agent answered, or `ERR_AGENT` when it could not be asked.
 */
export async function askAgent(socket: string, method: 'GET' | 'POST', path: string): Promise<unknown> {
  const { status, text } = await exchange(socket, method, path);
  const answer = parse(socket, text);
  if (status < 400) return answer;
  const { error } = answer as { error?: { code?: string; message?: string; remedy?: string } };
  if (error?.message === undefined)
    throw fail(socket, `it answered with HTTP status ${status}`, 'is it another version?');
  const remedy = error.remedy === undefined ? {} : { remedy: error.remedy };
  throw new AgentError((error.code ?? 'ERR_AGENT') as ErrorCode, error.message, remedy);
}

function exchange(socket: string, method: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, method, path, timeout: TIMEOUT_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 500, text }));
      response.on('error', (cause) => reject(explain(socket, cause)));
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    asked.on('error', (cause) => reject(explain(socket, cause)));
    asked.end();
  });
}

function parse(socket: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw fail(socket, 'what answers there is no agent', 'name its socket with --socket');
  }
}

function explain(socket: string, cause: NodeJS.ErrnoException): AgentError {
  switch (cause.code) {
    case 'ENOENT':
      return fail(socket, 'no agent is running there', 'start one (meshcert run), or name its socket with --socket');
    case 'ECONNREFUSED':
      return fail(socket, 'the agent has ended', 'start it again (meshcert run)');
    case 'EACCES':
    case 'EPERM':
      return fail(socket, 'permission denied', 'run this as the user that the agent runs as');
    case 'ECONNRESET':
    case 'EPIPE':
      return fail(socket, 'it ended the connection', 'see its log');
    default:
      return fail(socket, cause.code ?? cause.message, 'see the log of the agent');
  }
}

function fail(socket: string, why: string, remedy: string): AgentError {
  return new AgentError('ERR_AGENT', `cannot ask the agent at ${socket}: ${why}`, { remedy });
}
