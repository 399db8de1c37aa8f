import type { Status } from './status.ts';

/** The page at `/`: what a person wants to know first, and where the rest is. */
export function renderStatusPage(status: Status): string {
  const { certificate, lastError } = status;
  const rows: [string, string][] = [
    ['SPIFFE ID', status.spiffeId],
    ['Mesh', status.mesh],
    ['Ready', status.ready ? 'yes' : `no: ${status.notReady.join('; ')}`],
    ['Certificate', certificate === undefined ? 'none' : `generation ${certificate.generation}`],
    ['Valid until', certificate?.notAfter ?? '-'],
    ['Rotates at', certificate?.rotatesAt ?? '-'],
    ['Backend', status.backend ?? 'none, mTLS is off'],
    ['CA', [`${status.ca.state} since ${status.ca.since}`, status.ca.reason ?? []].flat().join(': ')],
    ['Last error', lastError === undefined ? '-' : `${lastError.at} ${lastError.line}`],
    ['Version', status.agent.version],
  ];
  const links = ['/metrics', '/healthz', '/readyz', '/status'].map((path) => `<a href="${path}">${path}</a>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>meshcert: ${escapeHtml(status.name)}</title>
<h1>meshcert: ${escapeHtml(status.name)}</h1>
<table>
${rows.map(([name, value]) => `<tr><th align="left">${name}<td>${escapeHtml(value)}`).join('\n')}
</table>
<p>${links.join(' ')}
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
