import t from 'tap';
import { loadAgent } from './load-text.ts';

const environment = { POD_NAMESPACE: 'shop', SERVICE_ACCOUNT: 'cart', POD_NAME: 'cart-0' };

t.test('are filled from the document and the environment', async (t) => {
  for (const [template, id] of [
    ['/ns/{namespace}/sa/{serviceAccount}', 'spiffe://default/ns/shop/sa/cart'],
    ['/{service}/{pod}', 'spiffe://default/web/cart-0'],
    ['/{tag.version}/{tag.kuma.io/service}', 'spiffe://default/v1/web'],
    ['/fixed', 'spiffe://default/fixed'],
  ] as const) {
    const text = `type: Agent\nservice: web\nspiffeId: "${template}"\ntags: {version: v1, kuma.io/service: web}\n`;
    t.equal(String(loadAgent(text, { environment }).config?.spiffeId), id);
  }
});

t.test('POD_SERVICE_ACCOUNT serves where SERVICE_ACCOUNT is not set', async (t) => {
  const text = 'type: Agent\nspiffeId: "/{serviceAccount}"\n';
  for (const SERVICE_ACCOUNT of [undefined, '']) {
    const { config } = loadAgent(text, { environment: { SERVICE_ACCOUNT, POD_SERVICE_ACCOUNT: 'other' } });
    t.equal(String(config?.spiffeId), 'spiffe://default/other');
  }
});

t.test('one without a value says what to set', async (t) => {
  for (const [template, hint] of [
    ['/{namespace}', 'set POD_NAMESPACE in the environment'],
    ['/{serviceAccount}', 'set SERVICE_ACCOUNT in the environment'],
    ['/{pod}', 'set POD_NAME in the environment'],
    ['/{nothing}', 'use {service}, {namespace}, {serviceAccount}, {pod} or {tag.NAME}'],
    ['/{tag.zone}', 'use {service}, {namespace}, {serviceAccount}, {pod} or {tag.NAME}'],
  ] as const) {
    const { config, lines } = loadAgent(`type: Agent\nspiffeId: "${template}"\n`);
    t.equal(config, undefined);
    t.equal(lines.length, 1);
    t.match(lines[0], `agent.yaml:2: spiffeId: spiffeId "${template}"`);
    t.match(lines[0], hint);
  }
});
