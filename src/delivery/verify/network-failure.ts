/** Why a target could not be asked, in a few words. */
export function describeNetworkFailure({ code = '', message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was closed';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'no such host';
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'it does not speak TLS';
    case 'ABORT_ERR':
      return 'no answer in time';
    default:
      return code === '' ? (message.split('\n', 1)[0] ?? '') : code;
  }
}
