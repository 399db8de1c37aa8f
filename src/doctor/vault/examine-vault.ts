import type { Login } from '../../issuer/vault/login.ts';
import type { Checked, Examination } from '../examination.ts';
import type { DoctorPorts } from '../ports.ts';
import { checkTrial } from '../trial.ts';
import { checkCa } from './ca.ts';
import { checkCapabilities } from './capabilities.ts';
import { type Contact, openContact } from './contact.ts';
import { checkCredentials } from './credentials.ts';
import { checkHealth } from './health.ts';
import { giveBack, tryLogin } from './login.ts';
import { checkReach } from './reach.ts';
import { checkRole } from './role.ts';
import type { VaultSubject } from './subject.ts';
import { checkToken } from './token.ts';

/** The way of a certificate, step by step, each as the agent takes it. What is borrowed on the way is given back. */
export async function examineVault(examination: Examination, subject: VaultSubject, ports: DoctorPorts): Promise<void> {
  const opened = openContact(subject, ports);
  let login: Checked<Login> | undefined;
  try {
    const reached = await checkReach(examination, subject, ports);
    const serving = await checkHealth(examination, subject, reached, opened);
    const contact = { ...serving, value: serving.value && opened };
    const credentials = await checkCredentials(examination, subject, ports);
    login = await examination.check('login', [contact, ...credentials.needed], (held) =>
      tryLogin(subject, ports, held, credentials.serviceAccount?.value),
    );
    await checkService(examination, subject, { login, contact, ports });
  } finally {
    if (login?.value !== undefined) await giveBack(login.value, opened);
    opened.close();
  }
}

interface Held {
  readonly login: Checked<Login>;
  readonly contact: Checked<Contact>;
  readonly ports: DoctorPorts;
}

async function checkService(examination: Examination, subject: VaultSubject, held: Held): Promise<void> {
  const token = await checkToken(examination, subject, held);
  const grants = await checkCapabilities(examination, subject, { ...held, token });
  const role = await checkRole(examination, subject, { ...held, grants });
  const ca = await checkCa(examination, subject, { ...held, role });
  await checkTrial(examination, subject.vault, subject, [held.login, token, grants, role, ca], held.ports);
}
