import t from 'tap';
import { protoFiles } from '../../../src/grpc/proto-files.ts';
import { answerReflection, type ReflectionRequest } from '../../../src/grpc/reflection.ts';

const answer = (request: ReflectionRequest) => answerReflection(request, ['SpiffeWorkloadAPI'], protoFiles);

function readFiles(request: ReflectionRequest): Buffer[] {
  const found = answer(request);
  return 'fileDescriptorResponse' in found ? [...found.fileDescriptorResponse.fileDescriptorProto] : [];
}

t.test('the services of this server are listed', async (t) => {
  t.same(answer({ messageRequest: 'listServices' }), {
    listServicesResponse: { service: [{ name: 'SpiffeWorkloadAPI' }] },
  });
});

t.test('a file comes first, then what it imports, directly or not, each once', async (t) => {
  const names = (request: ReflectionRequest) => {
    const bySize = new Map(protoFiles.map(({ name, descriptor }) => [descriptor, name]));
    return readFiles(request).map((bytes) => bySize.get(bytes.toString('base64')));
  };
  const workload = ['spiffe/workload/workload.proto', 'google/protobuf/struct.proto'];
  t.same(names({ messageRequest: 'fileContainingSymbol', fileContainingSymbol: 'SpiffeWorkloadAPI' }), workload);
  t.same(
    names({ messageRequest: 'fileContainingSymbol', fileContainingSymbol: 'SpiffeWorkloadAPI.FetchX509SVID' }),
    workload,
  );
  t.same(names({ messageRequest: 'fileContainingSymbol', fileContainingSymbol: 'X509SVID' }), workload);
  const sds = names({ messageRequest: 'fileByFilename', fileByFilename: 'envoy/service/secret/v3/sds.proto' });
  t.equal(sds[0], 'envoy/service/secret/v3/sds.proto');
  t.ok(sds.includes('google/protobuf/any.proto'));
  t.equal(new Set(sds).size, sds.length);
});

for (const [request, errorResponse] of [
  [
    { messageRequest: 'fileContainingSymbol', fileContainingSymbol: '.SpiffeWorkloadAPI' },
    { errorCode: 5, errorMessage: 'nothing here has this name' },
  ],
  [
    { messageRequest: 'fileByFilename', fileByFilename: '../../etc/passwd' },
    { errorCode: 5, errorMessage: 'nothing here has this name' },
  ],
  [{ messageRequest: 'fileContainingExtension' }, { errorCode: 5, errorMessage: 'there are no extensions' }],
  [{ messageRequest: 'allExtensionNumbersOfType' }, { errorCode: 5, errorMessage: 'there are no extensions' }],
  [{}, { errorCode: 12, errorMessage: 'unknown question' }],
] as const) {
  t.test(`${JSON.stringify(request)} is refused`, async (t) => {
    t.same(answer(request), { errorResponse });
  });
}
