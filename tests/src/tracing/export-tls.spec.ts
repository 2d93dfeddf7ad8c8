import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates, type OtlpReceiver, startOtlpReceiver } from '@sliceway/testing';
import { SpanWriter } from '@sliceway/tracing/internal/recording/span-writer.js';
import { Exporting, otlpTo, PROTOCOLS, record } from './exporting.fixture.js';

const directory = mkdtempSync(join(tmpdir(), 'sliceway-tls-'));
/** Each has ca.crt, and tls.crt and tls.key, which are of it. */
const own = join(directory, 'own');
const other = join(directory, 'other');
const pem = (name: string): Buffer => readFileSync(join(own, name));

let exporting: Exporting;
let receiver: OtlpReceiver;
beforeAll(() => [own, other].forEach((folder) => makeCertificates(folder, ['127.0.0.1'])));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
beforeEach(() => (exporting = new Exporting()));
afterEach(async () => {
  await exporting.close();
  await receiver.close();
});

async function listen(isMutual: boolean): Promise<void> {
  const tls = { key: pem('tls.key'), cert: pem('tls.crt') };
  receiver = await startOtlpReceiver(isMutual ? { ...tls, clientCa: pem('ca.crt') } : tls);
}

const trust = (folder: string, name = 'OTEL_EXPORTER_OTLP_CERTIFICATE') => ({ [name]: join(folder, 'ca.crt') });
const client = (folder: string) => ({
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: join(folder, 'tls.crt'),
  OTEL_EXPORTER_OTLP_CLIENT_KEY: join(folder, 'tls.key'),
});

describe.each(PROTOCOLS)('%s', (protocol) => {
  /** Three spans, sent. @returns the exporter's counts */
  async function send(environment: Record<string, string>) {
    const exporter = exporting.start({
      ...otlpTo(receiver, protocol),
      // What no certificate helps is given up after it.
      OTEL_EXPORTER_OTLP_TIMEOUT: '1500',
      ...environment,
    });
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    record(writer, 3);
    expect(await exporter.flush()).toBe(true);
    return exporter.stats();
  }

  /** Without OpenTelemetry's own: over gRPC it warns of a client's certificate that nobody has asked for. */
  const failures = (): string[] => exporting.logs.filter((message) => message.startsWith('export'));
  const arrived = { exported: 3, droppedExport: 0, failures: 0 };
  const lost = { exported: 0, droppedExport: 3, droppedQueue: 0, failures: 1 };

  it.each(['OTEL_EXPORTER_OTLP_CERTIFICATE', 'OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE'])(
    'spans go to a receiver that the CA of %s knows',
    async (name) => {
      await listen(false);
      expect(await send(trust(own, name))).toMatchObject(arrived);
      expect(receiver.spans()).toHaveLength(3);
      expect(failures()).toEqual([]);
    },
  );

  it.each([
    ['another CA', trust(other)],
    ['the CAs that Node.js has', {}],
  ])('nothing goes to a receiver that %s does not know, and the loss is counted', async (_, environment) => {
    await listen(false);
    expect(await send(environment)).toMatchObject(lost);
    expect(receiver.requests).toBe(0);
    expect(failures()).toEqual([expect.stringMatching(/^export to otlp: .*certificate/)]);
  });

  it("a client's certificate is shown where the receiver asks for one", async () => {
    await listen(true);
    expect(await send({ ...trust(own), ...client(own) })).toMatchObject(arrived);
    expect(receiver.spans()).toHaveLength(3);
  });

  it.each([
    ['without a certificate', {}],
    ['with one of another CA', client(other)],
  ])('a client %s is refused, and the loss is counted', async (_, environment) => {
    await listen(true);
    expect(await send({ ...trust(own), ...environment })).toMatchObject(lost);
    expect(receiver.requests).toBe(0);
    expect(failures()).toEqual([expect.stringMatching(/^export to otlp: /)]);
  });
});
