import 'reflect-metadata';
import { WorkerState, type Heartbeat } from '@sliceway/protocol';
import { identity } from '../identity.config.js';
import { PeerRegistry } from '../registry/peer-registry.js';
import { NO_LOAD, ServiceStatus } from '../service-status.js';
import { HealthController } from './health.controller.js';

describe('HealthController', () => {
  let status: ServiceStatus;
  let peers: PeerRegistry;
  let health: HealthController;
  let down: string | undefined;

  beforeEach(() => {
    status = new ServiceStatus('decode');
    down = undefined;
    status.addReadinessCheck(() => down);
    peers = new PeerRegistry();
    health = new HealthController(status, peers);
  });

  const ready = (): [code: number | undefined, body: object] => {
    let code: number | undefined;
    const body = health.ready({ status: (given: number) => void (code = given) } as never);
    return [code, body];
  };

  it('is ready only in the state ready and with every check passed; else it says why', () => {
    expect(ready()).toEqual([503, { status: 'unready', reasons: ['the service is starting'] }]);
    status.become(WorkerState.ready);
    expect(ready()).toEqual([200, { status: 'ready', reasons: [] }]);
    down = 'no connection';
    expect(ready()).toEqual([503, { status: 'unready', reasons: ['no connection'] }]);
    status.become(WorkerState.draining);
    expect(ready()).toEqual([503, { status: 'unready', reasons: ['the service is draining', 'no connection'] }]);
  });

  it('lives whatever else is wrong', () => {
    down = 'no connection';
    expect(health.live()).toEqual({ status: 'alive' });
  });

  it('sums up itself and its peers, those that are not ready too', () => {
    const beat: Heartbeat = {
      role: 'prefill',
      instance: '0000000a',
      sequence: 0,
      state: WorkerState.draining,
      intervalMs: 1000,
      host: 'h',
      pid: 1,
      startedAtMs: 1,
      load: NO_LOAD,
      serves: null,
    };
    peers.take(beat);
    expect(health.summary()).toMatchObject({
      status: 'starting',
      reasons: ['the service is starting'],
      role: 'decode',
      instance: identity.instance,
      backend: null,
      model: null,
      load: NO_LOAD,
      peers: { gateway: [], tokenizer: [], prefill: [{ instance: '0000000a', state: 'draining' }], decode: [] },
    });
  });
});
