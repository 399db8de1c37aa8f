import t from 'tap';
import { renderCommonName } from '../../../src/config/common-name.ts';
import { ADDRESS, loadText, meshWithVault, TOKEN } from './load-text.ts';

const tags = { 'kuma.io/service': 'web_shop_svc_80', version: 'v1' };

for (const [template, expected] of [
  ['web.mesh', 'web.mesh'],
  ['{{ tag "kuma.io/service" }}.mesh', 'web_shop_svc_80.mesh'],
  ['{{ tag "kuma.io/service" | replace "_" "-" }}.mesh', 'web-shop-svc-80.mesh'],
  ['{{tag `kuma.io/service`|replace "_svc_80" ""|replace "_" "."}}.mesh', 'web.shop.mesh'],
  ['{{ tag "version" }}.{{ tag "version" | replace "v" "\\u0077" }}', 'v1.w1'],
  ['{{ tag "kuma.io/service" | replace "|" "}" | replace "web" "a b" }}', 'a b_shop_svc_80'],
] as const) {
  t.test(template, async (t) => {
    t.equal(renderCommonName(template, tags), expected);
  });
}

for (const [template, message, remedy] of [
  ['{{ tag "kuma.io/servce" }}', 'this agent has no tag "kuma.io/servce"', 'did you mean "kuma.io/service"?'],
  ['{{ tag "zone" }}', 'this agent has no tag "zone"', 'there are: kuma.io/service, version'],
  ['{{ tag "constructor" }}', 'this agent has no tag "constructor"'],
  ['{{ label "a" }}', 'unknown function "label", expected tag'],
  ['{{ tag "version" | upper }}', 'unknown function "upper", expected replace'],
  ['{{ tag "version" | replace "a" }}', 'replace takes two texts in quotes'],
  ['{{ tag "version" | replace "a" "b" "c" }}', 'replace takes two texts in quotes'],
  ['{{ tag "version" "b" }}', 'tag takes one name in quotes'],
  ['{{ tag version }}', 'expected a text in quotes, got "version"'],
  ['{{ tag "version }}', 'expected a text in quotes, got "\\""'],
  ['{{ tag "version" | }}', '"{{" and "|" are followed by a function'],
  ['{{ }}', '"{{" and "|" are followed by a function'],
  ['{{ tag "version" }', '"{{" without "}}", or "}}" without "{{"'],
  ['a }} b', '"{{" without "}}", or "}}" without "{{"'],
  ['{{ tag "version" | replace "v1" "" }}', 'expected a common name, and it comes to nothing'],
  ['a\u0000b', 'expected a common name, and it comes to control characters'],
  ['{{ tag "version" }}'.repeat(33), 'a common name has at most 64 characters, and "v1v1'],
] as const) {
  t.test(`${JSON.stringify(template.slice(0, 60))} is refused`, async (t) => {
    t.throws(() => renderCommonName(template, tags), {
      code: 'ERR_CONFIG',
      message,
      ...(remedy !== undefined && { remedy }),
    });
  });
}

const TEMPLATE = `commonName: '{{ tag "kuma.io/service" | replace "_" "-" }}.mesh'`;
const issuerOf = (...texts: string[]) =>
  loadText('', { sources: texts.map((text, index) => ({ file: `${index}.yaml`, text })) });

t.test('the tags are those of the Agent document; without the tag, its service is that', async (t) => {
  const mesh = meshWithVault(ADDRESS, TOKEN, TEMPLATE);
  const nameOf = (agent: string) => {
    const { config, lines } = issuerOf(mesh, agent);
    t.same(lines, []);
    return config?.backend?.issuer;
  };
  t.match(nameOf('type: Agent\nservice: web\n'), { commonName: 'web.mesh' });
  t.match(nameOf('type: Agent\nservice: web\ntags: {kuma.io/service: web_a}\n'), { commonName: 'web-a.mesh' });
  t.match(loadText(mesh).config?.backend?.issuer, { commonName: 'web-0.mesh' });
});

t.test('an unknown tag is told with its line', async (t) => {
  const { config, lines } = loadText(meshWithVault(ADDRESS, TOKEN, `commonName: '{{ tag "team" }}.mesh'`));
  t.equal(config, undefined);
  t.same(lines, [
    'mesh.yaml:12: mtls.backends[0].conf.fromCp.commonName: this agent has no tag "team"; ' +
      'set it under "tags" in the Agent document; there are: kuma.io/service',
  ]);
});

t.test('the tags of this agent say nothing about another mesh', async (t) => {
  const other = meshWithVault(ADDRESS, TOKEN, `commonName: '{{ tag "kuma.io/zone" }}'`);
  const { config, lines } = issuerOf(
    meshWithVault(ADDRESS, TOKEN),
    other.replace('name: default', 'name: other'),
    'type: Agent\nmesh: default\n',
  );
  t.same(lines, []);
  t.ok(config);
});
