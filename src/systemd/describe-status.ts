/** The part of the agent's status that is told to systemd. */
export interface Described {
  readonly ready: boolean;
  readonly notReady: readonly string[];
  readonly spiffeId: string;
  readonly certificate?: { readonly generation: number; readonly notAfter: string; readonly rotatesAt: string };
  /** `retryAt` is missing when the error was overcome. */
  readonly lastError?: { readonly line: string; readonly retryAt?: string };
}

/** As `systemctl status` shows it, on one line. */
export function describeStatus(status: Described): { readonly ready: boolean; readonly line: string } {
  const { ready, notReady, certificate, lastError } = status;
  const trouble = lastError?.retryAt === undefined ? [] : [lastError.line];
  const parts = ready ? [describeCertificate(status.spiffeId, certificate), ...trouble] : ['not ready', ...notReady];
  return { ready, line: parts.join('; ').replaceAll(/\s+/g, ' ') };
}

function describeCertificate(spiffeId: string, certificate: Described['certificate']): string {
  if (certificate === undefined) return 'mTLS is off, nothing is issued';
  const { generation, notAfter, rotatesAt } = certificate;
  return `${spiffeId}, generation ${generation}, to be replaced at ${rotatesAt}, valid until ${notAfter}`;
}
