import { existsSync } from 'node:fs';
import { type PeerName, peerPaths } from '../../scripts/install-peers.mjs';

/** The path of an installed part. */
export function peerProgram(name: PeerName): string {
  const path = peerPaths()[name];
  if (!existsSync(path)) throw new Error(`${name} is not installed (${path}); run: node scripts/install-peers.mjs`);
  return path;
}
