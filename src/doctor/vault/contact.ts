import type { AskVault, VaultAnswer, VaultClient } from '../../issuer/vault/client.ts';
import { openConnector } from '../../issuer/vault/connect.ts';
import { withTimeLimit } from '../../issuer/vault/time-limit.ts';
import { makeIssuerContext } from '../issuer-context.ts';
import type { DoctorPorts } from '../ports.ts';
import type { VaultSubject } from './subject.ts';

/** A connection as the agent has it, whose last answer can be looked at again. */
export interface Contact {
  readonly ask: AskVault;
  /** Of the last call; undefined when there was none. */
  lastAnswer(): VaultAnswer | undefined;
  close(): void;
}

/** Connects with the first question. */
export function openContact(subject: VaultSubject, ports: DoctorPorts): Contact {
  const connect = openConnector(subject.vault, makeIssuerContext(subject, ports).context);
  let client: VaultClient | undefined;
  let last: VaultAnswer | undefined;
  return {
    ask: async (call) => {
      last = undefined;
      client ??= await connect();
      const { request } = client;
      last = await withTimeLimit(subject.requestTimeoutMs, [], (signal) => request(call, signal));
      return last;
    },
    lastAnswer: () => last,
    close: () => client?.close(),
  };
}
